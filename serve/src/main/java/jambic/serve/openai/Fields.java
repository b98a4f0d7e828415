package jambic.serve.openai;

import jambic.model.io.ErrorText;
import jambic.serve.http.HttpError;
import jambic.tensor.text.Text;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The fields of a request, or of an object in it. One that is null is absent; one of the wrong type
 * or out of its range is refused by its name.
 *
 * @param within what stands before the names in messages: nothing, or the name of the object and a
 *     dot
 * @param values the JSON object
 */
record Fields(String within, Map<String, Object> values) {
  private static final BigDecimal LEAST_LONG = BigDecimal.valueOf(Long.MIN_VALUE);
  private static final BigDecimal MOST_LONG = BigDecimal.valueOf(Long.MAX_VALUE);

  Fields(Map<String, Object> values) {
    this("", values);
  }

  Optional<Object> value(String name) {
    return Optional.ofNullable(values.get(name));
  }

  Optional<String> text(String name) {
    return value(name)
        .map(value -> {
          if (value instanceof String text) {
            return text;
          }
          throw wrong(within + name, "a text", value);
        });
  }

  boolean flag(String name) {
    return value(name)
        .map(value -> {
          if (value instanceof Boolean flag) {
            return flag;
          }
          throw wrong(within + name, "true or false", value);
        })
        .orElse(false);
  }

  Optional<Float> number(String name, double least, double most) {
    return value(name).map(value -> number(within + name, value, least, most));
  }

  static float number(String name, Object value, double least, double most) {
    if (value instanceof Number number
        && number.doubleValue() >= least
        && number.doubleValue() <= most) {
      return number.floatValue();
    }
    throw wrong(name, "a number from " + plain(least) + " to " + plain(most), value);
  }

  /** A number of which 0 makes no sense, however it is rounded. */
  Optional<Float> positive(String name, double most) {
    return value(name)
        .map(value -> {
          if (value instanceof Number number
              && number.floatValue() > 0
              && number.doubleValue() <= most) {
            return number.floatValue();
          }
          throw wrong(within + name, "a number above 0 and up to " + plain(most), value);
        });
  }

  OptionalInt integer(String name, int least, int most) {
    Optional<Object> value = value(name);
    return value.isEmpty()
        ? OptionalInt.empty()
        : OptionalInt.of(integer(within + name, value.get(), least, most));
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

  /** An integer of 64 bits, to which some can be added. */
  Optional<Long> seed(String name, int added) {
    return value(name)
        .map(value -> {
          if (whole(value)) {
            BigDecimal exact = exact((Number) value);
            if (exact.compareTo(LEAST_LONG) >= 0
                && exact.compareTo(MOST_LONG.subtract(BigDecimal.valueOf(added))) <= 0) {
              return exact.longValue();
            }
          }
          throw wrong(
              within + name,
              Text.format(
                  "an integer from %d to %d%s",
                  Long.MIN_VALUE,
                  Long.MAX_VALUE - added,
                  added == 0 ? "" : ", as answer i has the seed " + name + " + i"),
              value);
        });
  }

  private static BigDecimal exact(Number number) {
    return switch (number) {
      case BigInteger big -> new BigDecimal(big);
      case Double real -> new BigDecimal(real);
      default -> new BigDecimal(number.toString());
    };
  }

  /** JavaScript and others may write 2 as 2.0. */
  private static boolean whole(Object value) {
    return value instanceof Number number
        && Double.isFinite(number.doubleValue())
        && number.doubleValue() == Math.rint(number.doubleValue());
  }

  Optional<List<?>> list(String name) {
    return value(name)
        .map(value -> {
          if (value instanceof List<?> list) {
            return list;
          }
          throw wrong(within + name, "an array", value);
        });
  }

  @SuppressWarnings("unchecked") // the names of a JSON object are strings
  Optional<Fields> object(String name) {
    return value(name)
        .map(value -> {
          if (value instanceof Map<?, ?> map) {
            return new Fields(within + name + ".", (Map<String, Object>) map);
          }
          throw wrong(within + name, "an object", value);
        });
  }

  static HttpError wrong(String name, String wanted, Object value) {
    String given = value instanceof String text ? ErrorText.quote(text) : describe(value);
    return HttpError.ofField(name, Text.format("'%s' must be %s, got %s", name, wanted, given));
  }

  private static String describe(Object value) {
    return switch (value) {
      case null -> "null";
      case List<?> list when list.isEmpty() -> "an empty array";
      case List<?> _ -> "an array";
      case Map<?, ?> _ -> "an object";
      default -> ErrorText.complaint(String.valueOf(value));
    };
  }

  private static String plain(double value) {
    return new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
  }
}
