package jambic.train.metric;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Counts the runs of n words or characters of a text. */
final class NGrams {
  private NGrams() {}

  /** Runs of words that have no white space in them; each is the words with spaces between. */
  static Map<String, Integer> ofWords(List<String> words, int n) {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i + n <= words.size(); i++) {
      counts.merge(String.join(" ", words.subList(i, i + n)), 1, Integer::sum);
    }
    return counts;
  }

  /** Runs of Unicode code points. */
  static Map<String, Integer> ofCharacters(String text, int n) {
    int[] codePoints = text.codePoints().toArray();
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i + n <= codePoints.length; i++) {
      counts.merge(new String(codePoints, i, n), 1, Integer::sum);
    }
    return counts;
  }

  /** How many there are, repeated ones counted again. */
  static long total(Map<String, Integer> counts) {
    return counts.values().stream().mapToLong(Integer::longValue).sum();
  }

  /** How many of the first are in the second, each as often as both have it. */
  static long matches(Map<String, Integer> first, Map<String, Integer> second) {
    return first.entrySet().stream()
        .mapToLong(gram -> Math.min(gram.getValue(), second.getOrDefault(gram.getKey(), 0)))
        .sum();
  }
}
