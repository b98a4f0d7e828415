package jambic.app.serve;

import jambic.app.cli.Interruptible;
import jambic.app.watch.WatchServer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows runs in the browser. */
@Command(
    name = "watch",
    description = {
      "Shows the curves of all runs in a folder in the browser, live: compare them, zoom, see which",
      "hyperparameters differ. It says where, to this machine alone, and ends by Ctrl-C."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic watch                                 the runs in runs",
      "  jambic watch experiments --port 0            those of another folder, at any free port"
    })
public final class WatchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "FOLDER",
      defaultValue = "runs",
      description = "Folder of runs, or of one. Default: ${DEFAULT-VALUE}.")
  private Path folder;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "6006",
      description = "Port to listen on; 0 for any that is free. Default: ${DEFAULT-VALUE}.")
  private int port;

  /** For the command line. */
  public WatchCommand() {}

  @Override
  public Integer call() {
    if (port < 0 || port > 65_535) {
      throw new ParameterException(
          spec.commandLine(), "--port must be from 0 to 65535, not " + port);
    }
    requireFolder(folder);
    Stop stop = new Stop(((Interruptible) spec.root().userObject()).interruption());
    try (WatchServer server = WatchServer.start(folder, port)) {
      PrintWriter out = spec.commandLine().getOut();
      out.println(Text.format("Watching %s at %s", folder, server.page()));
      out.flush();
      stop.await();
    }
    return Interruptible.INTERRUPTED;
  }

  static void requireFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new JambicException(
          Text.format(
              Files.exists(folder)
                  ? "%s is not a folder; name a folder of runs"
                  : "%s does not exist; jambic train makes runs, or name another folder of them",
              folder));
    }
  }
}
