package jambic.model;

import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * A model's shape as {@code config.json}, with the keys of Hugging Face's GPT-2. What that has no
 * key for stands under {@code bias}, {@code qkv_bias} and {@code lm_head_bias}.
 *
 * <p>A head with a bias is beyond GPT-2: other programs would drop the bias without a word. Such a
 * model is stored under a {@code model_type} of its own, which they refuse.
 */
final class ConfigFile {
  static final String NAME = "config.json";
  static final String GENERATION = "generation_config.json";

  private static final String GPT2 = "gpt2";
  private static final String OWN = "jambic-gpt";
  private static final List<String> TEXT_ENDS = List.of("bos_token_id", "eos_token_id");
  private static final Map<String, String> KEYS =
      Map.of(
          "vocabSize", "vocab_size",
          "blockSize", "n_positions",
          "nLayer", "n_layer",
          "nHead", "n_head",
          "nEmbd", "n_embd",
          "dropout", "resid_pdrop",
          "embdDropout", "embd_pdrop",
          "normEps", "layer_norm_epsilon");
  // What a file without the key means.
  private static final float GPT2_DROPOUT = 0.1f;
  private static final int GPT2_END = 50_256;

  private ConfigFile() {}

  static void write(Path folder, GptConfig config, Map<String, Object> textEnds) {
    Map<String, Object> json = toJson(config);
    json.putAll(textEnds);
    json.put("dtype", "float32");
    JsonObject.write(folder.resolve(NAME), json);
  }

  /**
   * The ids that begin and end a text of a tokenizer. Where no token does, they stand there as
   * null: a missing key would mean GPT-2's 50256.
   */
  static Map<String, Object> textEnds(Optional<Tokenizer> tokenizer) {
    OptionalInt id = tokenizer.map(Tokenizer::endOfText).orElse(OptionalInt.empty());
    Integer end = id.isPresent() ? id.getAsInt() : null;
    Map<String, Object> ends = new LinkedHashMap<>();
    TEXT_ENDS.forEach(key -> ends.put(key, end));
    return ends;
  }

  /** The ids of a file that begin and end a text, as they stand there or are missing. */
  static Map<String, Object> textEnds(Path folder) {
    Map<String, Object> ends = new LinkedHashMap<>(JsonObject.read(folder.resolve(NAME)).values());
    ends.keySet().retainAll(TEXT_ENDS);
    return ends;
  }

  /**
   * Writes how transformers generates with a model unless it is told otherwise: what stands beside
   * the model's source, else what transformers itself would make of the source's configuration.
   */
  static void writeGeneration(Path folder, Path source) throws IOException {
    Path file = source.resolve(GENERATION);
    if (Files.exists(file)) {
      Files.copy(file, folder.resolve(GENERATION));
      return;
    }
    Map<String, Object> ends = textEnds(source);
    Map<String, Object> json = new LinkedHashMap<>(Map.of("_from_model_config", true));
    for (String key : TEXT_ENDS) {
      Object id = ends.containsKey(key) ? ends.get(key) : Integer.valueOf(GPT2_END);
      if (id != null) {
        json.put(key, id);
      }
    }
    JsonObject.write(folder.resolve(GENERATION), json);
  }

