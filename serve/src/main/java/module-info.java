/**
 * Serves models by HTTP: OpenAI's API, metrics and a playground. Start at {@link
 * jambic.serve.JambicServer}.
 */
module jambic.serve {
  requires transitive jambic.model;
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.jr.ob;
  requires static jdk.jfr;
  requires org.eclipse.jetty.alpn.java.server;
  requires org.eclipse.jetty.alpn.server;
  requires org.eclipse.jetty.http2.server;
  requires org.eclipse.jetty.server;

  exports jambic.serve;
  exports jambic.serve.http;
  exports jambic.serve.model;
}
