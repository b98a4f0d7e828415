/** The command line. Nothing here is needed to embed the engine. */
module jambic.app {
  requires jambic.serve;
  requires jambic.train;
  requires com.fasterxml.jackson.jr.ob;
  requires info.picocli;
  requires java.desktop;
  requires java.management;
  requires java.net.http;
  requires jdk.jfr;
  requires jdk.management;
  requires jdk.unsupported; // for the signal of Ctrl-C

  opens jambic.app to
      info.picocli;
  opens jambic.app.align to
      info.picocli;
  opens jambic.app.chat to
      info.picocli;
  opens jambic.app.cli to
      info.picocli;
  opens jambic.app.ranks to
      info.picocli;
  opens jambic.app.ranking to
      info.picocli;
  opens jambic.app.serve to
      info.picocli;
  opens jambic.app.watch to
      info.picocli;
}
