package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A character vocabulary as a {@code tokenizer.json} that Hugging Face's tokenizers run with the
 * same result: the text is split into single characters, each of which is a word of a word-level
 * vocabulary. There is no token for the unknown, so that an unknown character is an error there
 * too.
 */
public final class TokenizerFile {
  /** The name of the file. */
  public static final String NAME = "tokenizer.json";

  /** Tells transformers to take the file as it is instead of GPT-2's tokenizer. */
  public static final String CLASS_FILE = "tokenizer_config.json";

  /** Where transformers keeps how chats become text; see {@code jambic.model.chat}. */
  public static final String CHAT_TEMPLATE = "chat_template.jinja";

  private static final KeyRules MODEL =
      new KeyRules().obeys("type", "vocab").ignores("unk_token"); // an unknown character is refused

  private static final String SELDOM = "\0\u001C\u001D\u001E\u001F~^`|\\{}$#@%*+=_<>&[]/\"\n";

  private TokenizerFile() {}

  static void write(
      Path folder, int[] codePoints, List<AddedToken> special, TokenizerSettings settings) {
    Map<String, Object> vocab = new LinkedHashMap<>();
    for (int id = 0; id < codePoints.length; id++) {
      vocab.put(Character.toString(codePoints[id]), id);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("version", "1.0");
    json.put("truncation", null);
    json.put("padding", null);
    json.put("added_tokens", special.stream().map(AddedToken::toJson).toList());
    json.put("normalizer", null);
    json.put(
        "pre_tokenizer",
        ordered(
            "type",
            "Split",
            "pattern",
            Map.of("Regex", TokenizerParts.EVERY_CHARACTER),
            "behavior",
            "Isolated",
            "invert",
            false));
    json.put("post_processor", null);
    json.put("decoder", Map.of("type", "Fuse"));
    json.put("model", ordered("type", "WordLevel", "vocab", vocab, "unk_token", "<unk>"));
    JsonObject.write(folder.resolve(NAME), json);
    Map<String, Object> description = settings.toJson();
    String pad = padding(vocab);
    description.putIfAbsent("pad_token", pad);
    description.putIfAbsent("eos_token", pad);
    JsonObject.write(folder.resolve(CLASS_FILE), description);
  }

  /**
   * The character that transformers may fill short texts up with and end texts with. It has to be
   * one of the vocabulary, for the model has no rows for others. Where it is asked to, transformers
   * leaves it out of texts for people and out of the loss, so it is one that texts hardly have;
   * else the line's end, else the first.
   */
  private static String padding(Map<String, Object> vocab) {
    return SELDOM
        .codePoints()
        .mapToObj(Character::toString)
        .filter(vocab::containsKey)
        .findFirst()
        .orElseGet(() -> vocab.keySet().iterator().next());
  }

  static Tokenizer read(Path file) {
    JsonObject json = JsonObject.read(file);
    JsonObject model = json.object("model");
    boolean merges = model.optionalList("merges").isPresent(); // GPT-2's own file has no type
    String type = merges ? model.optionalText("type").orElse("BPE") : model.text("type");
    TokenizerSettings settings = TokenizerSettings.read(file.toAbsolutePath().getParent());
    return switch (type) {
      case "BPE" -> BpeFiles.read(json, settings);
      case "WordLevel" -> readCharacters(json, settings);
      default ->
          throw new JambicException(
              Text.format(
                  "%s holds a tokenizer of the kind %s, which is not supported; BPE and WordLevel are",
                  file, ErrorText.quote(type)));
    };
  }

  private static Tokenizer readCharacters(JsonObject json, TokenizerSettings settings) {
    JsonObject model = json.object("model");
    MODEL.check(model);
    JsonObject vocab = model.object("vocab");
    int[] codePoints = new int[vocab.values().size()];
    Map<String, Integer> ids = new LinkedHashMap<>();
    Arrays.fill(codePoints, -1);
    for (String token : vocab.values().keySet()) {
      if (token.isEmpty() || token.codePointCount(0, token.length()) != 1) {
        throw new JambicException(
            Text.format(
                "%s: the token %s is not a single character, and words are not supported",
                json.where(), ErrorText.quote(token)));
      }
      int id = vocab.integer(token);
      if (id < 0 || id >= codePoints.length || codePoints[id] >= 0) {
        throw new JambicException(
            Text.format(
                "%s: the token %s has id %d, but the %d ids must be 0 to %d, each once",
                json.where(),
                ErrorText.quote(token),
                id,
                codePoints.length,
                codePoints.length - 1));
      }
      codePoints[id] = token.codePointAt(0);
      ids.put(token, id);
    }
    if (codePoints.length == 0) {
      throw new JambicException(json.where() + ": the vocabulary is empty");
    }
    TokenizerParts.check(json);
    TokenizerParts.requireCharacters(json);
    Set<String> declared = new HashSet<>();
    added(json).forEach(token -> declared.add(token.content()));
    List<AddedToken> special = new ArrayList<>();
    for (AddedToken token : AddedTokens.of(json.where(), ids, added(json), settings)) {
      if (token.special() && declared.contains(token.content()) && isPlain(token, ids)) {
        special.add(token);
      } else {
        requireCharacter(settings, token, ids);
      }
    }
    return new CharTokenizer(codePoints, special, settings);
  }

  /** Whether a token is a new one that stands for its text and nothing else. */
  private static boolean isPlain(AddedToken token, Map<String, Integer> ids) {
    boolean strips = token.lstrip() || token.rstrip() || token.singleWord();
    return !ids.containsKey(token.content()) && !strips;
  }

  /** A character may be named as an added token, which then gives it the same id. */
  private static void requireCharacter(
      TokenizerSettings settings, AddedToken token, Map<String, Integer> ids) {
    if (!Integer.valueOf(token.id()).equals(ids.get(token.content()))) {
      throw new JambicException(
          Text.format(
              "%s: the added token %s is no character of the vocabulary, and a character tokenizer has no other tokens but special ones in tokenizer.json",
              settings.where(), ErrorText.quote(token.content())));
    }
    if (token.lstrip() || token.rstrip()) {
      throw new JambicException(
          Text.format(
              "%s: the added token %s takes the white space beside it ('%s'), which is not supported for characters",
              settings.where(),
              ErrorText.quote(token.content()),
              token.lstrip() ? "lstrip" : "rstrip"));
    }
  }

  /** The tokens that a file adds to those of its model. */
  static List<AddedToken> added(JsonObject json) {
    return json.objects("added_tokens").stream()
        .map(token -> AddedToken.read(token, token.integer("id")))
        .toList();
  }

  static Map<String, Object> ordered(Object... keysAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }
}
