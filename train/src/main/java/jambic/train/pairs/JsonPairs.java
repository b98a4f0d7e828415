package jambic.train.pairs;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.JsonLines;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Takes pairs from JSON objects, as Hugging Face's datasets have them. */
final class JsonPairs {
  private static final String NESTED = "translation";
  private static final LanguagePair BY_SIDE = new LanguagePair("source", "target");

  private final Optional<LanguagePair> languages;

  JsonPairs(Optional<LanguagePair> languages) {
    this.languages = languages;
  }

  /** The pair of a line. */
  Pair pair(String line) {
    if (!(JsonLines.value(line) instanceof Map<?, ?> object)) {
      throw new JambicException("this is no JSON object; give one a line");
    }
    Map<?, ?> texts = object.get(NESTED) instanceof Map<?, ?> nested ? nested : object;
    LanguagePair keys = languages.orElse(BY_SIDE);
    return new Pair(text(texts, keys.source()), text(texts, keys.target()));
  }

  private String text(Map<?, ?> texts, String key) {
    Object value = texts.get(key);
    if (!(value instanceof String text)) {
      String keys = texts.keySet().stream().map(String::valueOf).collect(Collectors.joining(", "));
      throw new JambicException(
          Text.format(
              "there is no text under the key %s, and the keys are %s; %s",
              ErrorText.quote(key),
              ErrorText.quote(keys),
              languages.isPresent()
                  ? "every line needs both languages"
                  : "name two of them, as in --source-lang fr --target-lang en"));
    }
    if (text.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF)) { // UTF-8 has no bytes for it
      throw new JambicException(
          Text.format(
              "the text of %s has half of a surrogate pair (\\uD800 to \\uDFFF), which is no character; remove it",
              ErrorText.quote(key)));
    }
    return text;
  }
}
