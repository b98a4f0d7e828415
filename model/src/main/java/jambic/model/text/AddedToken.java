package jambic.model.text;

import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.tensor.JambicException;
import java.util.Map;

/**
 * A token that is found in a text before the text is cut into words, as Hugging Face's tokenizers
 * have it.
 *
 * @param id its id
 * @param content the text that it stands for
 * @param singleWord whether it counts only where no letter, digit or underscore touches it
 * @param lstrip whether it takes the white space before it
 * @param rstrip whether it takes the white space behind it
 * @param normalized whether it is looked for after those that are not
 * @param special whether it is a token on request only, and left out of texts for people
 */
record AddedToken(
    int id,
    String content,
    boolean singleWord,
    boolean lstrip,
    boolean rstrip,
    boolean normalized,
    boolean special) {
  private static final KeyRules RULES =
      new KeyRules()
          .obeys("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")
          .ignores("__type");

  /** A token without peculiarities. */
  static AddedToken of(int id, String content, boolean special) {
    return new AddedToken(id, content, false, false, false, !special, special);
  }

  /** The token of an object that has no id, or one that is not asked for. */
  static AddedToken read(JsonObject json, int id) {
    RULES.check(json);
    String content = json.text("content");
    if (content.isEmpty()) {
      throw new JambicException(json.where() + ": an added token must not be empty");
    }
    boolean special = json.optionalBoolean("special").orElse(true);
    return new AddedToken(
        id,
        content,
        json.optionalBoolean("single_word").orElse(false),
        json.optionalBoolean("lstrip").orElse(false),
        json.optionalBoolean("rstrip").orElse(false),
        json.optionalBoolean("normalized").orElse(!special),
        special);
  }

  AddedToken withId(int other) {
    return new AddedToken(other, content, singleWord, lstrip, rstrip, normalized, special);
  }

  AddedToken asSpecial() {
    return new AddedToken(id, content, singleWord, lstrip, rstrip, normalized, true);
  }

  /** Whether it gives a text the same ids as another, if they do not overlap with others. */
  boolean sameIds(AddedToken other) {
    return withoutPass().equals(other.withoutPass());
  }

  private AddedToken withoutPass() {
    return new AddedToken(id, content, singleWord, lstrip, rstrip, false, special);
  }

  Map<String, Object> toJson() {
    return TokenizerFile.ordered(
        "id", id,
        "content", content,
        "single_word", singleWord,
        "lstrip", lstrip,
        "rstrip", rstrip,
        "normalized", normalized,
        "special", special);
  }
}
