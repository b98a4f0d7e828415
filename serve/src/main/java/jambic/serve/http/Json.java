package jambic.serve.http;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.jr.ob.JSON;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/** JSON of requests and answers. */
public final class Json {
  private static final JSON JR =
      new JSON(
              new JsonFactoryBuilder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(100).build())
                  .build())
          .with(JSON.Feature.FAIL_ON_DUPLICATE_MAP_KEYS, JSON.Feature.WRITE_NULL_PROPERTIES);

  private Json() {}

  /** Writes maps, lists, texts, numbers, truth values and nulls. */
  public static String text(Object value) {
    try {
      return JR.asString(value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads one object.
   *
   * @throws HttpError if there is anything else
   */
  public static Map<String, Object> object(byte[] body) {
    try (JsonParser parser = JR.createParser(body)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw HttpError.of(400, "the body must be a JSON object");
      }
      Map<String, Object> values = JR.mapFrom(parser);
      if (parser.nextToken() != null) {
        throw HttpError.of(400, "something follows the JSON object of the body");
      }
      return values;
    } catch (StreamConstraintsException e) {
      throw HttpError.of(400, "the body is nested too deeply, or has a name or number too long");
    } catch (JacksonException e) {
      JsonLocation at = e.getLocation();
      throw HttpError.of(
          400,
          at == null
              ? "the body is not valid JSON"
              : Text.format(
                  "the body is not valid JSON at line %d, column %d",
                  at.getLineNr(), at.getColumnNr()));
    } catch (IOException e) {
      throw HttpError.of(400, "the body is not valid JSON: it is not UTF-8");
    }
  }
}
