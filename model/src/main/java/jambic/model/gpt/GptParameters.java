package jambic.model.gpt;

import jambic.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.Map;

/** The names and shapes of a GPT's parameters, as GPT-2 calls them. */
public final class GptParameters {
  /** The head's weight, which a tied model does not have. */
  public static final String HEAD_WEIGHT = "lm_head.weight";

  /** The token embeddings, (vocabSize, nEmbd). */
  public static final String TOKENS = "wte.weight";

  /** How the bias of queries, keys and values ends. */
  public static final String QKV_BIAS = "attn.c_attn.bias";

  /** The position embeddings, (blockSize, nEmbd). */
  public static final String POSITIONS = "wpe.weight";

  private GptParameters() {}

  /**
   * Lists all parameters of a model by name, in the order in which {@link Gpt} makes them. The
   * weight of a linear layer is (out, in).
   *
   * @param config the model's shape
   * @return shapes by name
   */
  public static Map<String, Shape> of(GptConfig config) {
    int width = config.nEmbd();
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put(TOKENS, Shape.of(config.vocabSize(), width));
    shapes.put(POSITIONS, Shape.of(config.blockSize(), width));
    for (int layer = 0; layer < config.nLayer(); layer++) {
      String block = "h." + layer + ".";
      norm(shapes, block + "ln_1", config);
      linear(shapes, block + "attn.c_attn", 3 * width, width, config.qkvBias());
      linear(shapes, block + "attn.c_proj", width, width, config.bias());
      norm(shapes, block + "ln_2", config);
      linear(shapes, block + "mlp.c_fc", config.nInner(), width, config.bias());
      linear(shapes, block + "mlp.c_proj", width, config.nInner(), config.bias());
    }
    norm(shapes, "ln_f", config);
    if (!config.tiedHead()) {
      shapes.put(HEAD_WEIGHT, Shape.of(config.vocabSize(), width));
    }
    if (config.headBias()) {
      shapes.put("lm_head.bias", Shape.of(config.vocabSize()));
    }
    return shapes;
  }

  private static void norm(Map<String, Shape> shapes, String name, GptConfig config) {
    shapes.put(name + ".weight", Shape.of(config.nEmbd()));
    if (config.bias()) {
      shapes.put(name + ".bias", Shape.of(config.nEmbd()));
    }
  }

  private static void linear(
      Map<String, Shape> shapes, String name, int out, int in, boolean bias) {
    shapes.put(name + ".weight", Shape.of(out, in));
    if (bias) {
      shapes.put(name + ".bias", Shape.of(out));
    }
  }
}
