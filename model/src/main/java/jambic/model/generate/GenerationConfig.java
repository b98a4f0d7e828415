package jambic.model.generate;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * How a stored model wants to be generated with: what its {@code generation_config.json} says, and
 * the end tokens of its {@code config.json}.
 *
 * <p>{@link Generator} and {@link InferenceEngine} obey the end tokens, and nothing else of it: the
 * rest is for the caller to ask for, as {@code jambic sample} does. Reading it never fails, so that
 * a model that is only trained or evaluated needs no such file; what is wrong with it is said when
 * it is asked.
 */
public final class GenerationConfig {
  /** Of a model that was not stored: nothing is said, and no token ends a text. */
  public static final GenerationConfig NONE =
      new GenerationConfig(Optional.empty(), new JsonObject("", Map.of()), Optional.empty());

  /** The name of the file. */
  public static final String NAME = "generation_config.json";

  private static final String MODEL_CONFIG = "config.json";
  private static final String EOS = "eos_token_id";
  private static final int GPT2_END = 50_256; // of a config.json without the key

  private static final KeyRules RULES =
      new KeyRules()
          .obeys(EOS, "do_sample", "temperature", "top_k", "top_p", "repetition_penalty")
          .obeys("max_new_tokens", "max_length")
          // What the file is about, and tokens that only other kinds of models begin or pad with.
          .ignores("_from_model_config", "transformers_version")
          .ignores("bos_token_id", "pad_token_id", "decoder_start_token_id")
          // How the same tokens are computed, and what is handed out beside them.
          .ignores("use_cache", "cache_config", "max_cache_len", "return_legacy_cache")
          .ignores("prefill_chunk_size", "compile_config", "disable_compile", "low_memory")
          .ignores("continuous_batching_config", "return_dict_in_generate", "renormalize_logits")
          .ignores("output_attentions", "output_hidden_states", "output_scores", "output_logits")
          .supports("cache_implementation", "dynamic", "static", "offloaded", "offloaded_static")
          // Speculative decoding: it chooses the tokens that the model alone would, or needs a
          // second model, which no file can give.
          .ignores("is_assistant", "num_assistant_tokens", "num_assistant_tokens_schedule")
          .ignores("assistant_confidence_threshold", "assistant_early_exit")
          .ignores("assistant_lookbehind", "target_lookbehind", "assistant_ensemble_weight")
          .ignores("prompt_lookup_num_tokens", "max_matching_ngram_size", "speculation_type")
          .ignores("use_mtp")
          // Of beam search, which num_beams has to ask for.
          .supports("num_beams", 1)
          .supports("num_beam_groups", 1)
          .ignores("early_stopping", "length_penalty", "diversity_penalty")
          .supports("num_return_sequences", 1)
          // Other choices of tokens; only the values that change nothing.
          .supports("min_length", 0)
          .supports("min_new_tokens", 0)
          .supports("max_time")
          .supports("stop_strings", List.of())
          .supports("min_p", 0)
          .supports("top_h", 1)
          .supports("typical_p", 1)
          .supports("epsilon_cutoff", 0)
          .supports("eta_cutoff", 0)
          .supports("penalty_alpha", 0)
          .supports("dola_layers")
          .supports("encoder_repetition_penalty", 1)
          .supports("no_repeat_ngram_size", 0)
          .supports("encoder_no_repeat_ngram_size", 0)
          .supports("bad_words_ids", List.of())
          .supports("force_words_ids", List.of())
          .supports("constraints", List.of())
          .supports("forced_bos_token_id")
          .supports("forced_eos_token_id")
          .supports("exponential_decay_length_penalty")
          .supports("suppress_tokens", List.of())
          .supports("begin_suppress_tokens", List.of())
          .supports("sequence_bias", List.of(), Map.of())
          .supports("remove_invalid_values", false)
          .supports("token_healing", false)
          .supports("guidance_scale", 1)
          .supports("watermarking_config");

  private final Optional<JsonObject> file;
  private final JsonObject config; // the end tokens of config.json
  private final Optional<JambicException> damage; // of the file

  private GenerationConfig(
      Optional<JsonObject> file, JsonObject config, Optional<JambicException> damage) {
    this.file = file;
    this.config = config;
    this.damage = damage;
  }

  /**
   * Reads what a checkpoint says.
   *
   * @param folder the checkpoint's
   * @param base folder of the model that its adapters belong to, where it has some, else the same
   * @return what the files say, also where they are damaged: that is said when it is asked
   */
  public static GenerationConfig read(Path folder, Path base) {
    JsonObject config =
        existing(MODEL_CONFIG, folder, base)
            .map(GenerationConfig::describing)
            .orElseGet(() -> new JsonObject(base.toString(), Map.of())); // nanoGPT never stops
    try {
      Optional<JsonObject> file = existing(NAME, folder, base).map(JsonObject::read);
      return new GenerationConfig(file, config, Optional.empty());
    } catch (JambicException e) {
      return new GenerationConfig(Optional.empty(), config, Optional.of(e));
    }
  }

  /**
   * Writes the tokens that end an answer, where they are not those that end a text.
   *
   * @param folder the checkpoint's
   * @param endTokens their ids
   */
  public static void write(Path folder, Set<Integer> endTokens) {
    JsonObject.write(folder.resolve(NAME), Map.of(EOS, endTokens.stream().sorted().toList()));
  }

