package jambic.model.nn;

import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import jambic.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How weights start: matrices and embeddings normally distributed, gains at 1, biases at 0.
 *
 * @param std the standard deviation of matrices and embeddings
 * @param scaleResiduals whether projections onto the residual stream start at {@code std / sqrt(2
 *     nLayer)}, as in GPT-2 (Radford et al., 2019, section 2.3); the lecture leaves them at {@code
 *     std}
 * @param seed of the random numbers; each weight draws from its own stream
 */
public record Initializer(float std, boolean scaleResiduals, long seed) {
  /** Streams of Philox below this number belong to others: batches, sampling. */
  private static final int FIRST_STREAM = 1 << 16;

  private static final int PIECE = 1 << 16; // elements that a thread draws at a time

  /**
   * Checks the deviation.
   *
   * @throws JambicException if it is negative or not finite
   */
  public Initializer {
    if (!(std >= 0 && std < Float.POSITIVE_INFINITY)) {
      throw new JambicException("initStd must be 0 or more and finite, got " + std);
    }
  }

  /**
   * Sets every parameter of a model.
   *
   * @param parameters all of them, in their order
   * @param nLayer blocks of the model
   */
  public void apply(Parameters parameters, int nLayer) {
    int stream = FIRST_STREAM;
    for (var entry : parameters.byName().entrySet()) {
      String name = entry.getKey();
      Tensor tensor = entry.getValue();
      float[] values = new float[Math.toIntExact(tensor.size())];
      if (name.endsWith(".weight") && tensor.shape().rank() == 2) {
        boolean residual = scaleResiduals && name.endsWith("c_proj.weight");
        normal(values, seed, stream, residual ? std / Math.sqrt(2.0 * nLayer) : std);
      } else if (name.endsWith(".weight")) {
        Arrays.fill(values, 1);
      }
      tensor.set(values);
      stream++;
    }
  }

  /**
   * Draws normally distributed numbers with mean 0.
   *
   * @param values overwritten
   * @param seed of the random numbers
   * @param stream of Philox
   * @param std their standard deviation
   */
  public static void normal(float[] values, long seed, int stream, double std) {
    IntStream.range(0, Math.ceilDiv(values.length, PIECE))
        .parallel()
        .forEach(piece -> {
          int end = Math.min(values.length, (piece + 1) * PIECE);
          int[] words = new int[4];
          for (int i = piece * PIECE; i < end; i += 4) {
            Philox.block(words, seed, i / 4, 0, 0, stream);
            drawPair(values, i, end, words[0], words[1], std);
            drawPair(values, i + 2, end, words[2], words[3], std);
          }
        });
  }

  /** Two normally distributed numbers from two words (Box and Muller, 1958). */
  private static void drawPair(float[] values, int at, int end, int word, int angle, double std) {
    double u = ((word & 0xFFFFFFFFL) + 1) * 0x1p-32; // (0, 1]: its logarithm is finite
    double radius = std * StrictMath.sqrt(-2 * StrictMath.log(u));
    double turn = 2 * Math.PI * 0x1p-32 * (angle & 0xFFFFFFFFL);
    if (at < end) {
      values[at] = (float) (radius * StrictMath.cos(turn));
    }
    if (at + 1 < end) {
      values[at + 1] = (float) (radius * StrictMath.sin(turn));
    }
  }
}
