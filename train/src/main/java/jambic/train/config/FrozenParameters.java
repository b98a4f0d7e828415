package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which parts of a model keep their weights in training, by GPT-2's names with commas between them:
 * {@code wte,wpe,h.0-5,h.*.ln_1}. A range stands for its numbers, a star for any name.
 *
 * @param parts the names
 */
record FrozenParameters(List<String> parts) {
  /** Nothing is frozen. */
  static final String NONE = "none";

  private static final Pattern RANGE = Pattern.compile("(\\d{1,9})-(\\d{1,9})");

  /** Reads the list of parts. */
  static FrozenParameters of(String text) {
    return new FrozenParameters(
        text.strip().equals(NONE)
            ? List.of()
            : Arrays.stream(text.split(",")).map(String::strip).toList());
  }

  /** Whether a parameter belongs to a frozen part. */
  boolean covers(String parameter) {
    return parts.stream().anyMatch(part -> covers(part, parameter));
  }

  /**
   * Refuses a part that a model does not have, a range that goes beyond its last block, and a model
   * of which nothing is left to train.
   *
   * @param parameters the names of all its parameters
   * @throws HyperparameterException if one of these is so
   */
  void requireIn(Set<String> parameters) {
    for (String part : parts) {
      String end = RANGE.matcher(part).replaceAll("$2");
      for (String wanted : List.of(part, end)) {
        if (parameters.stream().noneMatch(name -> covers(wanted, name))) {
          int last = lastBlock(parameters);
          throw new HyperparameterException(
              "%s names \"%s\", %s no part of the model; parts are wte, wpe, %s, h.0.attn,"
                  + " h.*.mlp.c_fc, ln_f and, where it is not tied to wte, lm_head",
              new Name("freeze"),
              part,
              wanted.equals(part) ? "which is" : "but \"" + end + "\" is",
              last == 0 ? "h.0" : Text.format("h.0 to h.%d, h.0-%1$d", last));
        }
      }
    }
    if (parameters.stream().allMatch(this::covers)) {
      throw new HyperparameterException(
          "%s leaves nothing of the model to train", new Name("freeze"));
    }
  }

  private static int lastBlock(Set<String> parameters) {
    return parameters.stream()
        .filter(name -> name.startsWith("h."))
        .mapToInt(name -> Integer.parseInt(name.split("\\.")[1]))
        .max()
        .orElseThrow();
  }

  /** A part is a layer or more, never one tensor of a layer. */
  private static boolean covers(String part, String parameter) {
    String[] wanted = part.split("\\.");
    String[] name = parameter.split("\\.");
    if (wanted.length >= name.length) {
      return false;
    }
    for (int i = 0; i < wanted.length; i++) {
      if (!covers(wanted[i], name[i], RANGE.matcher(wanted[i]))) {
        return false;
      }
    }
    return true;
  }

  private static boolean covers(String wanted, String name, Matcher range) {
    if (range.matches() && name.matches("\\d{1,9}")) {
      int number = Integer.parseInt(name);
      return Integer.parseInt(range.group(1)) <= number
          && number <= Integer.parseInt(range.group(2));
    }
    return wanted.equals("*") || wanted.equals(name);
  }
}
