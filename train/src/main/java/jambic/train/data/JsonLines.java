package jambic.train.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.jr.ob.JSON;
import com.fasterxml.jackson.jr.ob.JSONObjectException;
import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** JSON Lines: a file with a JSON object a line, of which one field may be a text. */
public final class JsonLines {
  /**
   * A line may be as long as a text. Fields that are not the text may hold whatever Python writes:
   * NaN, long numbers and names, lists as deep as it follows them. They are only passed over.
   */
  private static final JsonFactory FACTORY =
      new JsonFactoryBuilder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxNestingDepth(100_000)
                  .build())
          .build();

  /** Of whole values, which are read with recursion, so that these must not be deep. */
  private static final JsonFactory VALUES =
      new JsonFactoryBuilder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS) // Python writes them
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
          .build();

  private static final JSON VALUE_READER =
      new JSON(VALUES).with(JSON.Feature.FAIL_ON_DUPLICATE_MAP_KEYS);
  private static final List<String> ENDINGS = List.of(".jsonl", ".ndjson");
  private static final int FIRST_LINES = 10;

  private JsonLines() {}

  /**
   * Refuses JSON Lines where a plain text is expected: braces and names of fields would be learned.
   * They are told by the file's name, or because its first lines, two at least, are JSON objects
   * that have a text in a field of the same name. Any other text may begin with a brace.
   *
   * @param text is read from its beginning, but not to its end
   * @param name of the file
   * @throws JambicException if it is JSON Lines, saying how to name the field
   */
  public static void requirePlain(Reader text, String name) {
    Set<String> fields = commonTexts(text);
    boolean named = ENDINGS.stream().anyMatch(name.toLowerCase(Locale.ROOT)::endsWith);
    if (named || !fields.isEmpty()) {
      String field = fields.contains("text") ? "text" : fields.stream().findFirst().orElse("NAME");
      throw new ConfigException(
          "%s is JSON Lines%s; choose the field that is the text with %s, such as '%s', or '' to take the lines as they stand",
          name,
          fields.isEmpty() ? " by its name" : ", an object a line",
          new Name("textField", "Texts.field"),
          field);
    }
  }

  /** The fields that are texts in each of the first lines; none if these are not JSON Lines. */
  private static Set<String> commonTexts(Reader text) {
    Set<String> common = new LinkedHashSet<>();
    try (BufferedReader reader = new BufferedReader(text);
        JsonParser parser = FACTORY.createParser(withoutMark(reader))) {
      int lastLine = 0;
      for (int count = 0; count < FIRST_LINES; count++) {
        JsonToken token = parser.nextToken();
        if (token == null) {
          return count > 1 ? common : Set.of();
        }
        int line = parser.currentTokenLocation().getLineNr();
        if (token != JsonToken.START_OBJECT || line == lastLine) {
          return Set.of();
        }
        Set<String> texts = texts(parser);
        lastLine = line;
        if (parser.currentLocation().getLineNr() != line) { // an object over several lines
          return Set.of();
        }
        if (count == 0) {
          common.addAll(texts);
        } else {
          common.retainAll(texts);
        }
      }
      return common;
    } catch (IOException noJson) {
      return Set.of();
    }
  }

  private static Reader withoutMark(BufferedReader reader) throws IOException {
    reader.mark(1);
    if (reader.read() != TextFile.MARK) {
      reader.reset();
    }
    return reader;
  }

  /** The fields of an object that are texts; nothing else is kept of it, however long it is. */
  private static Set<String> texts(JsonParser parser) throws IOException {
    Set<String> texts = new LinkedHashSet<>();
    for (String field; (field = parser.nextFieldName()) != null; ) {
      JsonToken value = parser.nextToken();
      if (value == JsonToken.VALUE_STRING) {
        texts.add(field);
      }
      parser.skipChildren();
    }
    return texts;
  }

  /**
   * The text in a line.
   *
   * @param line one of JSON Lines
   * @param field whose value is the text
   * @return the text
   * @throws JambicException if the line is no JSON object or has no text in that field
   */
  static String text(String line, String field) {
    try (JsonParser parser = FACTORY.createParser(TextFile.withoutMark(line))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new JambicException(
            "this is no JSON object; give one a line, with the field " + field);
      }
      List<String> texts = new ArrayList<>();
      Set<String> names = new LinkedHashSet<>();
      for (String name; (name = parser.nextFieldName()) != null; ) {
        names.add(name);
        JsonToken value = parser.nextToken();
        if (name.equals(field)) {
          if (value != JsonToken.VALUE_STRING) {
            throw new JambicException(
                Text.format("the field %s is no text but %s", ErrorText.quote(field), kind(value)));
          }
          texts.add(parser.getText());
        }
        parser.skipChildren();
      }
      requireEnd(parser);
      return only(texts, field, names);
    } catch (IOException e) {
      throw new JambicException("this is not valid JSON", e);
    }
  }

  private static String only(List<String> texts, String field, Set<String> names) {
    if (texts.isEmpty()) {
      throw new JambicException(
          Text.format(
              "there is no field %s, but %s",
              ErrorText.quote(field), names.isEmpty() ? "none at all" : String.join(", ", names)));
    }
    if (texts.size() > 1) {
      throw new JambicException(
          Text.format(
              "the field %s comes %d times; keep one", ErrorText.quote(field), texts.size()));
    }
    String text = texts.getFirst();
    if (text.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF)) { // UTF-8 has no bytes for it
      throw new JambicException(
          Text.format(
              "the field %s has half of a surrogate pair (\\uD800 to \\uDFFF), which is no character; remove it",
              ErrorText.quote(field)));
    }
    return text;
  }

  private static void requireEnd(JsonParser parser) throws IOException {
    if (parser.nextToken() != null) {
      throw new JambicException("something follows the first value; give one a line");
    }
  }

  /**
   * The value in a line.
   *
   * @param line one value of JSON
   * @return the value as Java has it; empty for null
   * @throws JambicException if it is not JSON, has a key twice, or something follows
   */
  public static Object value(String line) {
    try (JsonParser parser = VALUES.createParser(line)) {
      Object value = VALUE_READER.anyFrom(parser);
      requireEnd(parser);
      return Optional.ofNullable(value).orElse(Optional.empty());
    } catch (IOException e) {
      boolean twice = e instanceof JSONObjectException; // of what is valid JSON else
      throw new JambicException(
          twice ? "an object has a key twice; keep one" : "this is not valid JSON", e);
    }
  }

  private static String kind(JsonToken value) {
    return switch (value) {
      case VALUE_NULL -> "null";
      case START_OBJECT -> "an object";
      case START_ARRAY -> "a list";
      case VALUE_TRUE, VALUE_FALSE -> "true or false";
      default -> "a number";
    };
  }
}
