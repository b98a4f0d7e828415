package jambic.train.stage;

import jambic.model.LanguageModel;
import jambic.model.classifier.GptClassifier;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Computes a number for each counted position of a batch, such as the log-probability of the token
 * that follows, and goes back with a gradient for each. Losses of alignment are arithmetic on these
 * few numbers, which the host does; so the pass is two programs, and the gradients lie between.
 *
 * <p>What is recorded for batches of one shape overwrites the memory of all others: {@link
 * #backward} belongs to the last {@link #forward}.
 */
public final class RowPass {
  private static final int AT_ONCE = 64; // sequences
  private static final long UNUSED = 0; // of dropout, which these stages do without

  /** Makes a number of each counted position. */
  @FunctionalInterface
  public interface Head {
    /**
     * Computes the numbers.
     *
     * @param ops how to compute
     * @param ids I32 (B, T)
     * @param index I32 (R), positions in all B times T
     * @param targets I32 (R), the token behind each, or -1
     * @return (R) or (R, 1)
     */
    Tensor apply(Ops ops, Tensor ids, Tensor index, Tensor targets);

    /**
     * The log-probability of each target.
     *
     * @param model the model
     * @param temperature what its scores are divided by
     * @return the head
     */
    static Head logProbs(LanguageModel model, float temperature) {
      return (ops, ids, index, targets) ->
          ops.logProbs(
              ops.rows(model.hidden(ops, ids), index),
              model.head().weight(),
              model.head().bias(),
              targets,
              temperature);
    }

    /**
     * The one score of a reward or value model at each position.
     *
     * @param model the model
     * @return the head
     */
    static Head scores(GptClassifier model) {
      if (!model.config().isScore()) {
        throw new JambicException(
            Text.format(
                "a reward or value model has one label, and this classifier has %d",
                model.config().labels().size()));
      }
      return (ops, ids, index, targets) -> model.scores(ops, ids, index);
    }
  }

  private record Recorded(
      Tensor ids,
      Tensor index,
      Tensor targets,
      Tensor out,
      Program forward,
      Tensor gradient,
      List<Program> backward) {}

  private final Backend backend;
  private final Region region;
  private final Head head;
  private final List<List<Tensor>> groups; // of gradients; none without backward passes
  private final Map<RowBatch.Shape, Recorded> recorded = new HashMap<>();
  private Optional<Recorded> last = Optional.empty();

  /**
   * Prepares a pass.
   *
   * @param backend where it computes
   * @param region holds activations; other passes may use it between a backward and a forward pass
   * @param head what it computes
   * @param trained whether there will be backward passes
   */
  public RowPass(Backend backend, Region region, Head head, boolean trained) {
    this(backend, region, head, trained ? List.of(List.of()) : List.of());
  }

  /**
   * Prepares a pass whose backward pass tells when gradients are final.
   *
   * @param backend where it computes
   * @param region holds activations; other passes may use it between a backward and a forward pass
   * @param head what it computes
   * @param groups of gradients, in the order in which they are told of
   */
  RowPass(Backend backend, Region region, Head head, List<List<Tensor>> groups) {
    this.backend = backend;
    this.region = region;
    this.head = head;
    this.groups = groups;
  }

  /**
   * Computes the numbers of the rows that count.
   *
   * @param batch tokens and positions
   * @return a number for each
   */
  public double[] forward(RowBatch batch) {
    Recorded pass = recorded.computeIfAbsent(batch.shape(), this::record);
    pass.ids.set(batch.ids());
    pass.index.set(batch.index());
    pass.targets.set(batch.targets());
    pass.forward.run();
    last = Optional.of(pass);
    float[] all = pass.out.toFloats();
    double[] counted = new double[batch.count()];
    Arrays.setAll(counted, i -> all[i]);
    return counted;
  }

  /**
   * Computes the number of each sequence's last position, some sequences at a time.
   *
   * @param sequences tokens
   * @param context the most tokens that are read
   * @return a number for each
   */
  public double[] ends(List<int[]> sequences, int context) {
    double[] numbers = new double[sequences.size()];
    for (int from = 0; from < numbers.length; from += AT_ONCE) {
      List<int[]> part = sequences.subList(from, Math.min(numbers.length, from + AT_ONCE));
      System.arraycopy(forward(RowBatch.ends(part, context)), 0, numbers, from, part.size());
    }
    return numbers;
  }

  /**
   * Adds the gradients of the last forward pass to those of the parameters.
   *
   * @param gradient that of each number
   */
  public void backward(double[] gradient) {
    backward(gradient, ignored -> {});
  }

  /**
   * The same, and tells what is final on the way.
   *
   * @param gradient that of each number
   * @param afterGroup hears of each group of gradients, in order, to which nothing is added any
   *     more
   */
  void backward(double[] gradient, IntConsumer afterGroup) {
    Recorded pass = last.orElseThrow();
    last = Optional.empty(); // its activations are overwritten
    float[] padded = new float[Math.toIntExact(pass.gradient.size())];
    for (int i = 0; i < gradient.length; i++) {
      padded[i] = (float) gradient[i];
    }
    pass.gradient.set(padded);
    for (int group = 0; group < groups.size(); group++) {
      pass.backward.get(group).run();
      afterGroup.accept(group);
    }
  }

  /** Recording runs too: on tokens 0, and with gradients 0, which change nothing. */
  private Recorded record(RowBatch.Shape shape) {
    region.rewind();
    Tensor ids = zeros(Shape.of(shape.size(), shape.width()));
    Tensor index = zeros(Shape.of(shape.rows()));
    Tensor targets = zeros(Shape.of(shape.rows()));
    if (groups.isEmpty()) {
      InferenceOps ops = new InferenceOps(backend, region);
      Tensor out = head.apply(ops, ids, index, targets);
      return new Recorded(ids, index, targets, out, ops.program(), Tensor.NONE, List.of());
    }
    Tape tape = new Tape(backend, region, UNUSED);
    Tensor out = head.apply(tape, ids, index, targets);
    Program forward = tape.program();
    Tensor gradient = region.allocate(DType.F32, out.shape());
    gradient.set(new float[Math.toIntExact(out.size())]);
    tape.backward(out, gradient, List.of());
    return new Recorded(ids, index, targets, out, forward, gradient, tape.backwardPrograms(groups));
  }

  private Tensor zeros(Shape shape) {
    Tensor tensor = region.allocate(DType.I32, shape);
    tensor.set(new int[Math.toIntExact(tensor.size())]);
    return tensor;
  }
}
