package jambic.model.translator;

import jambic.model.ConfigException;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.model.nn.SinusoidalPositions;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A translator's shape as {@code config.json}, with the keys that transformers has for Marian. */
final class MarianConfig {
  private static final String MARIAN = "marian";
  private static final String PEGASUS = "pegasus";
  private static final String M2M100 = "m2m_100";
  private static final Map<String, String> CLASSES =
      Map.of(
          MARIAN, "MarianMTModel",
          PEGASUS, "PegasusForConditionalGeneration",
          M2M100, "M2M100ForConditionalGeneration");

  private static final Map<String, String> KEYS =
      Map.ofEntries(
          Map.entry("vocabSize", "vocab_size"),
          Map.entry("maxLength", "max_position_embeddings"),
          Map.entry("encoderLayers", "encoder_layers"),
          Map.entry("decoderLayers", "decoder_layers"),
          Map.entry("encoderHeads", "encoder_attention_heads"),
          Map.entry("decoderHeads", "decoder_attention_heads"),
          Map.entry("width", "d_model"),
          Map.entry("encoderInner", "encoder_ffn_dim"),
          Map.entry("decoderInner", "decoder_ffn_dim"),
          Map.entry("attentionDropout", "attention_dropout"),
          Map.entry("activationDropout", "activation_dropout"),
          Map.entry("padToken", "pad_token_id"),
          Map.entry("startToken", "decoder_start_token_id"),
          Map.entry("endToken", "eos_token_id"));

  private static final KeyRules RULES =
      new KeyRules()
          .obeys("model_type", "architectures")
          .obeys(KEYS.values().toArray(String[]::new))
          .obeys("dropout", "activation_function", "scale_embedding", "decoder_vocab_size")
          .obeys("normalize_before", "add_final_layer_norm")
          .supports("is_encoder_decoder", true)
          .supports("is_decoder", false)
          .supports("share_encoder_decoder_embeddings", true)
          .supports("tie_word_embeddings", true)
          .supports("tie_encoder_decoder", false)
          .supports("normalize_embedding", false)
          .supports("add_bias_logits", false)
          .supports("static_position_embeddings", true)
          .supports("add_cross_attention", false)
          .supports("pruned_heads", Map.of(), List.of())
          .supports("auto_map")
          .supportsOr(
              "its weights are in another program's own form; save what dequantize() of the model in"
                  + " transformers returns, and take that folder",
              "quantization_config")
          // Of training in other programs, and of classifiers on top of the model.
          .ignores("encoder_layerdrop", "decoder_layerdrop", "init_std", "extra_pos_embeddings")
          .ignores("classif_dropout", "classifier_dropout", "_num_labels", "num_labels")
          .ignores("id2label", "label2id", "problem_type", "finetuning_task")
          .ignores("gradient_checkpointing", "num_hidden_layers", "force_bos_token_to_be_generated")
          // Scores are computed in 32 bits anyway.
          .ignores("torch_dtype", "dtype", "use_bfloat16")
          // How a computation runs, and what it returns beside its result.
          .ignores("use_cache", "chunk_size_feed_forward", "return_dict", "output_hidden_states")
          .ignores("output_attentions", "torchscript", "tf_legacy_loss", "xla_device")
          .ignores("_attn_implementation_autoset", "attn_implementation", "output_past")
          // Where a model comes from.
          .ignores("_name_or_path", "_commit_hash", "transformers_version", "tokenizer_class")
          .ignores("cross_attention_hidden_size", "save_step")
          // Of generation, which TranslationSettings reads.
          .ignores("bos_token_id", "sep_token_id", "forced_eos_token_id", "forced_bos_token_id")
          .ignores("max_length", "min_length", "num_beams", "num_beam_groups", "early_stopping")
          .ignores("length_penalty", "no_repeat_ngram_size", "bad_words_ids", "do_sample")
          .ignores("encoder_no_repeat_ngram_size", "num_return_sequences", "temperature")
          .ignores("top_k", "top_p", "typical_p", "repetition_penalty", "diversity_penalty")
          .ignores("output_scores", "return_dict_in_generate", "remove_invalid_values")
          .ignores("exponential_decay_length_penalty", "suppress_tokens", "prefix")
          .ignores("begin_suppress_tokens", "task_specific_params");

  private MarianConfig() {}

  /** Writes a shape, and behind it what else the file says. */
  static void write(Path folder, TranslatorConfig config, Map<String, Object> kept) {
    String type = type(config);
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model_type", type);
    json.put("architectures", List.of(CLASSES.get(type)));
    json.put("vocab_size", config.vocabSize());
    json.put("max_position_embeddings", config.maxLength());
    json.put("encoder_layers", config.encoderLayers());
    json.put("decoder_layers", config.decoderLayers());
    json.put("encoder_attention_heads", config.encoderHeads());
    json.put("decoder_attention_heads", config.decoderHeads());
    json.put("d_model", config.width());
    json.put("encoder_ffn_dim", config.encoderInner());
    json.put("decoder_ffn_dim", config.decoderInner());
    json.put("activation_function", name(config.activation()));
    json.put("dropout", config.dropout());
    json.put("attention_dropout", config.attentionDropout());
    json.put("activation_dropout", config.activationDropout());
    json.put("scale_embedding", config.scaleEmbedding());
    json.put("pad_token_id", config.padToken());
    json.put("bos_token_id", config.startToken());
    json.put("decoder_start_token_id", config.startToken());
    json.put("eos_token_id", config.endToken());
    json.put("forced_eos_token_id", config.endToken());
    json.put("is_encoder_decoder", true);
    json.put("tie_word_embeddings", true);
    if (type.equals(MARIAN)) {
      json.put("decoder_vocab_size", config.vocabSize());
      json.put("share_encoder_decoder_embeddings", true);
    }
    kept.forEach(json::putIfAbsent);
    json.put("dtype", "float32");
    JsonObject.write(folder.resolve(ModelFormat.CONFIG), json);
  }

