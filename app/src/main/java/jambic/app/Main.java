package jambic.app;

import jambic.app.align.ClassifyCommand;
import jambic.app.align.DpoCommand;
import jambic.app.align.GrpoCommand;
import jambic.app.align.KtoCommand;
import jambic.app.align.PpoCommand;
import jambic.app.align.QuestionsCommand;
import jambic.app.align.RewardCommand;
import jambic.app.align.SftCommand;
import jambic.app.chat.ChatCommand;
import jambic.app.cli.DoubleConverter;
import jambic.app.cli.FlagFile;
import jambic.app.cli.FloatConverter;
import jambic.app.cli.Hyperparameters;
import jambic.app.cli.Interruptible;
import jambic.app.cli.Interruption;
import jambic.app.cli.StandardStream;
import jambic.app.cli.UsageErrors;
import jambic.app.cli.Version;
import jambic.app.ranking.RankCommand;
import jambic.app.ranks.Job;
import jambic.app.serve.ServeCommand;
import jambic.app.serve.WatchCommand;
import jambic.app.terminal.Terminal;
import jambic.app.terminal.WrappedHelp;
import jambic.model.ConfigException;
import jambic.tensor.BatchTooLargeException;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.HyperparameterException;
import java.io.FileDescriptor;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The root command: each subcommand is a class of its own in this package. */
@Command(
    name = "jambic",
    description = "Trains and runs Transformers in pure Java: GPTs, and translators.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:it failed; the last line on the error stream says why",
      "2:the command line is wrong, or does not fit the model or run it is for",
      "130:interrupted by Ctrl-C (143 by SIGTERM); training has saved"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic train                     train on tiny Shakespeare",
      "  jambic sample runs/NAME          let the model write",
      "  jambic train --help              flags and examples of a command"
    })
public final class Main implements Runnable, Interruptible {
  private static final int HELP_WIDTH = 100;

  private static final List<Class<?>> COMMANDS =
      List.of(
          TrainCommand.class,
          SftCommand.class,
          RankCommand.class,
          RewardCommand.class,
          PpoCommand.class,
          DpoCommand.class,
          KtoCommand.class,
          GrpoCommand.class,
          ClassifyCommand.class,
          SampleCommand.class,
          ChatCommand.class,
          ServeCommand.class,
          TranslateCommand.class,
          EvalCommand.class,
          LogitsCommand.class,
          ExportCommand.class,
          PlotCommand.class,
          RunsCommand.class,
          WatchCommand.class,
          InfoCommand.class,
          PrepareCommand.class,
          QuestionsCommand.class,
          TokenizeCommand.class,
          PlanCommand.class,
          DoctorCommand.class,
          BenchCommand.class,
          CompletionCommand.class,
          HelpCommand.class,
          RehearseCommand.class);

  /** Commands that speak of the others. */
  private static final Set<Class<?>> GUIDES = Set.of(CompletionCommand.class, HelpCommand.class);

  private static final List<String> MEMORY_FLAGS = List.of("--batch-size", "--block-size");

