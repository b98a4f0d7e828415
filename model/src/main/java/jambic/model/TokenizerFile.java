package jambic.model;

import jambic.tensor.JambicException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A character vocabulary as a {@code tokenizer.json} that Hugging Face's tokenizers run with the
 * same result: the text is split into single characters, each of which is a word of a word-level
 * vocabulary. There is no token for the unknown, so that an unknown character is an error there
 * too.
 */
final class TokenizerFile {
  static final String NAME = "tokenizer.json";

  /** Tells transformers to take the file as it is instead of GPT-2's tokenizer. */
  static final String CLASS_FILE = "tokenizer_config.json";

  private TokenizerFile() {}

  static void write(Path folder, int[] codePoints) {
    Map<String, Object> vocab = new LinkedHashMap<>();
    for (int id = 0; id < codePoints.length; id++) {
      vocab.put(Character.toString(codePoints[id]), id);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("version", "1.0");
    json.put("truncation", null);
    json.put("padding", null);
    json.put("added_tokens", List.of());
    json.put("normalizer", null);
    json.put(
        "pre_tokenizer",
        ordered(
            "type",
            "Split",
            "pattern",
            Map.of("Regex", "[\\s\\S]"), // a dot would not match a line's end
            "behavior",
            "Isolated",
            "invert",
            false));
    json.put("post_processor", null);
    json.put("decoder", Map.of("type", "Fuse"));
    json.put("model", ordered("type", "WordLevel", "vocab", vocab, "unk_token", "<unk>"));
    JsonObject.write(folder.resolve(NAME), json);
    JsonObject.write(
        folder.resolve(CLASS_FILE),
        ordered(
            "tokenizer_class", "PreTrainedTokenizerFast", "clean_up_tokenization_spaces", false));
  }

  static Tokenizer read(Path file) {
    JsonObject json = JsonObject.read(file);
    JsonObject model = json.object("model");
    boolean merges = model.optionalList("merges").isPresent(); // GPT-2's own file has no type
    String type = merges ? model.optionalText("type").orElse("BPE") : model.text("type");
    return switch (type) {
      case "BPE" -> BpeFiles.read(json);
      case "WordLevel" -> readCharacters(file, model);
      default ->
          throw new JambicException(
              "%s holds a tokenizer of the kind %s, which is not supported; BPE and WordLevel are"
                  .formatted(file, Wording.quote(type)));
    };
  }

  private static Tokenizer readCharacters(Path file, JsonObject model) {
    JsonObject vocab = model.object("vocab");
    int[] codePoints = new int[vocab.values().size()];
    Arrays.fill(codePoints, -1);
    for (String token : vocab.values().keySet()) {
      if (token.isEmpty() || token.codePointCount(0, token.length()) != 1) {
        throw new JambicException(
            "%s: the token %s is not a single character, and words are not supported"
                .formatted(file, Wording.quote(token)));
      }
      int id = vocab.integer(token);
      if (id < 0 || id >= codePoints.length || codePoints[id] >= 0) {
        throw new JambicException(
            "%s: the token %s has id %d, but the %d ids must be 0 to %d, each once"
                .formatted(
                    file, Wording.quote(token), id, codePoints.length, codePoints.length - 1));
      }
      codePoints[id] = token.codePointAt(0);
    }
    if (codePoints.length == 0) {
      throw new JambicException(file + ": the vocabulary is empty");
    }
    return new CharTokenizer(codePoints);
  }

  static Map<String, Object> ordered(Object... keysAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }
}