  /** A {@code config.json} that says nothing of an end means GPT-2's. */
  private static JsonObject describing(Path file) {
    JsonObject json = JsonObject.read(file);
    return json.values().containsKey(EOS)
        ? json
        : new JsonObject(json.where(), Map.of(EOS, GPT2_END));
  }

  private static Optional<Path> existing(String name, Path folder, Path base) {
    return Stream.of(folder, base).map(f -> f.resolve(name)).filter(Files::exists).findFirst();
  }

  /**
   * The same as if there were no {@code generation_config.json}.
   *
   * @return what {@code config.json} says alone
   */
  public GenerationConfig withoutFile() {
    return new GenerationConfig(Optional.empty(), config, Optional.empty());
  }

  /**
   * The tokens that end a text: {@code eos_token_id} of {@code generation_config.json}, or of
   * {@code config.json} where there is no such file, as transformers' {@code generate} has it.
   *
   * @return their ids; some may be beyond the model's vocabulary
   * @throws JambicException if the files do not say it in a way that can be understood
   */
  public Set<Integer> endTokens() {
    requireReadable();
    return endTokens(file.orElse(config));
  }

  private static Set<Integer> endTokens(JsonObject json) {
    Object given = json.values().get(EOS);
    List<?> ids = given instanceof List<?> several ? several : Stream.ofNullable(given).toList();
    Set<Integer> ends = new HashSet<>();
    for (Object id : ids) {
      if (!(id instanceof Integer end)) {
        throw new JambicException(
            Text.format(
                "%s: '%s' must be a token's id or an array of them, got %s",
                json.where(), EOS, ErrorText.quote(String.valueOf(given))));
      }
      ends.add(end);
    }
    return Set.copyOf(ends);
  }

  /**
   * The end tokens of a model that is trained on: those above, or its tokenizer's where there are
   * none or the files cannot be understood.
   *
   * @param tokenizer the model's, if it has one
   * @return their ids
   */
  public Set<Integer> endTokensOr(Optional<Tokenizer> tokenizer) {
    try {
      Set<Integer> ends = endTokens();
      if (!ends.isEmpty()) {
        return ends;
      }
    } catch (JambicException unknown) {
      // Training does not need them.
    }
    return tokenizer
        .filter(t -> t.endOfText().isPresent())
        .map(t -> Set.of(t.endOfText().getAsInt()))
        .orElse(Set.of());
  }

  /**
   * Refuses what would change which tokens come and is not supported.
   *
   * @throws JambicException if {@code generation_config.json} cannot be read, has an unknown key,
   *     or a value that is not supported: which
   */
  public void requireSupported() {
    requireReadable();
    endTokens();
    if (file.isEmpty()) {
      return;
    }
    JsonObject json = file.get();
    RULES.check(json);
    doSample();
    try {
      new SamplingParams(
          temperature().orElse(1f), topK().orElse(0), topP().orElse(1f), repetitionPenalty(), 0);
    } catch (JambicException e) {
      throw new JambicException(json.where() + ": " + e.getMessage(), e);
    }
    for (String key : List.of("max_new_tokens", "max_length")) {
      if (json.optionalInteger(key).orElse(1) < 1) {
        throw new JambicException(
            Text.format(
                "%s: '%s' must be at least 1, got %s", json.where(), key, json.values().get(key)));
      }
    }
  }

  private void requireReadable() {
    damage.ifPresent(e -> {
      throw new JambicException(e.getMessage(), e);
    });
  }

  /**
   * Whether tokens are drawn; if not, the likeliest is taken.
   *
   * @return what the file says, if it does
   */
  public Optional<Boolean> doSample() {
    return file.flatMap(json -> json.optionalBoolean("do_sample"));
  }

  /**
   * What scores are divided by.
   *
   * @return what the file says, if it does
   */
  public Optional<Float> temperature() {
    return file.flatMap(json -> json.optionalFloat("temperature"));
  }

  /**
   * How many of the best tokens are candidates; 0 for all.
   *
   * @return what the file says, if it does
   */
  public Optional<Integer> topK() {
    return file.flatMap(json -> json.optionalInteger("top_k"));
  }

  /**
   * The probability that the candidates reach together.
   *
   * @return what the file says, if it does
   */
  public Optional<Float> topP() {
    return file.flatMap(json -> json.optionalFloat("top_p"));
  }

  /**
   * The repetition penalty.
   *
   * @return what the file says, else 1 for none
   */
  public float repetitionPenalty() {
    return file.flatMap(json -> json.optionalFloat("repetition_penalty")).orElse(1f);
  }

  /**
   * The most tokens to add to a prompt.
   *
   * @param promptLength how many tokens the prompt has, which {@code max_length} counts too
   * @return what the file says, if it does
   * @throws JambicException if the prompt is as long as the whole may be
   */
  public Optional<Integer> maxNewTokens(int promptLength) {
    Optional<Integer> added = file.flatMap(json -> json.optionalInteger("max_new_tokens"));
    return added.or(() ->
        file.flatMap(json -> json.optionalInteger("max_length"))
            .map(all -> {
              if (all <= promptLength) {
                throw new JambicException(
                    Text.format(
                        "%s: 'max_length' is %d and the prompt has %d tokens already; say how many to add",
                        file.get().where(), all, promptLength));
              }
              return all - promptLength;
            }));
  }
}
