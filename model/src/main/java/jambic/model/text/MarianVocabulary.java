package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The tokens of an OPUS-MT folder: {@code vocab.json}, and what {@code tokenizer_config.json} and
 * in older folders {@code special_tokens_map.json} say of them.
 */
final class MarianVocabulary {
  private static final String CONFIG = "tokenizer_config.json";
  private static final String SPECIAL = "special_tokens_map.json";
  private static final String CLEAN_UP = "clean_up_tokenization_spaces";
  private static final String VOCAB = "vocab.json";

  private static final KeyRules RULES =
      new KeyRules()
          .obeys("eos_token", "unk_token", "pad_token", "added_tokens_decoder", CLEAN_UP)
          .supports("tokenizer_class", "MarianTokenizer")
          .supports("separate_vocabs", false)
          .supports("sp_model_kwargs", Map.of()) // enable_sampling, which is for training
          .supports("split_special_tokens", false)
          .supports("additional_special_tokens", List.of())
          .supports("extra_special_tokens", List.of(), Map.of())
          .supports("model_specific_special_tokens", Map.of())
          // Names of the languages, for people.
          .ignores("source_lang", "target_lang")
          // About padding and truncation, which transformers does when it is asked to.
          .ignores("model_max_length", "max_length", "padding_side", "truncation_side")
          .ignores("model_input_names", "return_tensors", "truncation", "padding", "stride")
          // About files, classes and downloads.
          .ignores("backend", "name_or_path", "special_tokens_map_file", "tokenizer_file")
          .ignores("target_vocab_file", "source_spm", "target_spm", "vocab", "is_local")
          .ignores("local_files_only", "use_fast", "auto_map", "processor_class", "files_loaded");

  private static final KeyRules SPECIAL_RULES =
      new KeyRules().obeys("eos_token", "unk_token", "pad_token");

  private final List<String> tokens; // by id
  private final Map<String, Integer> ids = new HashMap<>();
  private final List<AddedToken> added = new ArrayList<>();
  private final boolean cleansUp;
  private final int end;
  private final int unknown;
  private final int padding;

  private MarianVocabulary(JsonObject vocab, JsonObject config, JsonObject special) {
    this.tokens = tokens(vocab);
    tokens.forEach(token -> ids.put(token, ids.size()));
    this.cleansUp = config.optionalBoolean(CLEAN_UP).orElse(false);
    this.end = named("eos_token", "</s>", vocab, config, special);
    this.unknown = named("unk_token", "<unk>", vocab, config, special);
    this.padding = named("pad_token", "<pad>", vocab, config, special);
    addOthers(config);
  }

  static MarianVocabulary read(Path folder) {
    return new MarianVocabulary(
        JsonObject.read(folder.resolve(VOCAB)),
        rules(folder.resolve(CONFIG), RULES),
        rules(folder.resolve(SPECIAL), SPECIAL_RULES));
  }

  private static JsonObject rules(Path file, KeyRules rules) {
    if (!Files.exists(file)) {
      return new JsonObject(file.toString(), Map.of());
    }
    JsonObject json = JsonObject.read(file);
    rules.check(json);
    return json;
  }

  /** The tokens in the order of their ids. */
  private static List<String> tokens(JsonObject vocab) {
    int size = vocab.values().size();
    String[] tokens = new String[size];
    for (String token : vocab.values().keySet()) {
      int id = vocab.integer(token);
      if (id < 0 || id >= size || tokens[id] != null) {
        throw new JambicException(
            Text.format(
                "%s: the token %s has id %d, but the %d ids must be 0 to %d, each once",
                vocab.where(), ErrorText.quote(token), id, size, size - 1));
      }
      tokens[id] = token;
    }
    return List.of(tokens);
  }

  /** The id of a token that has a part to play, which is noted as a special one. */
  private int named(
      String key, String usual, JsonObject vocab, JsonObject config, JsonObject special) {
    boolean older = config.values().get(key) == null && special.values().get(key) != null;
    String token = content(older ? special : config, key, usual);
    Integer id = ids.get(token);
    if (id == null) {
      throw new JambicException(
          Text.format(
              "%s lacks the token %s, which is the %s",
              vocab.where(), ErrorText.quote(token), key));
    }
    added.add(AddedToken.of(id, token, true));
    return id;
  }

  /** The text of a token, given as such or as an object with flags. */
  private static String content(JsonObject json, String key, String usual) {
    return json.values().get(key) instanceof Map<?, ?>
        ? AddedToken.read(json.object(key), 0).content()
        : json.optionalText(key).orElse(usual);
  }

  /** Takes the other tokens of the configuration, which have to be in the vocabulary too. */
  private void addOthers(JsonObject config) {
    JsonObject others =
        config.optionalObject("added_tokens_decoder").orElse(new JsonObject("", Map.of()));
    for (String id : others.values().keySet()) {
      AddedToken token = AddedToken.read(others.object(id), 0);
      Integer known = ids.get(token.content());
      if (known == null || !known.toString().equals(id)) {
        throw new JambicException(
            Text.format(
                "%s: the token %s has the id %s, but in %s it has %s",
                others.where(),
                ErrorText.quote(token.content()),
                ErrorText.quote(id),
                VOCAB,
                known == null ? "none" : known));
      }
      if (added.stream().noneMatch(other -> other.id() == known)) {
        added.add(token.withId(known));
      }
    }
  }

  int size() {
    return tokens.size();
  }

  int end() {
    return end;
  }

  int unknown() {
    return unknown;
  }

  int padding() {
    return padding;
  }

  /** Whether spaces before punctuation go from a decoded text, as some folders ask for. */
  boolean cleansUp() {
    return cleansUp;
  }

  /** The special tokens and others that are found in texts before these are cut. */
  List<AddedToken> added() {
    return List.copyOf(added);
  }

  boolean has(String token) {
    return ids.containsKey(token);
  }

  /** The id of a token, the one for the unknown if there is none. */
  int id(String token) {
    return ids.getOrDefault(token, unknown);
  }

  String token(int id) {
    if (id < 0 || id >= tokens.size()) {
      throw new JambicException(
          Text.format(
              "token id %d is outside the vocabulary, which ends at %d", id, tokens.size() - 1));
    }
    return tokens.get(id);
  }

  boolean isSpecial(int id) {
    return added.stream().anyMatch(token -> token.special() && token.id() == id);
  }

  /** The tokens that say which language to translate to. */
  Set<String> languageCodes() {
    return tokens.stream()
        .filter(token -> token.startsWith(">>") && token.endsWith("<<"))
        .collect(Collectors.toUnmodifiableSet());
  }
}
