package jambic.model.gpt;

import jambic.model.ConfigException;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.generate.GenerationConfig;
import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.text.Tokenizer;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A model's shape as {@code config.json}, with the keys of Hugging Face's GPT-2. What that has no
 * key for stands under {@code bias}, {@code qkv_bias} and {@code lm_head_bias}.
 *
 * <p>A head with a bias is beyond GPT-2: other programs would drop the bias without a word. Such a
 * model is stored under a {@code model_type} of its own, which they refuse.
 */
public final class Gpt2Config {
  private static final String NAME = ModelFormat.CONFIG;
  private static final String GENERATION = GenerationConfig.NAME;

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
          "embeddingDropout", "embd_pdrop",
          "attnDropout", "attn_pdrop",
          "nInner", "n_inner",
          "normEps", "layer_norm_epsilon");

  /** What a file may call a key instead, as transformers does. */
  private static final Map<String, String> OTHER_NAMES =
      Map.of(
          "n_positions", "max_position_embeddings",
          "n_layer", "num_hidden_layers",
          "n_head", "num_attention_heads",
          "n_embd", "hidden_size");

  /** What {@link #write} says itself, under whatever key it stood. */
  private static final Set<String> REPLACED =
      Set.of("torch_dtype", "transformers_version", "_name_or_path", "_commit_hash", "n_ctx");

  // What a file without the key means.
  private static final float GPT2_DROPOUT = 0.1f;
  private static final int GPT2_END = 50_256;

  private Gpt2Config() {}

  /**
   * Writes a model's shape.
   *
   * @param folder where to
   * @param config the shape
   * @param kept what else the file says; the shape goes before it
   */
  static void write(Path folder, GptConfig config, Map<String, Object> kept) {
    String name = config.headBias() ? "JambicGptLMHeadModel" : Gpt2Class.LANGUAGE_MODEL.className();
    write(folder, config, name, kept);
  }

  /**
   * Writes the shape of a classifier's body.
   *
   * @param folder where to
   * @param body the shape
   * @param kept what else the file says, such as the labels; the shape goes before it
   */
  public static void writeClassifier(Path folder, GptConfig body, Map<String, Object> kept) {
    write(folder, body, Gpt2Class.CLASSIFIER.className(), kept);
  }

  private static void write(
      Path folder, GptConfig config, String className, Map<String, Object> kept) {
    Map<String, Object> json = toJson(config, className);
    kept.forEach((key, value) -> json.putIfAbsent(key, value));
    json.put("dtype", "float32");
    JsonObject.write(folder.resolve(NAME), json);
  }

  /**
   * The ids that begin and end a text: what the model itself ends with, else its tokenizer's. Where
   * no token does, they stand there as null: a missing key would mean GPT-2's 50256.
   *
   * @param tokenizer the model's tokenizer, if it has one
   * @param generation what the model's checkpoint says
   * @return the keys and their values
   */
  public static Map<String, Object> textEnds(
      Optional<Tokenizer> tokenizer, GenerationConfig generation) {
    OptionalInt id = tokenizer.map(Tokenizer::endOfText).orElse(OptionalInt.empty());
    Integer end = id.isPresent() ? id.getAsInt() : null;
    Map<String, Object> json = new LinkedHashMap<>();
    TEXT_ENDS.forEach(key -> json.put(key, end));
    Set<Integer> ends = generation.endTokensOr(tokenizer);
    if (!ends.isEmpty()) {
      json.put(
          "eos_token_id",
          ends.size() == 1 ? ends.iterator().next() : ends.stream().sorted().toList());
    }
    return json;
  }

  /**
   * Reads all that a file says, but for what is written of the model that was made from it.
   *
   * @param folder the folder of that file
   * @return the keys and their values
   */
  public static Map<String, Object> kept(Path folder) {
    Map<String, Object> kept = new LinkedHashMap<>(JsonObject.read(folder.resolve(NAME)).values());
    kept.keySet().removeAll(REPLACED);
    kept.keySet().removeAll(OTHER_NAMES.values());
    return kept;
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
    Map<String, Object> config = kept(source);
    Map<String, Object> ids = new LinkedHashMap<>();
    TEXT_ENDS.forEach(key -> ids.put(key, config.getOrDefault(key, GPT2_END)));
    ids.put("pad_token_id", config.get("pad_token_id"));
    ids.values().removeIf(Objects::isNull);
    Map<String, Object> json = new LinkedHashMap<>(Map.of("_from_model_config", true));
    json.putAll(ids);
    JsonObject.write(folder.resolve(GENERATION), json);
  }

  private static Map<String, Object> toJson(GptConfig config, String className) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model_type", config.headBias() ? OWN : GPT2);
    json.put("architectures", List.of(className));
    json.put("vocab_size", config.vocabSize());
    json.put("n_positions", config.blockSize());
    json.put("n_embd", config.nEmbd());
    json.put("n_layer", config.nLayer());
    json.put("n_head", config.nHead());
    boolean usual = config.nInner() == GptConfig.usualInner(config.nEmbd());
    json.put("n_inner", usual ? null : config.nInner());
    json.put("activation_function", name(config.activation()));
    json.put("layer_norm_epsilon", config.normEps());
    json.put("tie_word_embeddings", config.tiedHead());
    json.put("resid_pdrop", config.dropout());
    json.put("embd_pdrop", config.embeddingDropout());
    json.put("attn_pdrop", config.attnDropout());
    json.put("scale_attn_weights", config.scaleAttn());
    json.put("scale_attn_by_inverse_layer_idx", config.scaleAttnByLayer());
    json.put("bias", config.bias());
    json.put("qkv_bias", config.qkvBias());
    json.put("lm_head_bias", config.headBias());
    return json;
  }

  /**
   * Reads a model's shape.
   *
   * @param folder the checkpoint's
   * @return the shape
   * @throws JambicException if the file is missing, of another architecture, or asks for something
   *     that is not supported
   */
  static GptConfig read(Path folder) {
    return read(folder, Gpt2Class.LANGUAGE_MODEL);
  }

  /**
   * Reads the shape of a classifier's body.
   *
   * @param folder the checkpoint's
   * @return the shape; what its head would be for the next token says nothing
   * @throws JambicException if the file is missing, not of a classifier, or asks for something that
   *     is not supported
   */
  public static GptConfig readClassifier(Path folder) {
    return read(folder, Gpt2Class.CLASSIFIER);
  }

  /**
   * Tells whether a folder says that it holds a classifier; a damaged one says nothing.
   *
   * @param folder the folder
   * @return whether its {@code config.json} names the class of one
   */
  public static boolean isClassifierIn(Path folder) {
    try {
      Optional<List<?>> classes =
          JsonObject.read(folder.resolve(NAME)).optionalList("architectures");
      return classes.flatMap(Gpt2Class::of).filter(Gpt2Class.CLASSIFIER::equals).isPresent();
    } catch (JambicException e) {
      return false;
    }
  }

  private static GptConfig read(Path folder, Gpt2Class wanted) {
    JsonObject json = JsonObject.read(folder.resolve(NAME));
    requireGpt2(json, wanted);
    Gpt2ConfigKeys.MODEL.check(json);
    int vocabSize = json.integer("vocab_size");
    int blockSize = integer(json, "n_positions");
    requireContext(json, blockSize);
    requireEndsWithin(json, vocabSize);
    int nLayer = integer(json, "n_layer");
    int nHead = integer(json, "n_head");
    int nEmbd = integer(json, "n_embd");
    float dropout = json.optionalFloat("resid_pdrop").orElse(GPT2_DROPOUT);
    float embeddingDropout = json.optionalFloat("embd_pdrop").orElse(GPT2_DROPOUT);
    float attnDropout = json.optionalFloat("attn_pdrop").orElse(GPT2_DROPOUT);
    Activation activation = activation(json);
    boolean bias = json.optionalBoolean("bias").orElse(true);
    boolean qkvBias = json.optionalBoolean("qkv_bias").orElse(bias);
    boolean tiedHead = json.optionalBoolean("tie_word_embeddings").orElse(true);
    boolean headBias = json.optionalBoolean("lm_head_bias").orElse(false);
    float normEps = json.optionalFloat("layer_norm_epsilon").orElse(GptConfig.DEFAULT_NORM_EPS);
    int nInner = json.optionalInteger("n_inner").orElse(GptConfig.usualInner(nEmbd));
    boolean scaleAttn = json.optionalBoolean("scale_attn_weights").orElse(true);
    boolean scaleAttnByLayer =
        json.optionalBoolean("scale_attn_by_inverse_layer_idx").orElse(false);
    try {
      return new GptConfig(
          vocabSize,
          blockSize,
          nLayer,
          nHead,
          nEmbd,
          dropout,
          embeddingDropout,
          activation,
          bias,
          qkvBias,
          tiedHead,
          headBias,
          normEps,
          attnDropout,
          nInner,
          scaleAttn,
          scaleAttnByLayer);
    } catch (ConfigException e) {
      throw new JambicException(
          json.where() + ": " + e.in(name -> KEYS.getOrDefault(name, name)), e);
    }
  }

  /** The integer under a key, or under its other name. */
  private static int integer(JsonObject json, String key) {
    String other = OTHER_NAMES.get(key);
    Optional<Integer> value = json.optionalInteger(other);
    if (value.isEmpty()) {
      return json.integer(key);
    }
    Optional<Integer> own = json.optionalInteger(key);
    if (own.isPresent() && !own.equals(value)) {
      throw new JambicException(
          Text.format(
              "%s: '%s' is %d and '%s', another name of it, %d; remove one of them",
              json.where(), key, own.get(), other, value.get()));
    }
    return value.get();
  }

  /** Programs of GPT-2's first years read the context under this key. */
  private static void requireContext(JsonObject json, int blockSize) {
    json.optionalInteger("n_ctx")
        .filter(context -> context != blockSize)
        .ifPresent(context -> {
          throw new JambicException(
              Text.format(
                  "%s: 'n_ctx' is %d and 'n_positions', which says the same, %d; remove 'n_ctx' or correct it",
                  json.where(), context, blockSize));
        });
  }

  /**
   * Refuses an end that can never come, and a model that would never stop. GPT-2's own stands in
   * files of smaller vocabularies too, because transformers writes it where nobody chose one.
   */
  private static void requireEndsWithin(JsonObject json, int vocabSize) {
    Object given = json.values().get("eos_token_id");
    for (Object id :
        given instanceof List<?> several ? several : Stream.ofNullable(given).toList()) {
      if (id instanceof Integer end && end >= vocabSize && end != GPT2_END) {
        throw new JambicException(
            Text.format(
                "%s: 'eos_token_id' is %d, beyond the vocabulary of %s; correct it, or write null if no token ends a text",
                json.where(), end, ErrorText.count(vocabSize, "token")));
      }
    }
  }

  private static void requireGpt2(JsonObject json, Gpt2Class wanted) {
    Optional<List<?>> classes = json.optionalList("architectures");
    String type =
        json.optionalText("model_type")
            .or(() -> classes.flatMap(Gpt2Class::of).map(known -> GPT2))
            .or(() -> classes.map(Object::toString))
            .orElseThrow(() ->
                new JambicException(
                    json.where() + " names no architecture: it lacks the key 'model_type'"));
    if (!type.equals(GPT2) && !type.equals(OWN)) {
      throw new JambicException(
          Text.format(
              "%s describes a model of the architecture %s, which is not supported; '%s' is",
              json.where(), ErrorText.quote(type), GPT2));
    }
    Optional<Gpt2Class> described =
        type.equals(OWN)
            ? Optional.of(Gpt2Class.LANGUAGE_MODEL)
            : classes.map(Gpt2Class::of).orElse(Optional.of(wanted)); // the weights will tell
    if (described.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s describes a model of the class %s, which is not supported; %s is",
              json.where(), ErrorText.quote(classes.orElseThrow().toString()), wanted.className()));
    }
    if (described.get() != wanted) {
      throw new JambicException(json.where() + " describes " + described.get().instead());
    }
  }

  private static String name(Activation activation) {
    return switch (activation) {
      case GELU_TANH -> "gelu_new";
      case GELU_ERF -> "gelu";
      case RELU -> "relu";
      case SILU -> "silu";
    };
  }

  private static Activation activation(JsonObject json) {
    String name = json.optionalText("activation_function").orElse("gelu_new");
    return switch (name) {
      // One formula: they differ in how its constants and powers are rounded.
      case "gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast", "gelu_accurate" ->
          Activation.GELU_TANH;
      case "gelu", "gelu_python" -> Activation.GELU_ERF;
      case "relu" -> Activation.RELU;
      case "silu", "swish" -> Activation.SILU;
      default ->
          throw new JambicException(
              Text.format(
                  "%s: the activation_function %s is not supported; gelu_new, gelu_fast, gelu, relu and silu are",
                  json.where(), ErrorText.quote(name)));
    };
  }
}
