package jambic.train.metric;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How well classes were told, as scikit-learn measures it: accuracy, F1 by class and its plain mean
 * ({@code f1_score(average="macro", zero_division=0)}), and the confusion matrix.
 */
public final class ClassificationScores {
  private final List<String> labels;
  private final long[][] confusion; // by the right class, then by the one that was told

  private ClassificationScores(List<String> labels, long[][] confusion) {
    this.labels = labels;
    this.confusion = confusion;
  }

  /**
   * Compares classes.
   *
   * @param labels the names of all classes, by index
   * @param actual the right class of each text
   * @param predicted the class that was told for each
   * @return the scores
   * @throws JambicException if there are no texts, or not as many of both
   */
  public static ClassificationScores of(List<String> labels, int[] actual, int[] predicted) {
    if (actual.length == 0 || actual.length != predicted.length) {
      throw new JambicException(
          Text.format(
              "got %s and %,d predictions; give at least one, and as many of both",
              ErrorText.count(actual.length, "right label"), predicted.length));
    }
    long[][] confusion = new long[labels.size()][labels.size()];
    for (int i = 0; i < actual.length; i++) {
      confusion[actual[i]][predicted[i]]++;
    }
    return new ClassificationScores(List.copyOf(labels), confusion);
  }

  /**
   * The names of the classes.
   *
   * @return by index
   */
  public List<String> labels() {
    return labels;
  }

  /**
   * Counts the texts of a class that were told to be of a class.
   *
   * @param actual the right class
   * @param predicted the class that was told
   * @return how many
   */
  public long confusion(int actual, int predicted) {
    return confusion[actual][predicted];
  }

  /**
   * Counts all texts.
   *
   * @return how many were compared
   */
  public long count() {
    return Arrays.stream(confusion).flatMapToLong(Arrays::stream).sum();
  }

  /**
   * The share of texts whose class was told right.
   *
   * @return from 0 to 1
   */
  public double accuracy() {
    return (double) IntStream.range(0, labels.size()).mapToLong(i -> confusion[i][i]).sum()
        / count();
  }

  /**
   * The share of right ones among those that were told to be of a class.
   *
   * @param label the class
   * @return from 0 to 1, 0 if none was
   */
  public double precision(int label) {
    return ratio(confusion[label][label], predicted(label));
  }

  /**
   * The share of a class that was told to be of it.
   *
   * @param label the class
   * @return from 0 to 1, 0 if no text is
   */
  public double recall(int label) {
    return ratio(confusion[label][label], actual(label));
  }

  /**
   * The harmonic mean of precision and recall.
   *
   * @param label the class
   * @return from 0 to 1, 0 if no text of it was told right
   */
  public double f1(int label) {
    return ratio(2 * confusion[label][label], predicted(label) + actual(label));
  }

  /**
   * The mean F1 of the classes that occur, as the right one or as one that was told.
   *
   * @return from 0 to 1
   */
  public double macroF1() {
    return IntStream.range(0, labels.size())
        .filter(label -> predicted(label) + actual(label) > 0)
        .mapToDouble(this::f1)
        .average()
        .orElseThrow();
  }

  private long actual(int label) {
    return Arrays.stream(confusion[label]).sum();
  }

  private long predicted(int label) {
    return Arrays.stream(confusion).mapToLong(row -> row[label]).sum();
  }

  private static double ratio(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }
}
