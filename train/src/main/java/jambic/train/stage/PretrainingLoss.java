package jambic.train.stage;

import jambic.model.LanguageModel;
import jambic.tensor.spi.Region;
import jambic.train.data.BatchSampler;
import jambic.train.data.Dataset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Mixes the loss on text into the updates of a policy, so that it does not unlearn what it was
 * pre-trained on: PPO-ptx (Ouyang et al., 2022, equation 2), whose gamma is the coefficient here.
 */
public final class PretrainingLoss implements AutoCloseable {
  private final double coefficient;
  private final int windows;
  private final int context;
  private final BatchSampler text;
  private final Region activations;
  private final RowPass pass;

  /**
   * Prepares the passes.
   *
   * @param model what is trained; without dropout
   * @param data the text; windows come from its first nine tenths
   * @param coefficient by how much the loss counts
   * @param windows how many are read at each update
   * @param context tokens of a window
   * @param seed what makes the windows these and no others
   * @throws jambic.tensor.JambicException if the text is too short for one window
   */
  public PretrainingLoss(
      LanguageModel model, Dataset data, double coefficient, int windows, int context, long seed) {
    this.coefficient = coefficient;
    this.windows = windows;
    this.context = context;
    text = new BatchSampler(data, windows, context, seed);
    activations = model.backend().region();
    pass = new RowPass(model.backend(), activations, RowPass.Head.logProbs(model, 1), true);
  }

  /**
   * Adds the gradient of coefficient times the mean loss of a token.
   *
   * @param iteration of the run, which decides on the windows
   * @param update in the iteration, likewise
   * @return the mean loss of a token in nats
   */
  public double addGradient(int iteration, int update) {
    int[] x = new int[windows * context];
    int[] y = new int[windows * context];
    text.train(iteration, update, x, y);
    List<int[]> sequences = new ArrayList<>();
    for (int i = 0; i < windows; i++) {
      int[] sequence = Arrays.copyOfRange(x, i * context, (i + 1) * context + 1);
      sequence[context] = y[(i + 1) * context - 1];
      sequences.add(sequence);
    }
    int[] lengths = new int[windows];
    Arrays.fill(lengths, context);
    RowBatch batch = RowBatch.answers(sequences, lengths, context);
    double[] logProbs = pass.forward(batch);
    double[] gradient = new double[logProbs.length];
    Arrays.fill(gradient, -coefficient / logProbs.length);
    pass.backward(gradient);
    return -Arrays.stream(logProbs).sum() / logProbs.length;
  }

  /** Frees the activations. */
  @Override
  public void close() {
    activations.close();
  }
}
