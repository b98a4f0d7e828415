package jambic.train.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LengthBatchesTest {
  private static final int[] LENGTHS =
      IntStream.range(0, 1003).map(i -> 1 + i * 7919 % 60).toArray();

  @Test
  void everyRowComesOnceAnEpoch() {
    LengthBatches batches = new LengthBatches(LENGTHS, 8, 60, 3);
    assertThat(batches.perEpoch()).isEqualTo(126);
    for (int epoch = 0; epoch < 3; epoch++) {
      assertThat(rows(batches, epoch).sorted().toArray())
          .isEqualTo(IntStream.range(0, 1003).toArray());
    }
    assertThat(rows(batches, 0).toArray()).isNotEqualTo(rows(batches, 1).toArray());
  }

  private static IntStream rows(LengthBatches batches, int epoch) {
    long first = (long) epoch * batches.perEpoch();
    return LongStream.range(first, first + batches.perEpoch())
        .mapToObj(batches::rows)
        .flatMapToInt(Arrays::stream);
  }

  @Test
  void widthsAreMultiplesOfSixteenUpToTheContextAndHoldTheirRows() {
    LengthBatches batches = new LengthBatches(LENGTHS, 8, 60, 3);
    int padding = 0;
    for (int i = 0; i < batches.perEpoch(); i++) {
      int[] rows = batches.rows(i);
      int width = batches.width(rows);
      assertThat(width).isIn(16, 32, 48, 60);
      for (int row : rows) {
        assertThat(LENGTHS[row]).isLessThanOrEqualTo(width);
        padding += width - LENGTHS[row] >= 16 ? 1 : 0;
      }
    }
    // At each of the three borders between widths, one batch may mix two of them.
    assertThat(padding).isLessThan(3 * 8);
  }

  @Test
  void aBatchIsAFunctionOfItsIndex() {
    LengthBatches forward = new LengthBatches(LENGTHS, 8, 60, 3);
    LengthBatches backward = new LengthBatches(LENGTHS, 8, 60, 3);
    for (int i = 300; i >= 0; i -= 7) {
      int[] rows = backward.rows(i);
      backward.fixedRows(i);
      assertThat(forward.rows(i)).isEqualTo(rows);
    }
    assertThat(new LengthBatches(LENGTHS, 8, 60, 4).rows(5)).isNotEqualTo(forward.rows(5));
  }

  @Test
  void batchesToMeasureWithNeverChangeAndGoRound() {
    LengthBatches batches = new LengthBatches(LENGTHS, 8, 60, 3);
    int[] second = batches.fixedRows(2);
    batches.rows(1000);
    assertThat(batches.fixedRows(2)).isEqualTo(second);
    assertThat(batches.fixedRows(2 + 126)).isEqualTo(second);
  }

  @Test
  void batchesOfTokensAreAlmostFullAndHoldEveryRowOnce() {
    LengthBatches batches = LengthBatches.ofTokens(LENGTHS, 256, 60, 3);
    int all = Arrays.stream(LENGTHS).sum();
    assertThat(batches.perEpoch()).isBetween(all / 256, all / 256 + all / 256 / 4);
    for (int epoch = 0; epoch < 2; epoch++) {
      assertThat(rows(batches, epoch).sorted().toArray())
          .isEqualTo(IntStream.range(0, 1003).toArray());
    }
    for (int i = 0; i < batches.perEpoch(); i++) {
      int[] rows = batches.rows(i);
      assertThat(Arrays.stream(rows).map(row -> LENGTHS[row]).sum()).isLessThanOrEqualTo(256);
      assertThat(rows.length).isLessThanOrEqualTo(LengthBatches.rows(batches.width(rows), 256));
    }
    assertThat(rows(batches, 0).toArray()).isNotEqualTo(rows(batches, 1).toArray());
  }

  @Test
  void aRowAsLongAsABatchIsABatchOfItsOwn() {
    LengthBatches batches = LengthBatches.ofTokens(new int[] {20, 20, 3}, 20, 20, 3);
    assertThat(batches.perEpoch()).isEqualTo(3);
  }

  @Test
  void rowsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> new LengthBatches(new int[] {3, 61}, 8, 60, 3))
        .isInstanceOf(JambicException.class)
        .hasMessage("an example of 61 tokens does not fit into the context of 60");
    assertThatThrownBy(() -> new LengthBatches(new int[0], 8, 60, 3))
        .isInstanceOf(JambicException.class);
  }
}
