package jambic.app.cli;

import jambic.app.ranks.Job;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider;
import jambic.tensor.spi.BackendProvider.Unavailable;
import jambic.tensor.spi.UnavailableException;
import jambic.tensor.text.Text;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Where to compute. */
public final class BackendOptions {
  public static final String AUTO = "auto";
  static final List<Precision> TYPES = List.of(Precision.FP32, Precision.TF32, Precision.BF16);

  @Option(
      names = "--backend",
      paramLabel = "BACKEND",
      completionCandidates = CompletionValues.Computing.class,
      description = {
        "Where to compute: auto, cpu, cuda or reference.",
        "Default: the best that works here."
      })
  private Optional<String> given = Optional.empty();

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "CPU threads to use. Default: all processors, shared by the ranks of a machine.")
  private Optional<Integer> threads = Optional.empty();

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      completionCandidates = CompletionValues.Types.class,
      description = {
        "What to compute with: fp32, tf32 or bf16 (cuda), fp32 (the others).",
        "Default: bf16 on cuda."
      })
  private Optional<String> dtype = Optional.empty();

  private int fairShare = Backends.processors();
  private boolean speaks = true; // for all ranks of a job
  private boolean shares; // this machine's processors with others, perhaps

  private Map<String, Unavailable> passedOver = Map.of(); // when it was opened

  /** Shares the processors of this machine among the ranks of a job. */
  public void share(Job job) {
    fairShare = job.threads();
    speaks = job.join().isFirst();
    shares = job.join().isShared();
  }

  /** Opens the backend; who asks for {@code auto} by name is told what that passed over. */
  public Backend open(CommandLine command) {
    Backend backend = open(command, AUTO, _ -> dtype);
    if (given.isPresent() && !isReference(backend)) {
      passedOver()
          .forEach(reason ->
              command
                  .getErr()
                  .println(Text.format("jambic: computing on %s, %s", backend.name(), reason)));
    }
    return backend;
  }

  /**
   * Opens the backend, with a warning where it is the slow one.
   *
   * @param otherwise the choice where the user makes none: a resumed run's own backend, because
   *     others round in another way
   * @param type the type to compute with, by the backend's name
   */
  public Backend open(
      CommandLine command, String otherwise, Function<String, Optional<String>> type) {
    String name = given.orElse(otherwise);
    List<String> names = Backends.providers().stream().map(BackendProvider::name).toList();
    if (!name.equals(AUTO) && !names.contains(name)) {
      throw new ParameterException(
          command,
          Text.format(
              "there is no backend %s; choose %s or %s", name, AUTO, String.join(", ", names)));
    }
    int count = threads.orElse(fairShare);
    if (count < 1 || count > Backends.MAX_THREADS) {
      throw new ParameterException(
          command,
          Text.format("--threads must be from 1 to %d, not %d", Backends.MAX_THREADS, count));
    }
    if (speaks && shares && count > fairShare) {
      command
          .getErr()
          .println(
              Text.format(
                  "jambic: --threads %d is more than this rank's share of the processors, %d: threads"
                      + " that wait for a processor make a run slower",
                  count, fairShare));
    }
    Backend backend = opened(command, name, count, type);
    if (speaks && isReference(backend)) {
      command
          .getErr()
          .println(
              "jambic: computing on the reference backend, which is slow: "
                  + (name.equals(AUTO)
                      ? "'jambic doctor' says what is missing"
                      : "plain loops to check the others by, as "
                          + (given.isPresent()
                              ? "was asked for"
                              : "the run did before; --backend chooses another")));
    }
    return backend;
  }

  private Backend opened(
      CommandLine command, String name, int count, Function<String, Optional<String>> type) {
    try {
      return open(name, count, n -> precision(command, type.apply(n)));
    } catch (UnavailableException missing) {
      throw missing; // the command line is right, something else is wrong
    } catch (JambicException e) {
      throw dtype.isEmpty() ? e : new ParameterException(command, e.getMessage(), e);
    }
  }

  private static boolean isReference(Backend backend) {
    return backend.name().equals("reference");
  }

  private Backend open(String name, int count, Function<String, Precision> precision) {
    if (!name.equals(AUTO)) {
      return Backends.open(name, count, precision.apply(name));
    }
    Backends.Choice choice = Backends.choose(count, precision);
    passedOver = choice.passedOver();
    return choice.backend();
  }

  /** Why {@code auto} had to pass over a backend that it would rather have taken. */
  public List<String> passedOver() {
    return passedOver.entrySet().stream()
        .map(better -> Text.format("no %s: %s", better.getKey(), better.getValue().reason()))
        .toList();
  }

  /** The type that is asked for. */
  public Optional<String> dtype() {
    return dtype;
  }

  /** The type that is asked for, or a recorded run's own unless it moves to another backend. */
  public Optional<String> dtype(RunRecord recorded, String backend) {
    boolean moves = given.isPresent() && !recorded.backend().equals(Optional.of(backend));
    return dtype.or(() -> moves ? Optional.empty() : recorded.dtype());
  }

  /** What a backend computes with, where a type need not have been asked for. */
  static String typeOf(String backend, Optional<String> type) {
    return type.orElse((backend.equals("cuda") ? Precision.BF16 : Precision.FP32).toString());
  }

  private static Precision precision(CommandLine command, Optional<String> type) {
    if (type.isEmpty()) {
      return Precision.BEST;
    }
    String text = type.get();
    return TYPES.stream()
        .filter(precision -> precision.toString().equals(text))
        .findFirst()
        .orElseThrow(() ->
            new ParameterException(
                command, Text.format("--dtype is one of fp32, tf32 and bf16, not '%s'", text)));
  }
}
