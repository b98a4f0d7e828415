package jambic.model.nn;

import jambic.model.checkpoint.BaseModelResolver;
import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import jambic.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Low-rank adaptation (Hu et al., 2021): beside a frozen weight W (out, in) a layer has A (rank,
 * in) and B (out, rank), which are trained, and computes with {@code W + scale · B A}.
 */
public final class LoraConfig {
  /** A stream of Philox apart from those of {@link Initializer}. */
  private static final int FIRST_STREAM = 1 << 24;

  private final LoraLayers layers;
  private final Path base;
  private final Optional<String> baseName;
  private final Optional<String> baseSha256;

  /**
   * Adapters as they are stored.
   *
   * @param layers which layers have them
   * @param base folder of the model that they belong to
   * @param baseName what {@link BaseModelResolver} know that model by; empty where its folder alone
   *     is known
   * @param baseSha256 the SHA-256 of that model's weights, where it is known
   */
  public LoraConfig(
      LoraLayers layers, Path base, Optional<String> baseName, Optional<String> baseSha256) {
    this.layers = layers;
    this.base = base;
    this.baseName = baseName;
    this.baseSha256 = baseSha256;
  }

  /**
   * Adapters of a model whose weights are taken as they are.
   *
   * @param rank of the update, at least 1
   * @param alpha its scale times the rank, above 0
   * @param targets which linear layers of the blocks have it, as the end of their names: {@code
   *     c_attn}, {@code c_proj} (both of them), {@code mlp.c_proj}, {@code c_fc}
   * @param base folder of the model
   * @throws JambicException if a value is out of its range, or a target is no layer
   */
  public LoraConfig(int rank, float alpha, List<String> targets, Path base) {
    this(LoraLayers.of(rank, alpha, targets), base, Optional.empty(), Optional.empty());
  }

  /**
   * The same, of a model that {@link BaseModelResolver} know by a name: then the adapters do not
   * depend on where its folder lies.
   *
   * @param name the name
   * @return the adapters
   */
  public LoraConfig withBaseName(String name) {
    return new LoraConfig(layers, base, Optional.of(name), baseSha256);
  }

  /**
   * Ties the adapters to these weights and no others.
   *
   * @param sha256 of the weights
   * @return a copy
   */
  public LoraConfig withBaseSha256(String sha256) {
    return new LoraConfig(layers, base, baseName, Optional.of(sha256));
  }

  /**
   * Returns which layers have adapters.
   *
   * @return their targets, ranks and scales
   */
  public LoraLayers layers() {
    return layers;
  }

  /**
   * Returns the folder of the model that the adapters belong to.
   *
   * @return the folder
   */
  public Path base() {
    return base;
  }

  /**
   * Returns the name of that model.
   *
   * @return the name, where it has one
   */
  public Optional<String> baseName() {
    return baseName;
  }

  /**
   * Returns the SHA-256 of that model's weights.
   *
   * @return hexadecimal digits, where they are known
   */
  public Optional<String> baseSha256() {
    return baseSha256;
  }

  /**
   * Starts the adapters of a model so that it computes what its base does: A uniformly distributed
   * in {@code ±1 / sqrt(in)} as PyTorch's linear layers are, B zero.
   *
   * @param adapters of the model
   * @param seed of the random numbers
   */
  public static void init(Parameters adapters, long seed) {
    int stream = FIRST_STREAM;
    for (var entry : adapters.byName().entrySet()) {
      Tensor tensor = entry.getValue();
      float[] values = new float[Math.toIntExact(tensor.size())];
      if (entry.getKey().endsWith(LoraAdapter.A)) {
        double bound = 1 / Math.sqrt(tensor.dim(1));
        int[] words = new int[4];
        for (int i = 0; i < values.length; i++) {
          if (i % 4 == 0) {
            Philox.block(words, seed, i / 4, 0, 0, stream);
          }
          values[i] = (float) (bound * 0x1p-31 * words[i % 4]);
        }
      }
      tensor.set(values);
      stream++;
    }
  }
}
