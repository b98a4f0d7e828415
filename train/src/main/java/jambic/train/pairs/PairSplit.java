package jambic.train.pairs;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * Pairs to train on and pairs to measure with.
 *
 * @param train to train on, in the order of the data
 * @param valid held out, in the order of the data
 * @param blank how many pairs were dropped because a side was empty
 * @param shared how many pairs held out have a source that is trained on too
 */
public record PairSplit(List<Pair> train, List<Pair> valid, int blank, int shared) {
  private static final byte END = (byte) 0xFF;

  /** Copies the lists. */
  public PairSplit {
    train = List.copyOf(train);
    valid = List.copyOf(valid);
  }

  /**
   * Holds out a share of the sources, those whose SHA-256 is small. So a pair's part depends on its
   * source alone: it stays the same when lines are added or moved, and no source is in both parts.
   * If the share is less than one source, it is one.
   *
   * @param name what error messages call the pairs
   * @param pairs all of them
   * @param share of the sources to hold out, between 0 and 1
   * @return both parts, neither of them empty
   * @throws JambicException if there are fewer than two sources
   */
  public static PairSplit bySource(String name, List<Pair> pairs, double share) {
    List<Pair> kept = withoutBlank(pairs);
    double[] places = new double[kept.size()];
    double first = Double.POSITIVE_INFINITY;
    double last = Double.NEGATIVE_INFINITY;
    MessageDigest sha256 = sha256();
    for (int i = 0; i < places.length; i++) {
      places[i] = place(sha256, kept.get(i).source());
      first = Math.min(first, places[i]);
      last = Math.max(last, places[i]);
    }
    int blank = pairs.size() - kept.size();
    if (first >= last) { // there is none, or one source
      throw new JambicException(
          Text.format(
              "%s has %s%s%s, but training needs two with different sources, one of them to measure with",
              name,
              ErrorText.count(kept.size(), "pair"),
              kept.size() > 1 ? " with one source" : "",
              blank == 0 ? "" : Text.format(" besides %,d with an empty side", blank)));
    }
    List<Pair> train = new ArrayList<>();
    List<Pair> valid = new ArrayList<>();
    for (int i = 0; i < places.length; i++) {
      boolean out = places[i] <= first || places[i] < share && places[i] < last;
      (out ? valid : train).add(kept.get(i));
    }
    return new PairSplit(train, valid, blank, 0);
  }

  /**
   * Takes pairs from two sources.
   *
   * @param name what error messages call the pairs to train on
   * @param train to train on
   * @param validName what error messages call the others
   * @param valid to measure with
   * @return both parts, neither of them empty
   * @throws JambicException if one has no pair
   */
  public static PairSplit of(String name, List<Pair> train, String validName, List<Pair> valid) {
    List<Pair> keptTrain = withoutBlank(train);
    List<Pair> keptValid = withoutBlank(valid);
    requireSome(name, train, keptTrain);
    requireSome(validName, valid, keptValid);
    Set<String> sources = new HashSet<>();
    keptTrain.forEach(pair -> sources.add(pair.source()));
    long shared = keptValid.stream().filter(pair -> sources.contains(pair.source())).count();
    int blank = train.size() - keptTrain.size() + valid.size() - keptValid.size();
    return new PairSplit(keptTrain, keptValid, blank, (int) shared);
  }

  /**
   * Tells these pairs from all others, so that a run does not go on with other data.
   *
   * @return a SHA-256 over all texts in order, 64 hexadecimal digits
   */
  public String fingerprint() {
    MessageDigest sha256 = sha256();
    for (List<Pair> part : List.of(train, valid)) {
      for (Pair pair : part) {
        sha256.update(pair.source().getBytes(StandardCharsets.UTF_8));
        sha256.update(END); // no UTF-8 has it
        sha256.update(pair.target().getBytes(StandardCharsets.UTF_8));
        sha256.update(END);
      }
      sha256.update(END);
    }
    return HexFormat.of().formatHex(sha256.digest());
  }

  private static void requireSome(String name, List<Pair> all, List<Pair> kept) {
    if (kept.isEmpty()) {
      throw new JambicException(
          all.isEmpty()
              ? name + " has no pairs of texts"
              : Text.format(
                  "%s has no pair of texts: in all %,d a side is empty", name, all.size()));
    }
  }

  private static List<Pair> withoutBlank(List<Pair> pairs) {
    return pairs.stream().filter(pair -> !pair.isBlank()).toList();
  }

  /** A number in [0, 1) that is a text's own. */
  private static double place(MessageDigest sha256, String text) {
    byte[] hash = sha256.digest(text.getBytes(StandardCharsets.UTF_8));
    return (ByteBuffer.wrap(hash).getLong() >>> 11) * 0x1p-53;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
