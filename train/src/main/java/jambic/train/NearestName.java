package jambic.train;

import java.util.Collection;
import java.util.Comparator;

/** Finds what a mistyped name probably meant. */
public final class NearestName {
  private NearestName() {}

  /**
   * The name with the fewest letters inserted, removed or replaced (Levenshtein distance).
   *
   * @param typed what was typed
   * @param names what there is, at least one
   * @return one of the names
   */
  public static String of(String typed, Collection<String> names) {
    return names.stream().min(Comparator.comparingInt(name -> distance(typed, name))).orElseThrow();
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
