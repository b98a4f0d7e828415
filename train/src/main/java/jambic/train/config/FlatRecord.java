package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.tensor.text.Text;
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
final class FlatRecord {
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

  /** The values of a record by name; choices as the text that flags use. */
  static Map<String, Object> toMap(Record record) {
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
