package jambic.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import jambic.train.data.Dataset.Split;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchSamplerTest {
  private static final int BATCH = 4;
  private static final int BLOCK = 8;

  // Token i is i, so that a window says where it starts; validation tokens start at 900.
  private final Dataset data =
      Dataset.split(TokenSource.of(IntStream.range(0, 1000).toArray()), BLOCK, "text");
  private final BatchSampler batches = new BatchSampler(data, BATCH, BLOCK, 42);
  private final int[] x = new int[BATCH * BLOCK];
  private final int[] y = new int[BATCH * BLOCK];

  @Test
  void aTargetIsTheNextToken() {
    for (int iteration = 0; iteration < 100; iteration++) {
      batches.train(iteration, 0, x, y);
      for (int i = 0; i < x.length; i++) {
        assertThat(x[i]).isBetween(0, 898);
        assertThat(y[i]).isEqualTo(x[i] + 1);
        assertThat(x[i]).isEqualTo(x[i / BLOCK * BLOCK] + i % BLOCK);
      }
      batches.evaluation(Split.VAL, iteration, x, y);
      assertThat(IntStream.of(x)).allMatch(token -> token >= 900 && token < 999);
    }
  }

  @Test
  void aBatchIsAFunctionOfSeedAndPlaceAlone() {
    int[] first = train(batches, 7, 1);
    train(batches, 8, 0);
    batches.evaluation(Split.TRAIN, 7, x, y);
    assertThat(train(batches, 7, 1)).isEqualTo(first);
    assertThat(train(new BatchSampler(data, BATCH, BLOCK, 42), 7, 1)).isEqualTo(first);
  }

  @Test
  void everyPlaceHasABatchOfItsOwn() {
    List<List<Integer>> drawn = new ArrayList<>();
    for (long seed : new long[] {42, 43, 42L << 32}) {
      BatchSampler seeded = new BatchSampler(data, BATCH, BLOCK, seed);
      for (int iteration = 0; iteration < 5; iteration++) {
        for (int microStep = 0; microStep < 3; microStep++) {
          drawn.add(Arrays.stream(train(seeded, iteration, microStep)).boxed().toList());
        }
        seeded.evaluation(Split.TRAIN, iteration, x, y);
        drawn.add(Arrays.stream(x).boxed().toList());
      }
    }
    assertThat(new HashSet<>(drawn)).hasSameSizeAs(drawn);
  }

  @Test
  void everyStartIsEquallyLikelyIncludingTheFirstAndTheLast() {
    Dataset small = new Dataset(TokenSource.of(0, 1, 2, 3, 4, 5), TokenSource.of(0, 1, 2, 3));
    BatchSampler draws = new BatchSampler(small, 10_000, 3, 1);
    int[] a = new int[30_000];
    draws.train(0, 0, a, new int[30_000]);
    int[] starts = new int[4];
    for (int row = 0; row < 10_000; row++) {
      starts[a[row * 3]]++; // 6 tokens, context 3: windows may start at 0, 1 and 2
    }
    assertThat(starts[3]).isZero();
    for (int start = 0; start < 3; start++) {
      assertThat(starts[start]).isCloseTo(3333, within(200)); // 4 standard deviations are 189
    }
  }

  @ParameterizedTest
  @CsvSource({"9, 1", "10, 1", "41, 4", "73, 7", "74, 8", "105, 9"})
  void sequentialWindowsHitEveryTargetOnce(int length, int windows) {
    TokenSource tokens = TokenSource.of(IntStream.range(0, length).toArray());
    BatchSampler whole = new BatchSampler(new Dataset(tokens, tokens), BATCH, BLOCK, 0);
    List<Integer> targets = new ArrayList<>();
    int counted = 0;
    for (int batch = 0; batch < whole.sequentialCount(Split.VAL); batch++) {
      counted += whole.sequential(Split.VAL, batch, x, y);
      for (int i = 0; i < y.length; i++) {
        if (y[i] != BatchSampler.IGNORED) {
          assertThat(x[i]).isEqualTo(y[i] - 1);
          targets.add(y[i]);
        }
      }
    }
    assertThat(targets).isEqualTo(IntStream.range(1, length).boxed().toList());
    assertThat(counted).isEqualTo(length - 1);
    assertThat(whole.sequentialCount(Split.VAL)).isEqualTo(Math.ceilDiv(length - 1, BATCH * BLOCK));
  }

  @Test
  void aPartShorterThanOneWindowIsRefused() {
    Dataset small = new Dataset(TokenSource.of(new int[9]), TokenSource.of(new int[8]));
    assertThatThrownBy(() -> new BatchSampler(small, 1, 8, 0))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the val part has 8 tokens, but a context of 8 needs at least 9; give"
                + " a longer text or a smaller context");
  }

  private static int[] train(BatchSampler batches, int iteration, int microStep) {
    int[] inputs = new int[BATCH * BLOCK];
    batches.train(iteration, microStep, inputs, new int[BATCH * BLOCK]);
    return inputs;
  }
}
