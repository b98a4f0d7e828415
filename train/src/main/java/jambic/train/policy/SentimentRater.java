package jambic.train.policy;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.JsonLines;
import jambic.train.data.TextFile;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Scores how friendly an answer is by a list of words: the sum of the words' values divided by the
 * number of words, so that a long answer gains nothing by its length. Of phrases in the list the
 * longest counts. A negation is not understood, unless the list has the phrase.
 */
public final class SentimentRater implements Rater {
  private static final Pattern WORD =
      Pattern.compile("[\\p{L}\\p{M}\\p{N}]+(?:['-][\\p{L}\\p{M}\\p{N}]+)*");

  private final Map<String, Double> values = new HashMap<>(); // words of a phrase by one space
  private int longest = 1; // words of a phrase

  private SentimentRater() {}

  /**
   * Reads a list of words, such as AFINN: a word or phrase, a tab and a number on each line, or a
   * JSON object of words and numbers. Upper and lower case are the same.
   *
   * @param file the list
   * @return the rater
   * @throws JambicException if the file cannot be read, or a line is not like that
   */
  public static SentimentRater read(Path file) {
    String text = TextFile.read(file);
    SentimentRater rater = new SentimentRater();
    if (text.stripLeading().startsWith("{")) {
      json(text, file).forEach((word, value) -> rater.add(file.toString(), word, number(value)));
    } else {
      List<String> lines = text.lines().toList();
      for (int i = 0; i < lines.size(); i++) {
        if (!lines.get(i).isBlank()) {
          String[] fields = lines.get(i).split("\t", -1);
          String where = file + ":" + (i + 1);
          rater.add(where, fields[0], fields.length == 2 ? number(fields[1]) : Optional.empty());
        }
      }
    }
    if (rater.values.isEmpty()) {
      throw new JambicException(file + " has no words; give a word, a tab and a number a line");
    }
    return rater;
  }

  private static Map<String, Object> json(String text, Path file) {
    try {
      Map<String, Object> words = new HashMap<>();
      ((Map<?, ?>) JsonLines.value(text)).forEach((word, value) -> words.put("" + word, value));
      return words;
    } catch (JambicException e) {
      throw new JambicException(file + ": " + e.getMessage(), e);
    }
  }

  private static Optional<Double> number(Object value) {
    try {
      return Optional.of(Double.valueOf(String.valueOf(value).strip())).filter(Double::isFinite);
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private void add(String where, String phrase, Optional<Double> value) {
    List<String> words = words(phrase);
    if (words.isEmpty() || value.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s: %s has no letters or no value; give a word, a tab and a number a line",
              where, ErrorText.quote(phrase)));
    }
    Double before = values.put(String.join(" ", words), value.get());
    if (before != null && !before.equals(value.get())) {
      throw new JambicException(
          Text.format(
              "%s: %s has two values, %s and %s; keep one",
              where, ErrorText.quote(phrase), before, value.get()));
    }
    longest = Math.max(longest, words.size());
  }

  @Override
  public double rate(Completion completion) {
    List<String> words = words(completion.answer());
    double sum = 0;
    for (int i = 0; i < words.size(); ) {
      int taken = 1;
      for (int length = Math.min(longest, words.size() - i); length > 0; length--) {
        Double value = values.get(String.join(" ", words.subList(i, i + length)));
        if (value != null) {
          sum += value;
          taken = length;
          break;
        }
      }
      i += taken;
    }
    return sum / Math.max(1, words.size());
  }

  private static List<String> words(String text) {
    return WORD.matcher(text.toLowerCase(Locale.ROOT).replace('’', '\''))
        .results()
        .map(MatchResult::group)
        .toList();
  }
}
