package jambic.model.io;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Says of every key of a JSON object that another program may have written what becomes of it: it
 * is obeyed, it changes no id and no number, it is supported with certain values only, or the file
 * is refused by the key's name. A reader holds its rules as a constant and checks a file with them
 * before it reads any value, so that nothing is passed over in silence.
 *
 * <p>A null stands for an absent key, whatever the rule.
 */
public final class KeyRules {
  private final Set<String> accepted = new HashSet<>();
  private final Map<String, List<Object>> supported = new HashMap<>();
  private final Map<String, String> remedies = new HashMap<>();

  /** Declares keys whose values the reader obeys, or refuses itself. */
  public KeyRules obeys(String... keys) {
    accepted.addAll(Arrays.asList(keys));
    return this;
  }

  /** Declares keys that change neither ids nor numbers, whatever their values. */
  public KeyRules ignores(String... keys) {
    accepted.addAll(Arrays.asList(keys));
    return this;
  }

  /**
   * Declares a key that may have certain values only: those with which the result is the one that
   * is computed here. Numbers are compared by value, so that 0 and 0.0 are the same.
   */
  public KeyRules supports(String key, Object... values) {
    supported.put(key, Arrays.stream(values).map(KeyRules::comparable).toList());
    return this;
  }

  /** Declares the same of a key where something else helps than to write another value. */
  public KeyRules supportsOr(String remedy, String key, Object... values) {
    remedies.put(key, remedy);
    return supports(key, values);
  }

  /**
   * Checks all keys of an object.
   *
   * @throws JambicException if one is unknown, or has a value that is not supported
   */
  public void check(JsonObject json) {
    json.values()
        .forEach((key, value) -> {
          if (value == null || accepted.contains(key)) {
            return;
          }
          List<Object> values = supported.get(key);
          if (values == null) {
            throw new JambicException(
                Text.format(
                    "%s: the key %s is not known, so what it asks for cannot be obeyed; remove it if"
                        + " it changes no result",
                    json.where(), ErrorText.quote(key)));
          }
          if (!values.contains(comparable(value))) {
            throw new JambicException(
                Text.format(
                    "%s: '%s' is %s, which is not supported; %s",
                    json.where(),
                    key,
                    ErrorText.quote(value.toString()),
                    remedies.getOrDefault(key, only(values))));
          }
        });
  }

  private static Object comparable(Object value) {
    return value instanceof Number number ? (Object) number.doubleValue() : value;
  }

  private static String only(List<Object> values) {
    return values.isEmpty()
        ? "leave it out"
        : values.stream().map(KeyRules::shown).collect(Collectors.joining(" or ")) + " is";
  }

  private static String shown(Object value) {
    return switch (value) {
      case String text -> ErrorText.quote(text);
      case Double number when number == Math.rint(number) -> Long.toString(number.longValue());
      default -> value.toString();
    };
  }
}
