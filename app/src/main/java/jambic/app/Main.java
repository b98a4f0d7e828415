package jambic.app;

import jambic.tensor.JambicException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The root command: each subcommand is a class of its own in this package. */
@Command(
    name = "jambic",
    description = "Trains and runs GPTs in pure Java.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {TrainCommand.class, SampleCommand.class, PlotCommand.class},
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:it failed; the last line on the error stream says why",
      "2:the command line is wrong"
    })
public final class Main implements Runnable {

  /** The exit code after Ctrl-C, as shells have it. */
  static final int INTERRUPTED = 130;

  @Spec private CommandSpec spec;
  private final Interruption interruption;

  private Main(Interruption interruption) {
    this.interruption = interruption;
  }

  /**
   * Runs the command line and exits with its code.
   *
   * @param args what the user typed
   */
  public static void main(String... args) {
    Interruption interruption = new Interruption();
    interruption.install();
    int code = commandLine(interruption).execute(args);
    interruption.end();
    System.exit(code);
  }

  Interruption interruption() {
    return interruption;
  }

  /** The whole command line, ready to execute. */
  static CommandLine commandLine(Interruption interruption) {
    return new CommandLine(new Main(interruption))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Main::explain)
        .setExecutionExceptionHandler(Main::explain);
  }

  static CommandLine commandLine() {
    return commandLine(new Interruption());
  }

  /** Without a subcommand there is nothing to do but to show them. */
  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  /** What was typed is wrong: one sentence, the nearest names, and where the help is. */
  private static int explain(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("jambic: " + e.getMessage());
    UnmatchedArgumentException.printSuggestions(e, err);
    err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  /** A failure the user can mend is a sentence; any other is a defect and shows where it is. */
  private static int explain(Exception e, CommandLine command, ParseResult parsed)
      throws Exception {
    if (!(e instanceof JambicException)) {
      throw e;
    }
    command.getErr().println("jambic: " + e.getMessage());
    return command.getCommandSpec().exitCodeOnExecutionException();
  }
}