  /** All that a file says, but for what is written of the model that was made from it. */
  static Map<String, Object> kept(Path folder) {
    Map<String, Object> kept =
        new LinkedHashMap<>(JsonObject.read(folder.resolve(ModelFormat.CONFIG)).values());
    kept.keySet()
        .removeAll(List.of("torch_dtype", "transformers_version", "_name_or_path", "_commit_hash"));
    return kept;
  }

  private static String type(TranslatorConfig config) {
    if (config.positions() == SinusoidalPositions.FAIRSEQ) {
      if (!config.preNorm() || config.logitsBias()) {
        throw new JambicException(
            "a translator with positions as fairseq has them is stored with layer norms in front and"
                + " without a bias of its logits only");
      }
      return M2M100;
    }
    return config.preNorm() ? PEGASUS : MARIAN;
  }

  /**
   * Reads a shape.
   *
   * @throws JambicException if the file is missing, of another architecture, or asks for something
   *     that is not supported
   */
  static TranslatorConfig read(Path folder) {
    JsonObject json = JsonObject.read(folder.resolve(ModelFormat.CONFIG));
    String type = type(json);
    RULES.check(json);
    boolean preNorm = !type.equals(MARIAN);
    for (String key : List.of("normalize_before", "add_final_layer_norm")) {
      if (json.optionalBoolean(key).orElse(preNorm) != preNorm) {
        throw new JambicException(
            Text.format(
                "%s: '%s' is %s, which a model of the type %s is not; transformers passes it over",
                json.where(), key, !preNorm, type));
      }
    }
    int vocabSize = json.integer("vocab_size");
    if (json.optionalInteger("decoder_vocab_size").orElse(vocabSize) != vocabSize) {
      throw new JambicException(
          Text.format(
              "%s: 'decoder_vocab_size' is %s but 'vocab_size' %d; one vocabulary for both languages"
                  + " is supported",
              json.where(), json.values().get("decoder_vocab_size"), vocabSize));
    }
    try {
      return new TranslatorConfig(
          vocabSize,
          json.integer("max_position_embeddings"),
          json.integer("encoder_layers"),
          json.integer("decoder_layers"),
          json.integer("encoder_attention_heads"),
          json.integer("decoder_attention_heads"),
          json.integer("d_model"),
          json.integer("encoder_ffn_dim"),
          json.integer("decoder_ffn_dim"),
          activation(json, type),
          json.optionalFloat("dropout").orElse(0.1f),
          json.optionalFloat("attention_dropout").orElse(type.equals(M2M100) ? 0.1f : 0),
          json.optionalFloat("activation_dropout").orElse(0f),
          preNorm,
          json.optionalBoolean("scale_embedding").orElse(type.equals(M2M100)),
          !type.equals(M2M100),
          type.equals(M2M100) ? SinusoidalPositions.FAIRSEQ : SinusoidalPositions.MARIAN,
          json.integer("pad_token_id"),
          json.integer("decoder_start_token_id"),
          json.integer("eos_token_id"));
    } catch (ConfigException e) {
      throw new JambicException(
          json.where() + ": " + e.in(name -> KEYS.getOrDefault(name, name)), e);
    }
  }

  /** Tells whether a folder says that it holds a translator; a damaged one says nothing. */
  static boolean isIn(Path folder) {
    try {
      JsonObject json = JsonObject.read(folder.resolve(ModelFormat.CONFIG));
      return json.optionalText("model_type").filter(CLASSES::containsKey).isPresent();
    } catch (JambicException e) {
      return false;
    }
  }

  private static String type(JsonObject json) {
    String type =
        json.optionalText("model_type")
            .orElseThrow(() ->
                new JambicException(
                    json.where() + " names no architecture: it lacks the key 'model_type'"));
    if (!CLASSES.containsKey(type)) {
      throw new JambicException(
          Text.format(
              "%s describes a model of the architecture %s, which does not translate; marian, pegasus"
                  + " and m2m_100 do",
              json.where(), ErrorText.quote(type)));
    }
    List<?> architectures = json.optionalList("architectures").orElse(List.of());
    String known = CLASSES.get(type);
    for (Object name : architectures) {
      if (!known.equals(name)) {
        throw new JambicException(
            Text.format(
                "%s describes a model of the class %s, which is not supported; %s is",
                json.where(), ErrorText.quote(String.valueOf(name)), known));
      }
    }
    return type;
  }

  private static String name(Activation activation) {
    return switch (activation) {
      case GELU_TANH -> "gelu_new";
      case GELU_ERF -> "gelu";
      case RELU -> "relu";
      case SILU -> "silu";
    };
  }

  private static Activation activation(JsonObject json, String type) {
    String usual = type.equals(M2M100) ? "relu" : "gelu";
    String name = json.optionalText("activation_function").orElse(usual);
    return switch (name) {
      case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> Activation.GELU_TANH;
      case "gelu", "gelu_python" -> Activation.GELU_ERF;
      case "relu" -> Activation.RELU;
      case "silu", "swish" -> Activation.SILU;
      default ->
          throw new JambicException(
              Text.format(
                  "%s: the activation_function %s is not supported; relu, gelu, gelu_new and swish are",
                  json.where(), ErrorText.quote(name)));
    };
  }
}
