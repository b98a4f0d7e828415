package jambic.model.translator;

import java.util.Arrays;
import java.util.List;

/**
 * Which words of a source the words of its translation were made from, as far as attention tells:
 * the mean over the heads of a cross-attention layer. The end of the source, which takes most of
 * the attention, is left out.
 *
 * @param sources words of the source
 * @param targets words of the translation
 * @param weights a row for each target word, a column for each source word; a row adds up to 1
 */
public record Alignment(List<String> sources, List<String> targets, List<double[]> weights) {
  private static final int DEEP = 3;

  /** Copies the lists. */
  public Alignment {
    sources = List.copyOf(sources);
    targets = List.copyOf(targets);
    weights = List.copyOf(weights);
  }

  /** Returns the layer to look at: the last but one where there are at least three. */
  static int layer(int layers) {
    return layers >= DEEP ? layers - 2 : layers - 1; // Garg et al., 2019
  }

  /**
   * Joins the weights of tokens to those of words: the sum over the tokens of a source word, the
   * mean over those of a target word.
   */
  static Alignment of(WordPieces sources, WordPieces targets, CrossAttentionWeights weights) {
    double[][] joined = new double[targets.words().size()][sources.words().size()];
    for (int t = 0; t < weights.targets(); t++) {
      int row = targets.wordOf()[t];
      for (int s = 0; s < weights.sources() && row != WordPieces.NONE; s++) {
        int column = sources.wordOf()[s];
        if (column != WordPieces.NONE) {
          joined[row][column] += weights.mean(t, s);
        }
      }
    }
    for (double[] row : joined) { // which makes a mean of the sum over a target word's tokens
      double sum = Arrays.stream(row).sum();
      for (int i = 0; i < row.length && sum > 0; i++) {
        row[i] /= sum;
      }
    }
    return new Alignment(sources.words(), targets.words(), List.of(joined));
  }

  /**
   * Finds the source word that a target word attends to most.
   *
   * @param target which word of the translation
   * @return the place of the source word, the first of several
   */
  public int best(int target) {
    double[] row = weights.get(target);
    int best = 0;
    for (int i = 1; i < row.length; i++) {
      best = row[i] > row[best] ? i : best;
    }
    return best;
  }
}
