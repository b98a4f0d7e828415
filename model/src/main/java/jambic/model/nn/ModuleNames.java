package jambic.model.nn;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Modules of a model as PEFT's configurations name them: a list, each entry a whole name or its end
 * after a dot, or one of Python's regular expressions that must match a whole name.
 *
 * @param ends the list; empty with an expression
 * @param expression the expression
 */
record ModuleNames(List<String> ends, Optional<String> expression) {
  /** No module. */
  static final ModuleNames NONE = of(List.of());

  ModuleNames {
    ends = List.copyOf(ends);
  }

  /** The modules of a list. */
  static ModuleNames of(List<String> ends) {
    return new ModuleNames(ends, Optional.empty());
  }

  /** The modules under a key of a file. */
  static Optional<ModuleNames> read(JsonObject json, String key) {
    if (json.values().get(key) instanceof String text) {
      PythonPattern.compile(where(json, key), text);
      return Optional.of(new ModuleNames(List.of(), Optional.of(text)));
    }
    return json.values().get(key) == null ? Optional.empty() : Optional.of(of(texts(json, key)));
  }

  /** The texts of an array, none if it is absent. */
  static List<String> texts(JsonObject json, String key) {
    List<String> texts = new ArrayList<>();
    for (Object element : json.optionalList(key).orElse(List.of())) {
      if (!(element instanceof String text)) {
        throw new JambicException(
            Text.format(
                "%s must hold names only, got %s",
                where(json, key), ErrorText.quote(String.valueOf(element))));
      }
      texts.add(text);
    }
    return texts;
  }

  static String where(JsonObject json, String key) {
    return Text.format("%s: '%s'", json.where(), key);
  }

  /** Whether a module is one of these. */
  boolean match(String module) {
    return expression
        .map(text -> PythonPattern.compile("", text).matcher(module).matches())
        .orElseGet(() -> hasName(module) || ends.stream().anyMatch(e -> module.endsWith("." + e)));
  }

  /** Whether the list has the whole name of a module. */
  boolean hasName(String module) {
    return ends.contains(module);
  }

  boolean isEmpty() {
    return ends.isEmpty() && expression.filter(text -> !text.isEmpty()).isEmpty();
  }

  /** What {@link #read} reads. */
  Object toJson() {
    return expression.isPresent() ? expression.get() : ends;
  }
}