  private static Map<String, Object> toJson(GptConfig config) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model_type", config.headBias() ? OWN : GPT2);
    json.put(
        "architectures", List.of(config.headBias() ? "JambicGptLMHeadModel" : "GPT2LMHeadModel"));
    json.put("vocab_size", config.vocabSize());
    json.put("n_positions", config.blockSize());
    json.put("n_embd", config.nEmbd());
    json.put("n_layer", config.nLayer());
    json.put("n_head", config.nHead());
    json.put("activation_function", name(config.activation()));
    json.put("layer_norm_epsilon", config.normEps());
    json.put("tie_word_embeddings", config.tiedHead());
    json.put("resid_pdrop", config.dropout());
    json.put("embd_pdrop", config.embdDropout());
    json.put("attn_pdrop", config.dropout());
    json.put("bias", config.bias());
    json.put("qkv_bias", config.qkvBias());
    json.put("lm_head_bias", config.headBias());
    return json;
  }

  static GptConfig read(Path folder) {
    JsonObject json = JsonObject.read(folder.resolve(NAME));
    requireGpt2(json);
    int vocabSize = json.integer("vocab_size");
    int blockSize = json.integer("n_positions");
    int nLayer = json.integer("n_layer");
    int nHead = json.integer("n_head");
    int nEmbd = json.integer("n_embd");
    requirePlain(json, nEmbd);
    float dropout = json.optionalFloat("resid_pdrop").orElse(GPT2_DROPOUT);
    float embdDropout = json.optionalFloat("embd_pdrop").orElse(GPT2_DROPOUT);
    Activation activation = activation(json);
    boolean bias = json.optionalBoolean("bias").orElse(true);
    boolean qkvBias = json.optionalBoolean("qkv_bias").orElse(bias);
    boolean tiedHead = json.optionalBoolean("tie_word_embeddings").orElse(true);
    boolean headBias = json.optionalBoolean("lm_head_bias").orElse(false);
    float normEps = json.optionalFloat("layer_norm_epsilon").orElse(GptConfig.DEFAULT_NORM_EPS);
    try {
      return new GptConfig(
          vocabSize,
          blockSize,
          nLayer,
          nHead,
          nEmbd,
          dropout,
          embdDropout,
          activation,
          bias,
          qkvBias,
          tiedHead,
          headBias,
          normEps);
    } catch (JambicException e) {
      throw new JambicException(json.where() + ": " + withKeys(e.getMessage()), e);
    }
  }

  /** A sentence about a {@link GptConfig} in the words of the file. */
  private static String withKeys(String sentence) {
    return Pattern.compile("\\b(" + String.join("|", KEYS.keySet()) + ")\\b")
        .matcher(sentence)
        .replaceAll(name -> KEYS.get(name.group()));
  }

  private static void requireGpt2(JsonObject json) {
    String type =
        json.optionalText("model_type")
            .or(() -> json.optionalList("architectures").map(Object::toString))
            .orElseThrow(() ->
                new JambicException(
                    json.where() + " names no architecture: it lacks the key 'model_type'"));
    if (!type.equals(GPT2) && !type.equals(OWN) && !type.equals("[GPT2LMHeadModel]")) {
      throw new JambicException(
          "%s describes a model of the architecture %s, which is not supported; '%s' is"
              .formatted(json.where(), Wording.quote(type), GPT2));
    }
  }

  /** Refuses what would change the result and has no counterpart here. */
  private static void requirePlain(JsonObject json, int nEmbd) {
    long inner = json.optionalInteger("n_inner").map(Integer::longValue).orElse(0L);
    if (inner != 0 && inner != 4L * nEmbd) {
      throw new JambicException(
          "%s: 'n_inner' must be 4 x n_embd, got %d".formatted(json.where(), inner));
    }
    requireSetting(json, "scale_attn_weights", true);
    requireSetting(json, "scale_attn_by_inverse_layer_idx", false);
    requireSetting(json, "add_cross_attention", false);
  }

  private static void requireSetting(JsonObject json, String key, boolean supported) {
    if (json.optionalBoolean(key).orElse(supported) != supported) {
      throw new JambicException(
          "%s: '%s' is %b, which is not supported".formatted(json.where(), key, !supported));
    }
  }

  private static String name(Activation activation) {
    return switch (activation) {
      case GELU_TANH -> "gelu_new";
      case GELU_ERF -> "gelu";
      case RELU -> "relu";
    };
  }

  private static Activation activation(JsonObject json) {
    String name = json.optionalText("activation_function").orElse("gelu_new");
    return switch (name) {
      case "gelu_new", "gelu_pytorch_tanh" -> Activation.GELU_TANH;
      case "gelu" -> Activation.GELU_ERF;
      case "relu" -> Activation.RELU;
      default ->
          throw new JambicException(
              "%s: the activation_function %s is not supported; gelu_new, gelu and relu are"
                  .formatted(json.where(), Wording.quote(name)));
    };
  }
}
