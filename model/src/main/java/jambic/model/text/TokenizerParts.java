package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The parts of a {@code tokenizer.json} around its model: what they may be so that a text gets the
 * same ids here as from Hugging Face's tokenizers. Everything else is refused by name.
 */
final class TokenizerParts {
  private static final KeyRules FILE =
      new KeyRules()
          .obeys("truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer")
          .obeys("post_processor", "decoder", "model")
          .ignores("version");
  private static final KeyRules PADDING =
      new KeyRules()
          .supports("strategy", "BatchLongest") // which leaves a single text alone
          .supports("pad_to_multiple_of", 0)
          .ignores("direction", "pad_id", "pad_type_id", "pad_token");
  private static final KeyRules BYTE_LEVEL =
      new KeyRules()
          .obeys("type", "add_prefix_space", "use_regex")
          .ignores("trim_offsets"); // about places in the text
  private static final KeyRules SPLIT =
      new KeyRules().obeys("type", "pattern", "behavior", "invert");

  /** Two spellings of one expression: OpenAI's in encoder.py, and that in tiktoken. */
  private static final Set<String> GPT2_PIECES =
      Set.of(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

  /** Every character; a dot would not match a line's end. */
  static final String EVERY_CHARACTER = "[\\s\\S]";

  private static final Set<String> CHARACTERS = Set.of(EVERY_CHARACTER, "[\\S\\s]");

  private TokenizerParts() {}

  /** Refuses unknown keys, and what no tokenizer here obeys. */
  static void check(JsonObject json) {
    FILE.check(json);
    // With that file transformers opens the folder, which cuts and pads only where a call asks for
    // it.
    if (!Files.exists(Path.of(json.where()).resolveSibling(TokenizerFile.CLASS_FILE))) {
      if (json.optionalObject("truncation").isPresent()) {
        throw new JambicException(
            json.where()
                + ": 'truncation' cuts texts, which is not supported; set it to null, or put the"
                + " tokenizer's "
                + TokenizerFile.CLASS_FILE
                + " beside the file");
      }
      json.optionalObject("padding").ifPresent(PADDING::check);
    }
    flat(json, "normalizer", "normalizers").stream()
        .findFirst()
        .ifPresent(first -> {
          throw new JambicException(
              Text.format(
                  "%s: the normalizer %s is not supported; a tokenizer without one is",
                  json.where(), ErrorText.quote(first.text("type"))));
        });
  }

  /** Refuses a decoder that would make another text of the ids. */
  static void checkDecoder(JsonObject json, String supported) {
    for (JsonObject decoder : flat(json, "decoder", "decoders")) {
      if (!decoder.text("type").equals(supported)) {
        throw new JambicException(
            Text.format(
                "%s: the decoder %s is not supported here; %s is",
                json.where(), ErrorText.quote(decoder.text("type")), supported));
      }
    }
  }

  /** Whether GPT-2's pre-tokenizer puts a space before a text; another one is refused. */
  static boolean addsPrefixSpace(JsonObject json) {
    List<JsonObject> parts = flat(json, "pre_tokenizer", "pretokenizers");
    if (parts.isEmpty()) {
      throw unlikeGpt2(json, "it has no 'pre_tokenizer'");
    }
    boolean split = parts.size() == 2 && isSplit(parts.getFirst(), GPT2_PIECES);
    JsonObject last = parts.getLast();
    if (!last.text("type").equals("ByteLevel") || parts.size() > (split ? 2 : 1)) {
      List<String> types = parts.stream().map(part -> part.text("type")).toList();
      throw unlikeGpt2(json, "its pre_tokenizer is " + ErrorText.quote(String.join(", ", types)));
    }
    BYTE_LEVEL.check(last);
    boolean regex = last.optionalBoolean("use_regex").orElse(true);
    if (regex == split) {
      throw unlikeGpt2(json, "'use_regex' is " + regex);
    }
    boolean prefix = last.optionalBoolean("add_prefix_space").orElse(true);
    if (prefix && split) {
      throw unlikeGpt2(json, "'add_prefix_space' is true behind a Split");
    }
    return prefix;
  }

  /** Refuses a tokenizer that does not take every character for itself. */
  static void requireCharacters(JsonObject json) {
    List<JsonObject> parts = flat(json, "pre_tokenizer", "pretokenizers");
    if (parts.size() != 1 || !isSplit(parts.getFirst(), CHARACTERS)) {
      throw new JambicException(
          Text.format(
              "%s: a word-level tokenizer is supported where its 'pre_tokenizer' is a Split by the Regex %s with the behavior Isolated; got %s",
              json.where(),
              EVERY_CHARACTER,
              ErrorText.quote(String.valueOf(json.values().get("pre_tokenizer")))));
    }
    if (!PromptTemplate.read(json).equals(PromptTemplate.NONE)) {
      throw new JambicException(
          json.where()
              + ": the 'post_processor' adds tokens to a text, which is not supported for"
              + " characters");
    }
    checkDecoder(json, "Fuse");
  }

  private static boolean isSplit(JsonObject part, Set<String> expressions) {
    if (!part.text("type").equals("Split")) {
      return false;
    }
    SPLIT.check(part);
    boolean inverted = part.optionalBoolean("invert").orElse(false);
    return part.object("pattern").optionalText("Regex").filter(expressions::contains).isPresent()
        && part.text("behavior").equals(inverted ? "Removed" : "Isolated");
  }

  /** The parts under a key one by one: those of a sequence, or the only one. */
  private static List<JsonObject> flat(JsonObject json, String key, String members) {
    List<JsonObject> parts = new ArrayList<>();
    Optional<JsonObject> part = json.optionalObject(key);
    part.ifPresent(one -> addFlat(one, members, parts));
    return parts;
  }

  private static void addFlat(JsonObject part, String members, List<JsonObject> parts) {
    if (!part.text("type").equals("Sequence")) {
      parts.add(part);
      return;
    }
    new KeyRules().obeys("type", members).check(part);
    part.objects(members).forEach(one -> addFlat(one, members, parts));
  }

  static JambicException unlikeGpt2(JsonObject json, String difference) {
    return new JambicException(
        Text.format(
            "%s holds a BPE tokenizer unlike GPT-2's, which is not supported: %s",
            json.where(), difference));
  }

  /** GPT-2's own pre-tokenizer, which is its decoder too. */
  static Map<String, Object> byteLevel(boolean addPrefixSpace) {
    return TokenizerFile.ordered(
        "type",
        "ByteLevel",
        "add_prefix_space",
        addPrefixSpace,
        "trim_offsets",
        true,
        "use_regex",
        true);
  }
}
