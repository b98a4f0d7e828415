package jambic.app;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The root command: each subcommand is a class of its own in this package. */
@Command(
    name = "jambic",
    description = "Trains and runs GPTs in pure Java.",
    mixinStandardHelpOptions = true,
    version = "jambic 0.1.0-SNAPSHOT",
    synopsisSubcommandLabel = "COMMAND")
final class Main {

  /**
   * Runs the command line and exits with its code.
   *
   * @param args what the user typed
   */
  public static void main(String... args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }
}
