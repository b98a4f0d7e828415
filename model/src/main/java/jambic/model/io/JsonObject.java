package jambic.model.io;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import com.fasterxml.jackson.jr.ob.JSON;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A JSON object of a file; what is missing or of the wrong type is reported by file and key.
 *
 * @param where how errors name the object
 * @param values the members; a JSON null is absent to every getter
 */
public record JsonObject(String where, Map<String, Object> values) {
  private static final long LONGEST = 64L << 20;
  private static final JSON READER =
      new JSON(
              new JsonFactoryBuilder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(100).build())
                  // Python writes NaN and Infinity; whoever reads the number refuses them.
                  .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                  .build())
          .with(JSON.Feature.FAIL_ON_DUPLICATE_MAP_KEYS);
  private static final JSON WRITER =
      JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT, JSON.Feature.WRITE_NULL_PROPERTIES);

  /** Reads a file that holds one JSON object. */
  public static JsonObject read(Path file) {
    try {
      long size = Files.size(file);
      if (size > LONGEST) {
        throw new JambicException(
            file + " is " + size + " bytes long, more than the " + LONGEST + " a description has");
      }
      // An editor's byte order mark is no part of the text.
      String text = Files.readString(file).replaceFirst("^\uFEFF", "");
      return new JsonObject(file.toString(), only(text, file));
    } catch (JacksonException e) {
      String where =
          Optional.ofNullable(e.getLocation())
              .map(at -> Text.format(" (line %d, column %d)", at.getLineNr(), at.getColumnNr()))
              .orElse("");
      throw new JambicException(
          Text.format(
              "%s is not a valid JSON object%s: %s",
              file, where, ErrorText.complaint(e.getOriginalMessage())),
          e);
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    }
  }

  /** The object that is all there is in a text. */
  private static Map<String, Object> only(String text, Path file) throws IOException {
    try (JsonParser parser = new Finite(READER.createParser(text))) {
      JsonToken first = parser.nextToken();
      if (first != JsonToken.START_OBJECT) {
        throw new JambicException(
            Text.format(
                "%s is not a valid JSON object: it %s",
                file, first == null ? "is empty" : "holds " + kind(first)));
      }
      Map<String, Object> values = READER.mapFrom(parser);
      if (parser.nextToken() != null) {
        throw new JsonParseException(parser, "something follows the object");
      }
      return values;
    }
  }

  /** Refuses numbers that would be read as infinite ones; Python's Infinity is one by itself. */
  private static final class Finite extends JsonParserDelegate {
    Finite(JsonParser parser) {
      super(parser);
    }

    @Override
    public double getDoubleValue() throws IOException {
      return finite(super.getDoubleValue());
    }

    @Override
    public Number getNumberValue() throws IOException {
      Number value = super.getNumberValue();
      finite(value.doubleValue());
      return value;
    }

    private double finite(double value) throws IOException {
      if (Double.isInfinite(value) && !getText().contains("Inf")) {
        throw new JsonParseException(
            this, "the number " + getText() + " is larger than any of 64 bits");
      }
      return value;
    }
  }

  private static String kind(JsonToken token) {
    return switch (token) {
      case START_ARRAY -> "an array";
      case VALUE_STRING -> "a text";
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
      default -> token.asString(); // null, true, false
    };
  }

  /** Writes a file of indented JSON. */
  public static void write(Path file, Map<String, ?> values) {
    try {
      Files.writeString(file, WRITER.asString(values) + "\n");
    } catch (IOException e) {
      throw new JambicException("cannot write " + file + ": " + ErrorText.reason(e), e);
    }
  }

  /** The integer under a key that must be there. */
  public int integer(String key) {
    return optionalInteger(key).orElseThrow(() -> missing(key));
  }

  /** The integer under a key. */
  public Optional<Integer> optionalInteger(String key) {
    return value(key, Integer.class, "an integer of 32 bits");
  }

  /** The number under a key. */
  public Optional<Float> optionalFloat(String key) {
    return value(key, Number.class, "a number").map(Number::floatValue);
  }

  /** The truth value under a key. */
  public Optional<Boolean> optionalBoolean(String key) {
    return value(key, Boolean.class, "true or false");
  }

  /** The text under a key that must be there. */
  public String text(String key) {
    return optionalText(key).orElseThrow(() -> missing(key));
  }

  /** The text under a key. */
  public Optional<String> optionalText(String key) {
    return value(key, String.class, "text");
  }

  /** The array under a key. */
  public Optional<List<?>> optionalList(String key) {
    return value(key, List.class, "an array").map(list -> (List<?>) list);
  }

  /** The object under a key that must be there. */
  public JsonObject object(String key) {
    return optionalObject(key).orElseThrow(() -> missing(key));
  }

  /** The object under a key. */
  @SuppressWarnings("unchecked") // the keys of a JSON object are strings
  public Optional<JsonObject> optionalObject(String key) {
    return value(key, Map.class, "an object")
        .map(members -> new JsonObject(where + ": " + key, (Map<String, Object>) members));
  }

  /** The objects in the array under a key, none if it is not there. */
  @SuppressWarnings("unchecked") // the keys of a JSON object are strings
  public List<JsonObject> objects(String key) {
    List<JsonObject> objects = new ArrayList<>();
    for (Object one : optionalList(key).orElse(List.of())) {
      String place =
          Text.format("%s: entry %d of %s", where, objects.size() + 1, ErrorText.quote(key));
      if (!(one instanceof Map<?, ?> members)) {
        throw new JambicException(place + " must be an object");
      }
      objects.add(new JsonObject(place, (Map<String, Object>) members));
    }
    return objects;
  }

  private <T> Optional<T> value(String key, Class<T> type, String wanted) {
    Object value = values.get(key);
    if (value != null && !type.isInstance(value)) {
      throw new JambicException(
          Text.format(
              "%s: %s must be %s, got %s",
              where, ErrorText.quote(key), wanted, ErrorText.quote(String.valueOf(value))));
    }
    return Optional.ofNullable(type.cast(value));
  }

  private JambicException missing(String key) {
    return new JambicException(where + " lacks the key " + ErrorText.quote(key));
  }
}
