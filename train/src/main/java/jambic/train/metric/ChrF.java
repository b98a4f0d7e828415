package jambic.train.metric;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * chrF (Popović, 2015) of whole texts as sacreBLEU computes it: the F score of runs of characters,
 * which gives credit for parts of words. With word runs of 2 it is chrF++ (Popović, 2017).
 *
 * @param characterOrder the longest run of characters
 * @param wordOrder the longest run of words, 0 for none
 * @param beta how many times as much recall counts as precision
 * @param lowercase whether upper and lower case are the same
 * @param whitespace whether white space is in the runs of characters
 * @param epsSmoothing whether every order counts, as in the author's program, and not only those
 *     that both texts are long enough for
 */
public record ChrF(
    int characterOrder,
    int wordOrder,
    int beta,
    boolean lowercase,
    boolean whitespace,
    boolean epsSmoothing) {
  /** The default of sacreBLEU, which is called chrF2. */
  public static final ChrF STANDARD = new ChrF(6, 0, 2, false, false, false);

  private static final double EPSILON = 1e-16;
  private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

  /**
   * Checks the orders.
   *
   * @param characterOrder the longest run of characters
   * @param wordOrder the longest run of words
   * @param beta the weight of recall
   * @param lowercase whether case is the same
   * @param whitespace whether white space counts
   * @param epsSmoothing whether every order counts
   * @throws JambicException if an order or the weight is out of range
   */
  public ChrF {
    if (characterOrder < 0 || wordOrder < 0 || characterOrder + wordOrder < 1 || beta < 1) {
      throw new JambicException(
          Text.format(
              "chrF needs orders of 0 or more, one of them above 0, and a beta of 1 or more,"
                  + " not %d, %d and %d",
              characterOrder, wordOrder, beta));
    }
  }

  /** What is counted of one order. */
  private record Counts(long hypothesis, long reference, long matches) {
    private Counts plus(Counts other) {
      return new Counts(
          hypothesis + other.hypothesis, reference + other.reference, matches + other.matches);
    }
  }

  /**
   * Scores a text of many lines as a whole.
   *
   * @param hypotheses what was written, line by line
   * @param references for each of the references, its lines
   * @return the score, from 0 to 100
   * @throws JambicException if there is no line, or a reference has another number of lines
   */
  public double score(List<String> hypotheses, List<List<String>> references) {
    Scores.check(hypotheses, references);
    List<Counts> sums = List.of();
    for (int i = 0; i < hypotheses.size(); i++) {
      List<Counts> line = best(hypotheses.get(i), Scores.ofLine(references, i));
      sums = sums.isEmpty() ? line : sum(sums, line);
    }
    return score(sums);
  }

  /**
   * The name that sacreBLEU gives the score.
   *
   * @return {@code chrF2}, or {@code chrF2++} with runs of two words
   */
  public String name() {
    return "chrF" + beta + "+".repeat(wordOrder);
  }

  /**
   * A score as sacreBLEU prints it behind the equals sign.
   *
   * @param score the score
   * @return such as {@code 62.70}
   */
  public String text(double score) {
    return Scores.decimals(score, 2);
  }

  /**
   * Tells the settings as sacreBLEU does.
   *
   * @param references how many references there are for each line
   * @return such as {@code nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0}
   */
  public String signature(int references) {
    return String.join(
        "|",
        "nrefs:" + references,
        "case:" + (lowercase ? "lc" : "mixed"),
        "eff:" + (epsSmoothing ? "no" : "yes"),
        "nc:" + characterOrder,
        "nw:" + wordOrder,
        "space:" + (whitespace ? "yes" : "no"),
        Scores.VERSION);
  }

  /** The counts against the reference that a line comes nearest to. */
  private List<Counts> best(String hypothesis, List<String> references) {
    List<Map<String, Integer>> grams = grams(hypothesis);
    List<Counts> best = List.of();
    double bestScore = -1;
    for (String reference : references) {
      List<Counts> counts = compare(grams, grams(reference));
      double score = score(counts);
      if (score > bestScore) {
        bestScore = score;
        best = counts;
      }
    }
    return best;
  }

  /** The runs of every order: characters first, then words. */
  private List<Map<String, Integer>> grams(String line) {
    String text = lowercase ? line.toLowerCase(Locale.ROOT) : line;
    String characters = whitespace ? text : String.join("", Whitespace.split(text));
    List<Map<String, Integer>> grams = new ArrayList<>();
    for (int n = 1; n <= characterOrder; n++) {
      grams.add(NGrams.ofCharacters(characters, n));
    }
    List<String> words = words(text);
    for (int n = 1; n <= wordOrder; n++) {
      grams.add(NGrams.ofWords(words, n));
    }
    return grams;
  }

  /** Words with one mark of punctuation split off: the last, else the first. */
  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    for (String word : Whitespace.split(text)) {
      int last = word.length() - 1; // a mark is no surrogate pair, and a pair is no mark
      if (last > 0 && isPunctuation(word.charAt(last))) {
        words.add(word.substring(0, last));
        words.add(word.substring(last));
      } else if (last > 0 && isPunctuation(word.charAt(0))) {
        words.add(word.substring(0, 1));
        words.add(word.substring(1));
      } else {
        words.add(word);
      }
    }
    return words;
  }

  private static boolean isPunctuation(char c) {
    return PUNCTUATION.indexOf(c) >= 0;
  }

  private static List<Counts> compare(
      List<Map<String, Integer>> hypothesis, List<Map<String, Integer>> reference) {
    List<Counts> counts = new ArrayList<>();
    for (int i = 0; i < hypothesis.size(); i++) {
      Map<String, Integer> right = reference.get(i);
      long written = right.isEmpty() ? 0 : NGrams.total(hypothesis.get(i));
      counts.add(
          new Counts(written, NGrams.total(right), NGrams.matches(hypothesis.get(i), right)));
    }
    return counts;
  }

  private static List<Counts> sum(List<Counts> first, List<Counts> second) {
    List<Counts> sums = new ArrayList<>();
    for (int i = 0; i < first.size(); i++) {
      sums.add(first.get(i).plus(second.get(i)));
    }
    return sums;
  }

  private double score(List<Counts> orders) {
    double factor = (double) beta * beta;
    double scores = 0;
    double precisions = 0;
    double recalls = 0;
    int used = 0;
    for (Counts of : orders) {
      double precision = of.hypothesis > 0 ? (double) of.matches / of.hypothesis : EPSILON;
      double recall = of.reference > 0 ? (double) of.matches / of.reference : EPSILON;
      double weighted = factor * precision + recall;
      scores += weighted > 0 ? (1 + factor) * precision * recall / weighted : EPSILON;
      if (of.hypothesis > 0 && of.reference > 0) {
        precisions += precision;
        recalls += recall;
        used++;
      }
    }
    if (epsSmoothing) {
      return 100 * scores / orders.size();
    }
    if (precisions + recalls == 0) {
      return 0;
    }
    double precision = precisions / used;
    double recall = recalls / used;
    return 100 * ((1 + factor) * precision * recall / (factor * precision + recall));
  }
}
