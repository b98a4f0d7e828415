package jambic.train.pairs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import jambic.train.pairs.PairBatches.Cursor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PairBatchesTest {
  private static final int PAD = 0;
  private static final int START = 1;
  private static final int END = 2;

  /** Pairs that are told apart by their first id. */
  private static EncodedPairs pairs(int count, int maxLength) {
    SplittableRandom random = new SplittableRandom(count);
    List<EncodedPairs.Ids> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      pairs.add(
          new EncodedPairs.Ids(ids(random, 1000 + i, maxLength), ids(random, 1000 + i, maxLength)));
    }
    return new EncodedPairs(pairs, maxLength, 0);
  }

  private static int[] ids(SplittableRandom random, int first, int maxLength) {
    int[] ids = random.ints(random.nextInt(2, maxLength + 1), 3, 99).toArray();
    ids[0] = first;
    ids[ids.length - 1] = END;
    return ids;
  }

  private static PairBatches batches(EncodedPairs pairs, int batchTokens, long seed) {
    return new PairBatches(pairs, batchTokens, START, PAD, seed);
  }

  private static List<PairBatch> epoch(PairBatches batches) {
    List<PairBatch> epoch = new ArrayList<>();
    int count = batches.batchesInEpoch();
    for (int i = 0; i < count; i++) {
      epoch.add(batches.next());
    }
    return epoch;
  }

  private static List<Integer> firstIds(List<PairBatch> batches) {
    List<Integer> ids = new ArrayList<>();
    for (PairBatch batch : batches) {
      for (int row = 0; row < batch.shape().batchSize(); row++) {
        int first = batch.source()[row * batch.shape().sourceLength()];
        if (first != PAD) {
          ids.add(first);
        }
      }
    }
    return ids;
  }

  private static void assertSame(PairBatch one, PairBatch other) {
    assertThat(one.shape()).isEqualTo(other.shape());
    assertThat(one.source()).isEqualTo(other.source());
    assertThat(one.targets()).isEqualTo(other.targets());
  }

  @Test
  void laysABatchOut() {
    EncodedPairs pairs =
        new EncodedPairs(
            List.of(
                new EncodedPairs.Ids(new int[] {7, 8, END}, new int[] {9, END}),
                new EncodedPairs.Ids(new int[] {5, END}, new int[] {6, 6, 6, END})),
            64,
            0);
    PairBatch batch = batches(pairs, 24, 1).sequential().getFirst();
    assertThat(batch.shape()).isEqualTo(new PairBatch.Shape(3, 8, 8));
    assertThat(batch.source())
        .isEqualTo(rows(new int[] {7, 8, END}, new int[] {5, END}, new int[] {}, PAD));
    assertThat(batch.sourceLengths()).containsExactly(3, 2, 1);
    assertThat(batch.decoderInput())
        .isEqualTo(rows(new int[] {START, 9}, new int[] {START, 6, 6, 6}, new int[] {START}, PAD));
    assertThat(batch.targets())
        .isEqualTo(rows(new int[] {9, END}, new int[] {6, 6, 6, END}, new int[] {}, -1));
    assertThat(batch.targetCount()).isEqualTo(6);
  }

  private static int[] rows(int[] first, int[] second, int[] third, int filling) {
    int[] all = new int[24];
    Arrays.fill(all, filling);
    System.arraycopy(first, 0, all, 0, first.length);
    System.arraycopy(second, 0, all, 8, second.length);
    System.arraycopy(third, 0, all, 16, third.length);
    return all;
  }

  @Test
  void anEpochHasEveryPairOnce() {
    PairBatches batches = batches(pairs(3000, 40), 320, 1);
    for (int epoch = 0; epoch < 3; epoch++) {
      assertThat(batches.cursor()).isEqualTo(new Cursor(epoch, 0));
      assertThat(firstIds(epoch(batches)))
          .containsExactlyInAnyOrderElementsOf(IntStream.range(1000, 4000).boxed().toList());
    }
  }

  @Test
  void batchesAreNearlyFullAndOfFewShapes() {
    int batchTokens = 640;
    Set<PairBatch.Shape> shapes = new HashSet<>();
    long rows = 0;
    List<PairBatch> epoch = epoch(batches(pairs(3000, 60), batchTokens, 1));
    for (PairBatch batch : epoch) {
      PairBatch.Shape shape = batch.shape();
      int longer = Math.max(shape.sourceLength(), shape.targetLength());
      assertThat(shape.batchSize()).isEqualTo(batchTokens / longer);
      assertThat(shape.sourceLength())
          .satisfiesAnyOf(
              length -> assertThat(length % 8).isZero(),
              length -> assertThat(length).isEqualTo(60));
      rows += shape.batchSize();
      shapes.add(shape);
    }
    assertThat(rows).isBetween(3000L, 3100L);
    assertThat(shapes).hasSizeLessThan(30);
  }

  @Test
  void noLengthIsAboveWhatTheModelCanTake() {
    for (PairBatch batch : batches(pairs(500, 20), 100, 1).sequential()) {
      assertThat(batch.shape().sourceLength()).isLessThanOrEqualTo(20);
      assertThat(batch.shape().targetLength()).isLessThanOrEqualTo(20);
    }
  }

  @Test
  void theOrderIsAFunctionOfSeedAndEpoch() {
    EncodedPairs pairs = pairs(800, 30);
    PairBatches batches = batches(pairs, 200, 5);
    List<Integer> first = firstIds(epoch(batches));
    List<Integer> second = firstIds(epoch(batches));
    assertThat(second).isNotEqualTo(first);
    PairBatches again = batches(pairs, 200, 5);
    again.skipTo(new Cursor(1, 0));
    assertThat(firstIds(epoch(again))).isEqualTo(second);
    again.skipTo(Cursor.START);
    assertThat(firstIds(epoch(again))).isEqualTo(first);
    assertThat(firstIds(epoch(batches(pairs, 200, 6)))).isNotEqualTo(first);
  }

  @Test
  void goesOnWhereACursorSays() {
    EncodedPairs pairs = pairs(300, 30);
    PairBatches whole = batches(pairs, 200, 5);
    for (int i = 0; i < 150; i++) { // over the ends of epochs
      Cursor cursor = whole.cursor();
      PairBatches resumed = batches(pairs, 200, 5);
      resumed.skipTo(cursor);
      assertThat(resumed.cursor()).isEqualTo(cursor);
      PairBatch next = whole.next();
      assertSame(resumed.next(), next);
      assertThat(resumed.cursor()).isEqualTo(whole.cursor());
    }
    assertThat(whole.cursor().epoch()).isGreaterThan(1);
  }

  @Test
  void batchesDoNotComeByLength() {
    List<Integer> lengths =
        epoch(batches(pairs(3000, 40), 200, 1)).stream()
            .map(batch -> batch.shape().sourceLength())
            .toList();
    assertThat(lengths).isNotEqualTo(lengths.stream().sorted().toList());
    assertThat(lengths.subList(0, 20)).contains(40).contains(16);
  }

  @Test
  void measuringTakesEveryPairOnceTheShortestFirst() {
    EncodedPairs pairs = pairs(700, 30);
    List<PairBatch> batches = batches(pairs, 200, 1).sequential();
    assertThat(firstIds(batches))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(1000, 1700).boxed().toList())
        .isEqualTo(firstIds(batches(pairs, 200, 2).sequential()));
    assertThat(batches)
        .extracting(batch -> Math.max(batch.shape().sourceLength(), batch.shape().targetLength()))
        .isSorted();
  }

  @Test
  void refusesAPlaceThatIsNotThere() {
    PairBatches batches = batches(pairs(30, 30), 200, 1);
    int count = batches.batchesInEpoch();
    for (Cursor place : List.of(new Cursor(0, count), new Cursor(0, -1))) {
      assertThatThrownBy(() -> batches.skipTo(place))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              "there is no batch %d in epoch 0, which has %d; the pairs or the size of batches are not those of the run",
              place.position(), count);
    }
    assertThat(batches.cursor()).isEqualTo(Cursor.START);
  }

  @Test
  void refusesAPairThatIsLongerThanABatch() {
    EncodedPairs pairs =
        new EncodedPairs(
            List.of(new EncodedPairs.Ids(new int[] {3, END}, IntStream.range(3, 20).toArray())),
            64,
            0);
    assertThatThrownBy(() -> batches(pairs, 23, 1))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "batchTokens (23) must be at least 24, the longest pair's tokens with padding; give more, or a lower maxLength");
    assertThat(batches(pairs, 24, 1).next().shape().batchSize()).isEqualTo(1);
  }
}
