package jambic.app.data;

import jambic.train.pairs.LanguagePair;
import jambic.train.pairs.Pair;
import java.util.List;
import java.util.Optional;

/**
 * Pairs to measure a translator with.
 *
 * @param name what they are called
 * @param pairs the pairs
 */
public record PairMeasure(String name, List<Pair> pairs) {
  /** The share of sources that a run holds back where there is no other split. */
  public static final double HELD_OUT = 0.02;

  /**
   * Takes all pairs of a name.
   *
   * @param corpora finds them
   * @param name a name, or files
   * @param languages which side is which
   * @return the pairs
   */
  public static PairMeasure of(PairCorpora corpora, String name, Optional<LanguagePair> languages) {
    return new PairMeasure(name, corpora.pairs(name, languages));
  }

  /**
   * Takes what a run held back.
   *
   * @param corpora finds the pairs
   * @param name of the pairs that it trained on
   * @param valid of those that it was measured with, if they had a name of their own
   * @param languages which side is which
   * @return the pairs
   */
  public static PairMeasure heldBack(
      PairCorpora corpora, String name, Optional<String> valid, Optional<LanguagePair> languages) {
    return new PairMeasure(name, corpora.load(name, valid, languages, HELD_OUT).valid());
  }
}
