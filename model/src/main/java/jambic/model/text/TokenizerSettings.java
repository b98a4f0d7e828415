package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What stands beside a vocabulary in {@code tokenizer_config.json}, and in older folders in {@code
 * special_tokens_map.json} and {@code added_tokens.json}. The values are kept as they are, so that
 * they can be written back; what changes ids is obeyed as transformers 5 does.
 *
 * @param where the file, or the folder where there is none
 * @param values the members of {@code tokenizer_config.json}, with those of the older file
 * @param added the tokens that these files add, with the ids that they claim
 */
record TokenizerSettings(String where, Map<String, Object> values, List<AddedToken> added) {
  static final TokenizerSettings NONE = new TokenizerSettings("the tokenizer", Map.of(), List.of());

  private static final String PAD = "<|pad|>";
  private static final String FILE = "tokenizer_config.json";
  private static final String SPECIAL_FILE = "special_tokens_map.json";
  private static final String ADDED_FILE = "added_tokens.json";
  private static final String DECODER = "added_tokens_decoder";
  private static final String EXTRA = "extra_special_tokens";
  private static final String ADDITIONAL = "additional_special_tokens";

  /** In the order in which transformers adds those that are new. */
  private static final List<String> NAMED =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private static final KeyRules SPECIAL_RULES =
      new KeyRules().obeys(NAMED.toArray(String[]::new)).obeys(EXTRA, ADDITIONAL);

  private static final KeyRules RULES =
      new KeyRules()
          .obeys(NAMED.toArray(String[]::new))
          .obeys(EXTRA, ADDITIONAL, DECODER)
          .obeys("add_prefix_space", "add_bos_token", "add_eos_token")
          // Classes that take the files as they are; others change them.
          .supports(
              "tokenizer_class",
              "GPT2Tokenizer",
              "GPT2TokenizerFast",
              "PreTrainedTokenizerFast",
              "TokenizersBackend")
          .supports("split_special_tokens", false)
          .supports("model_specific_special_tokens", Map.of())
          .supports("init_inputs", List.of())
          .supports("do_lower_case", false)
          .supports("from_slow", false)
          // About padding, truncation and masks, which transformers does when it is asked to.
          .ignores("model_max_length", "max_len", "max_length", "stride", "model_input_names")
          .ignores("padding_side", "truncation_side", "truncation_strategy", "truncation")
          .ignores("padding", "pad_to_multiple_of", "pad_token_type_id", "return_token_type_ids")
          // About the text that ids become, or that chats become before it is encoded.
          .ignores("clean_up_tokenization_spaces", "errors", "chat_template")
          .ignores("response_schema", "response_template", "spaces_between_special_tokens")
          // About files, classes and downloads.
          .ignores("name_or_path", "special_tokens_map_file", "tokenizer_file", "vocab_file")
          .ignores("merges_file", "added_tokens_file", "use_fast", "auto_map", "backend")
          .ignores("is_local", "local_files_only", "trust_remote_code", "processor_class")
          .ignores("legacy", "verbose", "device_map", "slow_tokenizer_class", "files_loaded");

  TokenizerSettings {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    added = List.copyOf(added);
  }

  /** Of a vocabulary that begins with {@link TranslationTokens}. */
  static TokenizerSettings ofTranslation() {
    Map<String, Object> values =
        TokenizerFile.ordered(
            "bos_token", TranslationTokens.START,
            "eos_token", TranslationTokens.END,
            "pad_token", TranslationTokens.PAD);
    return new TokenizerSettings(NONE.where(), values, List.of());
  }

  static TokenizerSettings read(Path folder) {
    Path file = folder.resolve(FILE);
    boolean there = Files.exists(file);
    JsonObject json = there ? JsonObject.read(file) : new JsonObject(folder.toString(), Map.of());
    RULES.check(json);
    Map<String, Object> values = new LinkedHashMap<>(json.values());
    if (values.get(ADDITIONAL) != null && isEmpty(values.get(EXTRA))) {
      values.put(EXTRA, values.remove(ADDITIONAL));
    }
    values.remove(ADDITIONAL);
    readChatTemplate(folder).ifPresent(text -> values.put("chat_template", text));
    List<AddedToken> added = new ArrayList<>();
    Optional<JsonObject> decoder = json.optionalObject(DECODER);
    if (decoder.isPresent()) {
      values.remove(DECODER); // the tokens are written to tokenizer.json
      decoder
          .get()
          .values()
          .keySet()
          .forEach(
              id -> added.add(AddedToken.read(decoder.get().object(id), id(decoder.get(), id))));
      added.sort(Comparator.comparingInt(AddedToken::id));
    } else {
      readOlder(folder, values, added);
    }
    return new TokenizerSettings(json.where(), values, added);
  }

