package jambic.model.translator;

import jambic.model.nn.Initializer;
import jambic.model.nn.Parameters;
import jambic.tensor.Philox;
import jambic.tensor.Tensor;
import java.util.Arrays;

/**
 * How weights start: the square matrices of attention, also where several lie in one, and those of
 * feed-forward layers uniformly (Glorot and Bengio, 2010), embeddings normally distributed with a
 * deviation of {@code 1 / sqrt(C)}, gains at 1, biases at 0.
 */
final class TranslatorInitializer {
  /** Streams of Philox below this number belong to others: batches, dropout. */
  private static final int FIRST_STREAM = 1 << 16;

  private TranslatorInitializer() {}

  /** Sets every parameter; each draws from its own stream. */
  static void apply(Parameters parameters, long seed) {
    int stream = FIRST_STREAM;
    for (var entry : parameters.byName().entrySet()) {
      entry.getValue().set(values(entry.getKey(), entry.getValue(), seed, stream++));
    }
  }

  private static float[] values(String name, Tensor tensor, long seed, int stream) {
    float[] values = new float[Math.toIntExact(tensor.size())];
    if (!name.endsWith(".weight")) {
      return values;
    }
    if (tensor.shape().rank() == 1) {
      Arrays.fill(values, 1);
      return values;
    }
    int in = tensor.dim(1);
    if (name.equals("shared.weight")) {
      Initializer.normal(values, seed, stream, 1 / Math.sqrt(in));
      return values;
    }
    boolean fused = name.endsWith("kv_proj.weight");
    double bound = Math.sqrt(6.0 / (in + (fused ? in : tensor.dim(0))));
    int[] words = new int[4];
    for (int i = 0; i < values.length; i++) {
      if (i % 4 == 0) {
        Philox.block(words, seed, i / 4, 0, 0, stream);
      }
      double uniform = ((words[i % 4] & 0xFFFFFFFFL) + 0.5) * 0x1p-32; // inside (0, 1)
      values[i] = (float) ((2 * uniform - 1) * bound);
    }
    return values;
  }
}
