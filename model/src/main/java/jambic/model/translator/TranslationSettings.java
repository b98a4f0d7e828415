package jambic.model.translator;

import jambic.model.checkpoint.ModelFormat;
import jambic.model.generate.GenerationConfig;
import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.model.translator.BeamSearch.LengthPenalty;
import jambic.model.translator.BeamSearch.Stopping;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Settings of the search for a translation.
 *
 * @param beams number of hypotheses kept at a time; 1 is greedy search
 * @param penalty how a score depends on the length of a translation
 * @param stopping when a search stops
 * @param maxTokens greatest length of a translation in tokens, with its end token
 * @param banned ids of tokens that are never chosen
 */
public record TranslationSettings(
    int beams, LengthPenalty penalty, Stopping stopping, int maxTokens, List<Integer> banned) {
  private static final int USUAL_BEAMS = 4;

  private static final KeyRules RULES =
      new KeyRules()
          .obeys("num_beams", "length_penalty", "early_stopping", "max_length", "max_new_tokens")
          .obeys("bad_words_ids", "eos_token_id", "pad_token_id", "decoder_start_token_id")
          .obeys("forced_eos_token_id")
          .ignores("bos_token_id", "_from_model_config", "transformers_version")
          // How the same tokens are computed, and what is handed out beside them.
          .ignores("use_cache", "cache_config", "max_cache_len", "return_legacy_cache")
          .ignores("cache_implementation", "compile_config", "disable_compile", "low_memory")
          .ignores("output_attentions", "output_hidden_states", "output_scores", "output_logits")
          .ignores("return_dict_in_generate", "renormalize_logits", "num_return_sequences")
          // Of sampling, which translation never does.
          .supports("do_sample", false)
          .ignores("temperature", "top_k", "top_p", "min_p", "typical_p")
          .ignores("epsilon_cutoff", "eta_cutoff", "diversity_penalty")
          .supports("num_beam_groups", 1)
          .supports("min_length", 0)
          .supports("min_new_tokens", 0)
          .supports("repetition_penalty", 1)
          .supports("encoder_repetition_penalty", 1)
          .supports("no_repeat_ngram_size", 0)
          .supports("encoder_no_repeat_ngram_size", 0)
          .supports("penalty_alpha", 0)
          .supports("max_time")
          .supports("stop_strings", List.of())
          .supports("force_words_ids", List.of())
          .supports("constraints", List.of())
          .supports("forced_bos_token_id")
          .supports("exponential_decay_length_penalty")
          .supports("suppress_tokens", List.of())
          .supports("begin_suppress_tokens", List.of())
          .supports("sequence_bias", List.of(), Map.of())
          .supports("remove_invalid_values", false)
          .supports("guidance_scale", 1)
          .supports("watermarking_config");

  /**
   * Keeps its own copy of the tokens.
   *
   * @throws JambicException if a number is out of range
   */
  public TranslationSettings {
    if (beams < 1 || maxTokens < 1) {
      throw new JambicException(
          Text.format(
              "a translation needs a beam and a length of at least 1, not beam %d, length %d",
              beams, maxTokens));
    }
    banned = List.copyOf(banned);
  }

  /**
   * Returns the settings of a model that says nothing of it: four beams, transformers' rule.
   *
   * @param config the model's shape
   * @return the settings
   */
  public static TranslationSettings of(TranslatorConfig config) {
    return new TranslationSettings(
        USUAL_BEAMS,
        new LengthPenalty(1, false),
        Stopping.PRESENT_LENGTH,
        config.maxLength(),
        Stream.of(config.padToken(), config.startToken()).distinct().toList());
  }

  /**
   * Reads what a checkpoint says, in {@code generation_config.json} or else in {@code config.json}.
   *
   * @param folder the checkpoint's
   * @param config the model's shape
   * @return what it says, and else {@link #of(TranslatorConfig)}
   * @throws JambicException if the file is damaged, or asks for something that is not supported
   */
  public static TranslationSettings read(Path folder, TranslatorConfig config) {
    Path file = folder.resolve(GenerationConfig.NAME);
    boolean own = Files.exists(file);
    JsonObject json = JsonObject.read(own ? file : folder.resolve(ModelFormat.CONFIG));
    if (own) {
      RULES.check(json);
    }
    requireSame(json, "decoder_start_token_id", config.startToken());
    requireSame(json, "eos_token_id", config.endToken());
    requireSame(json, "forced_eos_token_id", config.endToken());
    TranslationSettings usual = of(config);
    int longest =
        json.optionalInteger("max_new_tokens")
            .or(() -> json.optionalInteger("max_length").map(length -> length - 1))
            .orElse(usual.maxTokens());
    try {
      return new TranslationSettings(
          json.optionalInteger("num_beams").orElse(usual.beams()),
          new LengthPenalty(json.optionalFloat("length_penalty").orElse(1f), false),
          stopping(json),
          Math.min(longest, config.maxLength()),
          banned(json));
    } catch (JambicException e) {
      throw new JambicException(json.where() + ": " + e.getMessage(), e);
    }
  }

  private static void requireSame(JsonObject json, String key, int id) {
    Object given = json.values().get(key);
    if (given != null && !given.equals(id)) {
      throw new JambicException(
          Text.format(
              "%s: '%s' is %s, but config.json makes it %d; make them the same",
              json.where(), key, ErrorText.quote(given.toString()), id));
    }
  }

  private static Stopping stopping(JsonObject json) {
    Object given = json.values().get("early_stopping");
    if (given == null || given.equals(false)) {
      return Stopping.PRESENT_LENGTH;
    }
    if (given.equals(true)) {
      return Stopping.FIRST;
    }
    if (given.equals("never")) {
      return Stopping.GREATEST_LENGTH;
    }
    throw new JambicException(
        Text.format(
            "'early_stopping' must be true, false or \"never\", got %s",
            ErrorText.quote(given.toString())));
  }

  private static List<Integer> banned(JsonObject json) {
    List<Integer> banned = new ArrayList<>();
    for (Object words : json.optionalList("bad_words_ids").orElse(List.of())) {
      if (!(words instanceof List<?> ids)
          || ids.size() != 1
          || !(ids.getFirst() instanceof Integer id)) {
        throw new JambicException(
            Text.format(
                "'bad_words_ids' has %s; single tokens are supported",
                ErrorText.quote(String.valueOf(words))));
      }
      banned.add(id);
    }
    return banned;
  }

  /** Writes what transformers' {@code generate} is to do with the model. */
  void write(Path folder, TranslatorConfig config) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("bos_token_id", config.startToken());
    json.put("pad_token_id", config.padToken());
    json.put("eos_token_id", config.endToken());
    json.put("decoder_start_token_id", config.startToken());
    json.put("forced_eos_token_id", config.endToken());
    json.put("bad_words_ids", banned.stream().map(List::of).toList());
    json.put("num_beams", beams);
    json.put("max_length", Math.min(maxTokens + 1, config.maxLength()));
    if (penalty.exponent() != 1) {
      json.put("length_penalty", penalty.exponent());
    }
    JsonObject.write(folder.resolve(GenerationConfig.NAME), json);
  }

  /**
   * Returns these settings with another number of beams.
   *
   * @param count hypotheses kept
   * @return a copy that differs in this only
   */
  public TranslationSettings withBeams(int count) {
    return new TranslationSettings(count, penalty, stopping, maxTokens, banned);
  }

  /**
   * Returns these settings with another length penalty; with GNMT's, a search stops when nothing
   * can improve any more.
   *
   * @param other the penalty
   * @return a copy that differs in this only
   */
  public TranslationSettings withPenalty(LengthPenalty other) {
    Stopping when = other.gnmt() ? Stopping.BOUND : stopping;
    return new TranslationSettings(beams, other, when, maxTokens, banned);
  }

  /**
   * Returns these settings with another greatest length.
   *
   * @param count tokens at most
   * @return a copy that differs in this only
   */
  public TranslationSettings withMaxTokens(int count) {
    return new TranslationSettings(beams, penalty, stopping, count, banned);
  }

  /** Returns what a search is told. */
  BeamSearch.Settings search(int end) {
    return new BeamSearch.Settings(beams, maxTokens, end, penalty, stopping);
  }
}
