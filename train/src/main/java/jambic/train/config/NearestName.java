package jambic.train.config;

import jambic.tensor.text.Text;
import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds what a mistyped name probably meant. */
public final class NearestName {
  private static final int LEAST_BEGINNING = 3;

  private NearestName() {}

  /**
   * The name with the fewest letters inserted, removed or replaced (Levenshtein distance): at most
   * a third of those typed, else nobody meant it. A name that goes on after all that was typed
   * counts as near, too.
   *
   * @param typed what was typed; hyphens before it, as an option has them, are no letters
   * @param names what there is
   * @return one of the names, empty if none is near
   */
  public static Optional<String> of(String typed, Collection<String> names) {
    int letters = typed.replaceFirst("^-+", "").length();
    return names.stream()
        .min(Comparator.comparingInt(name -> distance(typed, name)))
        .filter(name -> distance(typed, name) <= Math.ceilDiv(letters, 3))
        .or(() ->
            names.stream()
                .filter(name -> letters >= LEAST_BEGINNING && name.startsWith(typed))
                .min(Comparator.naturalOrder()));
  }

  /**
   * What follows the sentence that there is no such name: all that there are.
   *
   * @param typed as for {@link #of}
   * @param names as for {@link #of}
   * @return {@code "; did you mean B? There are A, B"}, or {@code "; there are A, B"}
   */
  public static String choice(String typed, Collection<String> names) {
    String question = question(typed, names);
    return question
        + (question.isEmpty() ? "; there are " : " There are ")
        + String.join(", ", names);
  }

  /**
   * The nearest name as a question.
   *
   * @param typed as for {@link #of}
   * @param names as for {@link #of}
   * @return {@code "; did you mean NAME?"}, or nothing if no name is near
   */
  public static String question(String typed, Collection<String> names) {
    return of(typed, names).map(value -> Text.format("; did you mean %s?", value)).orElse("");
  }

  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1]; // distances of a's prefix to each prefix of b
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j - 1], row[j]));
      }
    }
    return row[b.length()];
  }
}
