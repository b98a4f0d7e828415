package jambic.app.align;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Rows to learn from and rows to measure with.
 *
 * @param train what to learn from
 * @param valid what to measure with
 */
record HeldOut<T>(List<T> train, List<T> valid) {
  private static final int ONE_IN = 20;

  /**
   * Rows of a file of their own to measure with, or some of these that are held back.
   *
   * @param like what rows have in common that stay together
   */
  static <T> HeldOut<T> of(Path file, List<T> rows, Optional<List<T>> valid, Function<T, ?> like) {
    return valid.map(held -> new HeldOut<>(rows, held)).orElseGet(() -> split(file, rows, like));
  }

  /**
   * Every twentieth of a file's rows is held back, and all that is alike: answers to one prompt
   * stay together.
   */
  private static <T> HeldOut<T> split(Path file, List<T> rows, Function<T, ?> like) {
    List<T> train = new ArrayList<>();
    List<T> valid = new ArrayList<>();
    Map<Object, Boolean> held = new HashMap<>();
    for (T row : rows) {
      Object key = like.apply(row);
      boolean last = held.computeIfAbsent(key, _ -> held.size() % ONE_IN == ONE_IN / 2);
      (last ? valid : train).add(row);
    }
    if (valid.isEmpty() && train.size() > 1) {
      valid.add(train.removeLast());
    }
    if (valid.isEmpty() || train.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s has %s that can be used, too few to learn from some and to measure with others; give more, or others to measure with by --valid",
              file, ErrorText.count(rows.size(), "row")));
    }
    return new HeldOut<>(train, valid);
  }
}
