package jambic.train.config;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.ConfigMessage.Name;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Settings in records of records, written as one flat list of names and values: the parts of a
 * configuration have a structure in Java, and none in flags and JSON.
 */
public final class FlatRecord {
  private FlatRecord() {}

  /** A value's place: its name, and the record that has it. */
  record Leaf(RecordComponent component) {
    String name() {
      return component.getName();
    }

    Optional<Hyperparameter> annotation() {
      return Optional.ofNullable(component.getAnnotation(Hyperparameter.class));
    }
  }

  /** All values of a type of record, depth first, which is their order in JSON. */
  static List<Leaf> leaves(Class<?> type) {
    List<Leaf> leaves = new ArrayList<>();
    for (RecordComponent component : type.getRecordComponents()) {
      if (component.getType().isRecord()) {
        leaves.addAll(leaves(component.getType()));
      } else {
        leaves.add(new Leaf(component));
      }
    }
    return leaves;
  }

  /**
   * Returns the values of a record by name.
   *
   * @param record settings, perhaps of records
   * @return a fresh map in the order of JSON; choices as the text that flags use
   */
  public static Map<String, Object> toMap(Record record) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      try {
        Object value = component.getAccessor().invoke(record);
        if (value instanceof Record part) {
          map.putAll(toMap(part));
        } else {
          map.put(component.getName(), value instanceof Enum<?> e ? text(e) : value);
        }
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("a record reads its own components", e);
      }
    }
    return map;
  }

  /**
   * Makes a record of the values, or their texts, by name.
   *
   * @throws HyperparameterException if one is missing, of the wrong type or out of range
   */
  static <R extends Record> R fromMap(Class<R> type, Map<String, Object> map) {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      String name = components[i].getName();
      types[i] = components[i].getType();
      if (types[i].isRecord()) {
        values[i] = fromMap(types[i].asSubclass(Record.class), map);
      } else if (map.get(name) == null) {
        throw new HyperparameterException("%s has no value", new Name(name));
      } else {
        values[i] = parse(name, types[i], map.get(name).toString());
      }
    }
    try {
      return type.getDeclaredConstructor(types).newInstance(values);
    } catch (InvocationTargetException e) {
      throw (RuntimeException) e.getCause(); // constructors of settings throw no checked exception
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("a record has its canonical constructor", e);
    }
  }

  /**
   * Returns the names of all values of a type of record.
   *
   * @param type settings, perhaps of records
   * @return the names, in the order of JSON
   */
  public static List<String> names(Class<?> type) {
    return leaves(type).stream().map(Leaf::name).toList();
  }

  /**
   * Returns what values are.
   *
   * @param settings a type of record
   * @return a line of help for each value, by name, in the order of JSON
   */
  public static Map<String, String> descriptions(Class<? extends Record> settings) {
    Map<String, String> lines = new LinkedHashMap<>();
    for (Leaf leaf : leaves(settings)) {
      lines.put(leaf.name(), leaf.annotation().map(Hyperparameter::value).orElseThrow());
    }
    return lines;
  }

  /**
   * Makes a copy of a record with several values changed at once, checked only together.
   *
   * @param <R> the type of record
   * @param type the same
   * @param base the record
   * @param values new values, or texts of them, by name
   * @return the changed copy
   * @throws HyperparameterException if there is no such value (naming the nearest one), or it is of
   *     the wrong type or out of range
   */
  public static <R extends Record> R with(Class<R> type, R base, Map<String, ?> values) {
    Map<String, Object> all = toMap(base);
    values.forEach((name, value) -> {
      requireName(type, name);
      if (value == null) {
        throw new HyperparameterException("%s has no value; give it one", new Name(name));
      }
      all.put(name, value);
    });
    return fromMap(type, all);
  }

  /** A record as JSON: an object with every value by name. */
  static String toJson(Record record) {
    try {
      return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(toMap(record)) + "\n";
    } catch (IOException e) {
      throw new IllegalStateException("numbers and strings always have JSON", e);
    }
  }

  /**
   * Reads what a record was written as.
   *
   * @param <R> the type of record
   * @param type the same
   * @param json an object with every value by name
   * @param name what error messages call it, usually its file
   * @return the record
   * @throws JambicException if it is not JSON, or a value is unknown, missing or wrong
   */
  public static <R extends Record> R fromJson(Class<R> type, String json, String name) {
    try {
      Map<String, Object> all = former(type);
      all.putAll(JSON.std.mapFrom(json));
      all.keySet().forEach(key -> requireName(type, key));
      all.forEach(FlatRecord::requireFinite);
      return fromMap(type, all);
    } catch (IOException e) {
      throw new JambicException(
          Text.format("%s is not JSON: %s", name, ErrorText.complaint(e.getMessage())), e);
    } catch (JambicException e) {
      throw new JambicException(name + ": " + e.getMessage(), e);
    }
  }

  /** What runs did before there was a choice; their recorded configurations lack these. */
  private static Map<String, Object> former(Class<?> type) {
    Map<String, Object> former = new LinkedHashMap<>();
    for (Leaf leaf : leaves(type)) {
      Optional<String> value = leaf.annotation().map(Hyperparameter::former);
      value.filter(text -> !text.isEmpty()).ifPresent(text -> former.put(leaf.name(), text));
    }
    return former;
  }

  /** JSON has no infinite numbers, only some that are too large for 64 bits. */
  private static void requireFinite(String name, Object value) {
    if (value instanceof Double number && number.isInfinite()) {
      throw new HyperparameterException("%s is a number too large for 64 bits", new Name(name));
    }
  }

  private static void requireName(Class<?> type, String name) {
    List<String> names = names(type);
    if (!names.contains(name)) {
      throw new HyperparameterException(
          "there is no hyperparameter %s%s", name, NearestName.choice(name, names));
    }
  }

  private static Object parse(String name, Class<?> type, String text) {
    if (type == String.class) {
      return text;
    }
    try {
      if (type == int.class) {
        return Integer.valueOf(text);
      }
      if (type == long.class) {
        return Long.valueOf(text);
      }
      if (type == double.class) {
        return finite(name, text);
      }
    } catch (NumberFormatException e) {
      String kind =
          type == double.class
              ? "number"
              : Text.format(
                  "whole number of %d bits", type == int.class ? Integer.SIZE : Long.SIZE);
      throw new HyperparameterException(
          e, "%s must be a %s, not \"%s\"", new Name(name), kind, text);
    }
    List<?> choices =
        type == boolean.class ? List.of(true, false) : List.of(type.getEnumConstants());
    return choices.stream()
        .filter(choice -> text(choice).equalsIgnoreCase(text.strip()))
        .findFirst()
        .orElseThrow(() ->
            new HyperparameterException(
                "%s must be one of %s, not \"%s\"",
                new Name(name), choices.stream().map(FlatRecord::text).toList(), text));
  }

  /** Java would read a number that is too large as infinite; nobody wrote that. */
  private static Double finite(String name, String text) {
    Double value = Double.valueOf(text);
    if (value.isInfinite() && !text.contains("Infinity")) {
      throw new HyperparameterException(
          "%s must be a number of 64 bits, which %s is too large for", new Name(name), text);
    }
    return value;
  }

  /** A choice as flags and JSON spell it: {@code GELU_ERF} is {@code gelu-erf}. */
  static String text(Object choice) {
    return choice.toString().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