  /** Reads what transformers reads only where no tokens stand in the newer file. */
  private static void readOlder(Path folder, Map<String, Object> values, List<AddedToken> added) {
    Path file = folder.resolve(SPECIAL_FILE);
    if (Files.exists(file)) {
      JsonObject json = JsonObject.read(file);
      SPECIAL_RULES.check(json);
      json.values()
          .forEach((key, value) -> {
            if (value != null) {
              values.put(key.equals(ADDITIONAL) ? EXTRA : key, value);
            }
          });
    }
    Path tokens = folder.resolve(ADDED_FILE);
    if (Files.exists(tokens)) {
      JsonObject json = JsonObject.read(tokens);
      Set<String> special = new HashSet<>();
      named(new JsonObject(file.toString(), values)).forEach(token -> special.add(token.content()));
      for (String token : json.values().keySet()) {
        added.add(AddedToken.of(json.integer(token), token, special.contains(token)));
      }
      added.sort(Comparator.comparingInt(AddedToken::id));
    }
  }

  private static Optional<String> readChatTemplate(Path folder) {
    Path file = folder.resolve(TokenizerFile.CHAT_TEMPLATE);
    try {
      return Files.exists(file) ? Optional.of(Files.readString(file)) : Optional.empty();
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    }
  }

  private static int id(JsonObject json, String id) {
    try {
      return Integer.parseInt(id);
    } catch (NumberFormatException e) {
      throw new JambicException(
          Text.format("%s: the key %s is not the id of a token", json.where(), ErrorText.quote(id)),
          e);
    }
  }

  private static boolean isEmpty(Object value) {
    return value == null || value instanceof List<?> list && list.isEmpty();
  }

  /** The tokens that have a part to play, such as the end; their ids are not known yet. */
  List<AddedToken> named() {
    return named(json());
  }

  private static List<AddedToken> named(JsonObject json) {
    List<AddedToken> named = new ArrayList<>();
    for (String key : NAMED) {
      Object value = json.values().get(key);
      if (value != null) {
        named.add(token(json, key, value));
      }
    }
    Object extra = json.values().get(EXTRA);
    if (extra instanceof Map<?, ?> byName) {
      byName.values().forEach(value -> named.add(token(json, EXTRA, value)));
    } else {
      json.optionalList(EXTRA)
          .orElse(List.of())
          .forEach(value -> named.add(token(json, EXTRA, value)));
    }
    return named;
  }

  /** A special token, given by its text or as an object with flags. */
  private static AddedToken token(JsonObject json, String key, Object value) {
    if (value instanceof String text && !text.isEmpty()) {
      return AddedToken.of(0, text, true);
    }
    if (value instanceof Map<?, ?>) {
      JsonObject parent = new JsonObject(json.where(), Collections.singletonMap(key, value));
      return AddedToken.read(parent.object(key), 0).asSpecial();
    }
    throw new JambicException(
        Text.format(
            "%s: %s must be the text of a token or an object, got %s",
            json.where(), ErrorText.quote(key), ErrorText.quote(String.valueOf(value))));
  }

  JsonObject json() {
    return new JsonObject(where, values);
  }

  /** Whether transformers builds GPT-2's tokenizer itself instead of taking a file as it is. */
  boolean isGpt2Class() {
    return json().optionalText("tokenizer_class").orElse("").startsWith("GPT2");
  }

  /** Tokens by their texts alone; tokenizer.json has their flags. */
  private static Object withoutFlags(Object value) {
    return switch (value) {
      case List<?> tokens -> tokens.stream().map(TokenizerSettings::withoutFlags).toList();
      case Map<?, ?> token when token.containsKey("content") -> token.get("content");
      case Map<?, ?> byName -> {
        Map<Object, Object> texts = new LinkedHashMap<>();
        byName.forEach((name, token) -> texts.put(name, withoutFlags(token)));
        yield texts;
      }
      case null, default -> value;
    };
  }

  /** The same beside a vocabulary with more special tokens, some of which have a part to play. */
  TokenizerSettings with(List<String> special) {
    Map<String, Object> more = new LinkedHashMap<>(values);
    if (special.contains(BpeFiles.END_OF_TEXT)) {
      more.put("eos_token", BpeFiles.END_OF_TEXT);
    }
    if (special.contains(PAD)) {
      more.put("pad_token", PAD);
    }
    return new TokenizerSettings(where, more, added);
  }

  /**
   * What is to be written: the same values, as a class of transformers reads them that takes {@code
   * tokenizer.json} as it is.
   */
  Map<String, Object> toJson() {
    Map<String, Object> json = TokenizerFile.ordered("tokenizer_class", "PreTrainedTokenizerFast");
    json.put("clean_up_tokenization_spaces", false);
    values.forEach((key, value) -> {
      boolean token = NAMED.contains(key) || key.equals(EXTRA);
      json.put(key, token ? withoutFlags(value) : value);
    });
    json.keySet().removeAll(List.of("add_bos_token", "add_eos_token")); // now the post_processor's
    json.put("tokenizer_class", "PreTrainedTokenizerFast");
    return json;
  }
}
