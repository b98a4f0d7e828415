package jambic.serve.openai;

import jambic.model.io.ErrorText;
import jambic.serve.http.HttpError;
import jambic.tensor.text.Text;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The fields of a request. One that is null is absent; one of the wrong type or out of its range is
 * refused by its name.
 *
 * @param values the JSON object
 */
record Fields(Map<String, Object> values) {
  Optional<Object> value(String name) {
    return Optional.ofNullable(values.get(name));
  }

  Optional<String> text(String name) {
    return value(name)
        .map(value -> {
          if (value instanceof String text) {
            return text;
          }
          throw wrong(name, "a text", value);
        });
  }

  boolean flag(String name) {
    return value(name)
        .map(value -> {
          if (value instanceof Boolean flag) {
            return flag;
          }
          throw wrong(name, "true or false", value);
        })
        .orElse(false);
  }

  Optional<Float> number(String name, double least, double most) {
    return value(name).map(value -> number(name, value, least, most));
  }

  static float number(String name, Object value, double least, double most) {
    if (value instanceof Number number
        && number.doubleValue() >= least
        && number.doubleValue() <= most) {
      return number.floatValue();
    }
    throw wrong(name, "a number from " + plain(least) + " to " + plain(most), value);
  }

  OptionalInt integer(String name, int least, int most) {
    Optional<Object> value = value(name);
    return value.isEmpty()
        ? OptionalInt.empty()
        : OptionalInt.of(integer(name, value.get(), least, most));
  }

  static int integer(String name, Object value, int least, int most) {
    if (whole(value) && ((Number) value).doubleValue() >= least) {
      if (((Number) value).doubleValue() <= most) {
        return ((Number) value).intValue();
      }
    }
    throw wrong(
        name,
        most == Integer.MAX_VALUE
            ? "an integer of " + least + " or more"
            : "an integer from " + least + " to " + most,
        value);
  }

  Optional<Long> seed(String name) {
    return value(name)
        .map(value -> {
          if (whole(value) && Math.abs(((Number) value).doubleValue()) < 0x1p63) {
            return ((Number) value).longValue();
          }
          throw wrong(name, "an integer of 64 bits", value);
        });
  }

  /** JavaScript and others may write 2 as 2.0. */
  private static boolean whole(Object value) {
    return value instanceof Number number
        && number.doubleValue() == Math.rint(number.doubleValue());
  }

  Optional<List<?>> list(String name) {
    return value(name)
        .map(value -> {
          if (value instanceof List<?> list) {
            return list;
          }
          throw wrong(name, "an array", value);
        });
  }

  @SuppressWarnings("unchecked") // the names of a JSON object are strings
  Optional<Fields> object(String name) {
    return value(name)
        .map(value -> {
          if (value instanceof Map<?, ?> map) {
            return new Fields((Map<String, Object>) map);
          }
          throw wrong(name, "an object", value);
        });
  }

  static HttpError wrong(String name, String wanted, Object value) {
    String given = value instanceof String text ? ErrorText.quote(text) : describe(value);
    return HttpError.ofField(name, Text.format("'%s' must be %s, got %s", name, wanted, given));
  }

  private static String describe(Object value) {
    return switch (value) {
      case List<?> _ -> "an array";
      case Map<?, ?> _ -> "an object";
      default -> ErrorText.complaint(String.valueOf(value));
    };
  }

  private static String plain(double value) {
    return new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
  }
}