  @Spec private CommandSpec spec;

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      order = Integer.MAX_VALUE,
      description = "Show where in the code an error arose.")
  private boolean stacktrace;

  private final Interruption interruption;
  private final Job job;

  private Main(Interruption interruption, Job job) {
    this.interruption = interruption;
    this.job = job;
  }

  /**
   * Runs the command line and exits with its code.
   *
   * @param args what the user typed
   */
  public static void main(String... args) {
    Interruption interruption = new Interruption();
    interruption.install();
    StandardStream out = new StandardStream(FileDescriptor.out);
    StandardStream err = new StandardStream(FileDescriptor.err);
    Job job = new Job();
    CommandLine commandLine =
        commandLine(interruption, job, args)
            .setOut(writer(out, "stdout.encoding"))
            .setErr(writer(err, "stderr.encoding"));
    int code;
    try {
      code = commandLine.execute(args);
      commandLine.getOut().flush();
      if (out.isLost()) {
        commandLine.getErr().println("jambic: cannot write the output: " + out.reason());
        code = Math.max(code, CommandLine.ExitCode.SOFTWARE);
      }
      job.leave(code, code != 0 && code != INTERRUPTED);
    } finally {
      interruption.end();
    }
    System.exit(code);
  }

  /** A person gets what the terminal can show; a file or a pipe gets every character, in UTF-8. */
  private static PrintWriter writer(StandardStream stream, String encoding) {
    boolean watched = System.console() != null && System.console().isTerminal();
    Charset charset =
        watched
            ? Charset.forName(System.getProperty(encoding, "UTF-8"), StandardCharsets.UTF_8)
            : StandardCharsets.UTF_8;
    return new PrintWriter(new OutputStreamWriter(stream, charset), true);
  }

  /**
   * The command line, ready to execute {@code args}. If they begin with a command it knows only
   * that one: to read the options of all takes longer than to load a small model.
   */
  static CommandLine commandLine(String... args) {
    return commandLine(new Interruption(), new Job(), args);
  }

  private static CommandLine commandLine(Interruption interruption, Job job, String... args) {
    Main main = new Main(interruption, job);
    CommandLine commandLine =
        new CommandLine(main) {
          @Override
          public int execute(String... words) {
            try {
              UsageErrors.requireNoFile(this, words);
              return super.execute(FlagFile.expand(this, words));
            } catch (ParameterException e) {
              return main.explain(e, words);
            }
          }
        };
    Terminal terminal = Terminal.of(commandLine.getOut());
    for (Class<?> command : called(args).map(List::<Class<?>>of).orElse(COMMANDS)) {
      commandLine.addSubcommand(new CommandLine(command));
    }
    commandLine
        .registerConverter(float.class, new FloatConverter())
        .registerConverter(Float.class, new FloatConverter())
        .registerConverter(double.class, new DoubleConverter())
        .registerConverter(Double.class, new DoubleConverter())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExpandAtFiles(false) // FlagFile has
        .setHelpFactory(WrappedHelp::new)
        .setUsageHelpWidth(HELP_WIDTH)
        .setUsageHelpAutoWidth(terminal.isLive())
        .setColorScheme(Help.defaultColorScheme(terminal.isColored() ? Ansi.ON : Ansi.OFF))
        .setUsageHelpLongOptionsMaxWidth(30)
        .setParameterExceptionHandler(main::explain)
        .setExecutionExceptionHandler(main::explain)
        .setExecutionStrategy(main::run);
    commandLine.getSubcommands().values().forEach(Main::shorten);
    return commandLine;
  }

  private static Optional<Class<?>> called(String... args) {
    return COMMANDS.stream()
        .filter(command -> args.length > 0 && !GUIDES.contains(command))
        .filter(command -> command.getAnnotation(Command.class).name().equals(args[0]))
        .findFirst();
  }

  /** Thirty flags in a synopsis help nobody. */
  private static void shorten(CommandLine command) {
    command.getCommandSpec().usageMessage().abbreviateSynopsis(true);
  }

  @Override
  public Interruption interruption() {
    return interruption;
  }

  @Override
  public Job job() {
    return job;
  }

  /** Without a subcommand there is nothing to do but to show them. */
  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  /** Errors of the virtual machine are said like all others. */
  private int run(ParseResult parsed) {
    try {
      return new RunLast().execute(parsed);
    } catch (OutOfMemoryError e) {
      return fail(
          Text.format(
              "out of memory, the heap's %d MiB are full; %sgive Java more with"
                  + " JAMBIC_JAVA_OPTS=-Xmx and a size",
              Runtime.getRuntime().maxMemory() >> 20,
              memoryFlags(parsed).map(flags -> "lower " + flags + ", or ").orElse("")),
          e);
    } catch (LinkageError | StackOverflowError | InternalError | AssertionError e) {
      return fail(defect(e), e);
    }
  }

  /**
   * What of the command's own flags lowers its need of memory; a resumed run keeps their values.
   */
  private static Optional<String> memoryFlags(ParseResult parsed) {
    CommandLine command = parsed.asCommandLineList().getLast();
    Set<String> flags = command.getCommandSpec().optionsMap().keySet();
    return command.getParseResult().hasMatchedOption("--resume")
        ? Optional.empty()
        : MEMORY_FLAGS.stream().filter(flags::contains).reduce((a, b) -> a + " or " + b);
  }

  /** What was typed is wrong: one sentence, and where the help is. */
  private int explain(ParameterException e, String[] args) {
    job.waitToSpeak();
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("jambic: " + job.name() + UsageErrors.sentence(e));
    err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  /** A failure the user can mend is a sentence; any other is a defect, and a sentence as well. */
  private int explain(Exception e, CommandLine command, ParseResult parsed) {
    if (e instanceof HyperparameterException wrong) {
      String sentence = Hyperparameters.sentence(wrong);
      return explain(new ParameterException(command, sentence, e), new String[0]);
    }
    return fail(e instanceof JambicException ? sentence(e, parsed) : defect(e), e);
  }

  private static String sentence(Exception e, ParseResult parsed) {
    if (e instanceof ConfigException config) {
      return Hyperparameters.sentence(config);
    }
    return e instanceof BatchTooLargeException
        ? e.getMessage() + memoryFlags(parsed).map(flags -> " with " + flags).orElse("")
        : e.getMessage();
  }

  private String defect(Throwable e) {
    return "unexpected "
        + e
        + (stacktrace ? "" : "; this is a defect, --stacktrace shows where it is");
  }

  private int fail(String sentence, Throwable e) {
    job.waitToSpeak();
    PrintWriter err = spec.commandLine().getErr();
    if (stacktrace) {
      e.printStackTrace(err);
    }
    err.println("jambic: " + job.name() + sentence);
    err.flush();
    return spec.exitCodeOnExecutionException();
  }
}
