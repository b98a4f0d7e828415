package jambic.model;

import jambic.tensor.Philox;
import jambic.tensor.Tensor;

/**
 * How weights start: matrices and embeddings normally distributed, gains at 1, biases at 0.
 *
 * @param std the standard deviation of matrices and embeddings
 * @param scaleResiduals whether projections onto the residual stream start at {@code std / sqrt(2
 *     nLayer)}, as in GPT-2 (Radford et al., 2019, section 2.3); the lecture leaves them at {@code
 *     std}
 * @param seed of the random numbers; each weight draws from its own stream
 */
public record Init(float std, boolean scaleResiduals, long seed) {
  /** Streams of Philox below this number belong to others: batches, sampling. */
  private static final int FIRST_STREAM = 1 << 16;

  void apply(Parameters parameters, int nLayer) {
    int stream = FIRST_STREAM;
    for (var entry : parameters.byName().entrySet()) {
      String name = entry.getKey();
      Tensor tensor = entry.getValue();
      float[] values = new float[Math.toIntExact(tensor.size())];
      if (name.endsWith(".weight") && tensor.shape().rank() == 2) {
        boolean residual = scaleResiduals && name.endsWith("c_proj.weight");
        double scale = residual ? std / Math.sqrt(2.0 * nLayer) : std;
        Philox random = new Philox(seed, stream);
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (scale * random.nextGaussian());
        }
      } else if (name.endsWith(".weight")) {
        java.util.Arrays.fill(values, 1);
      }
      tensor.set(values);
      stream++;
    }
  }
}
