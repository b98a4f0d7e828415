package jambic.train.pairs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PairSplitTest {
  private static List<Pair> pairs(int count) {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      pairs.add(new Pair("source " + i, "target " + i));
    }
    return pairs;
  }

  private static PairSplit split(List<Pair> pairs, double share) {
    return PairSplit.bySource("the data", pairs, share);
  }

  @Test
  void holdsOutAboutTheShareAndKeepsTheOrder() {
    PairSplit split = split(pairs(10_000), 0.05);
    assertThat(split.valid()).hasSizeBetween(430, 570);
    assertThat(split.train()).hasSize(10_000 - split.valid().size());
    List<Pair> inOrder = new ArrayList<>(pairs(10_000));
    inOrder.removeAll(new HashSet<>(split.valid()));
    assertThat(split.train()).isEqualTo(inOrder);
    assertThat(split.blank()).isZero();
  }

  @Test
  void aSourcesPlaceIsItsSha256() throws Exception {
    List<Pair> pairs = pairs(200);
    MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
    List<Pair> small =
        pairs.stream()
            .filter(pair ->
                (sha256.digest(pair.source().getBytes(StandardCharsets.UTF_8))[0] & 0xFF) < 64)
            .toList();
    assertThat(split(pairs, 0.25).valid()).isEqualTo(small);
  }

  @Test
  void staysTheSameWhenLinesAreAddedOrMoved() {
    List<Pair> few = pairs(1000);
    List<Pair> more = pairs(3000);
    Collections.reverse(more);
    Set<Pair> before = new HashSet<>(split(few, 0.1).valid());
    Set<Pair> after = new HashSet<>(split(more, 0.1).valid());
    after.retainAll(few);
    assertThat(after).isEqualTo(before).isNotEmpty();
  }

  @Test
  void noSourceIsOnBothSides() {
    List<Pair> pairs = new ArrayList<>(pairs(500));
    pairs(500).forEach(pair -> pairs.add(new Pair(pair.source(), "another")));
    PairSplit split = split(pairs, 0.2);
    Set<String> held = new HashSet<>();
    split.valid().forEach(pair -> held.add(pair.source()));
    assertThat(split.valid()).hasSize(2 * held.size());
    assertThat(split.train()).noneMatch(pair -> held.contains(pair.source())).isNotEmpty();
  }

  @Test
  void holdsOutOneSourceAtLeastAndNeverAll() {
    assertThat(split(pairs(10), 1e-9).valid()).hasSize(1);
    assertThat(split(pairs(10), 1).train()).hasSize(1);
    assertThat(split(pairs(2), 0.1).train()).hasSize(1);
  }

  @Test
  void countsThePairsWithAnEmptySide() {
    List<Pair> pairs = new ArrayList<>(pairs(10));
    pairs.add(new Pair("", "x"));
    pairs.add(new Pair("x", " \t\u2003"));
    PairSplit split = split(pairs, 0.2);
    assertThat(split.blank()).isEqualTo(2);
    assertThat(split.train().size() + split.valid().size()).isEqualTo(10);
  }

  @Test
  void theFingerprintIsThatOfTextsAndParts() {
    PairSplit split = PairSplit.of("a", pairs(3), "b", pairs(2));
    assertThat(split.fingerprint())
        .matches("[0-9a-f]{64}")
        .isEqualTo(PairSplit.of("c", pairs(3), "d", pairs(2)).fingerprint())
        .isNotEqualTo(PairSplit.of("a", pairs(2), "b", pairs(3)).fingerprint())
        .isNotEqualTo(PairSplit.of("a", pairs(3).reversed(), "b", pairs(2)).fingerprint());
    List<Pair> one = List.of(new Pair("ab", "c"));
    List<Pair> other = List.of(new Pair("a", "bc"));
    assertThat(PairSplit.of("a", one, "a", one).fingerprint())
        .isNotEqualTo(PairSplit.of("a", other, "a", one).fingerprint());
  }

  @Test
  void refusesFewerThanTwoSources() {
    assertThatThrownBy(() -> split(List.of(new Pair("", "x")), 0.1))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the data has 0 pairs besides 1 with an empty side, but training needs two with different sources, one of them to measure with");
    assertThatThrownBy(() -> split(List.of(new Pair("a", "x"), new Pair("a", "y")), 0.1))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the data has 2 pairs with one source, but training needs two with different sources, one of them to measure with");
  }

  @Test
  void takesASeparateFileAndCountsWhatBothHave() {
    List<Pair> valid = List.of(new Pair("source 3", "x"), new Pair("new", "y"), new Pair("", ""));
    PairSplit split = PairSplit.of("a", pairs(5), "b", valid);
    assertThat(split.train()).isEqualTo(pairs(5));
    assertThat(split.valid()).hasSize(2);
    assertThat(split.blank()).isEqualTo(1);
    assertThat(split.shared()).isEqualTo(1);
    assertThatThrownBy(() -> PairSplit.of("a", pairs(5), "b", List.of()))
        .isInstanceOf(JambicException.class)
        .hasMessage("b has no pairs of texts");
    assertThatThrownBy(() -> PairSplit.of("a", List.of(new Pair(" ", "")), "b", valid))
        .isInstanceOf(JambicException.class)
        .hasMessage("a has no pair of texts: in all 1 a side is empty");
  }
}
