package jambic.tensor.cpu.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkersTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 9})
  void everyPieceRunsOnceAndItsWritesAreSeen(int threads) {
    try (Workers workers = new Workers(threads)) {
      for (int round = 0; round < 20_000 / threads; round++) {
        int count = round % 13;
        int[] seen = new int[count]; // plain: visibility is the pool's promise
        int stamp = round + 1;
        workers.parallel(count, (i, w) -> seen[i] += stamp + i);
        for (int i = 0; i < count; i++) {
          assertThat(seen[i]).isEqualTo(stamp + i);
        }
      }
    }
  }

  @Test
  void aWorkerNumberIsHeldByOneThreadAtATime() {
    try (Workers workers = new Workers(3)) {
      AtomicIntegerArray inside = new AtomicIntegerArray(3);
      AtomicInteger clashes = new AtomicInteger();
      for (int round = 0; round < 500; round++) {
        workers.parallel(
            16,
            (i, w) -> {
              if (inside.incrementAndGet(w) != 1) {
                clashes.incrementAndGet();
              }
              Thread.onSpinWait();
              inside.decrementAndGet(w);
            });
      }
      assertThat(clashes).hasValue(0);
    }
  }

  @Test
  void wakesWorkersThatHaveParked() throws InterruptedException {
    try (Workers workers = new Workers(2)) {
      for (int round = 0; round < 20; round++) {
        Thread.sleep(2);
        AtomicInteger met = new AtomicInteger();
        // Two pieces that wait for each other: neither can end unless both threads take part.
        workers.parallel(
            2,
            (i, w) -> {
              met.incrementAndGet();
              while (met.get() < 2) {
                Thread.onSpinWait();
              }
            });
        assertThat(met).hasValue(2);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void everyWorkerBeginsWithItsOwnShareAndHelpsTheOthers(int threads) {
    try (Workers workers = new Workers(threads)) {
      int share = 5;
      for (int round = 0; round < 100; round++) {
        int[] ranBy = new int[threads * share];
        AtomicInteger met = new AtomicInteger();
        AtomicInteger left = new AtomicInteger(threads * share - 1);
        // Everyone waits in the first piece of a share, worker 0 until all other pieces are done.
        workers.parallel(
            threads * share,
            (i, w) -> {
              ranBy[i] = w;
              if (i % share == 0) {
                met.incrementAndGet();
                while (met.get() < threads) {
                  Thread.onSpinWait();
                }
              }
              if (i == 0) {
                while (left.get() > 0) {
                  Thread.onSpinWait();
                }
              } else {
                left.decrementAndGet();
              }
            });
        for (int w = 0; w < threads; w++) {
          assertThat(ranBy[w * share]).isEqualTo(w);
        }
        assertThat(Arrays.copyOfRange(ranBy, 1, share)).doesNotContain(0);
      }
    }
  }

  @Test
  void theCallerParksWhileAWorkerIsSlow() {
    try (Workers workers = new Workers(2)) {
      int[] done = new int[2];
      AtomicInteger met = new AtomicInteger();
      workers.parallel(
          2,
          (i, w) -> {
            met.incrementAndGet();
            while (met.get() < 2) {
              Thread.onSpinWait();
            }
            if (w != 0) {
              sleep(20);
            }
            done[i] = 1;
          });
      assertThat(done).containsOnly(1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void theFirstExceptionReachesTheCallerAndThePoolGoesOn(int threads) {
    try (Workers workers = new Workers(threads)) {
      for (int round = 0; round < 200; round++) {
        assertThatThrownBy(() ->
                workers.parallel(
                    8,
                    (i, w) -> {
                      if (i == 3) {
                        throw new UnsupportedOperationException("piece 3");
                      }
                    }))
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessage("piece 3");
        AtomicInteger ran = new AtomicInteger();
        workers.parallel(8, (i, w) -> ran.incrementAndGet());
        assertThat(ran).hasValue(8);
      }
    }
  }

  @Test
  void refusesNestedLaunchesAndUseAfterClose() {
    Workers workers = new Workers(2);
    assertThatThrownBy(() -> workers.parallel(2, (i, w) -> workers.parallel(2, (j, v) -> {})))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("already runs");
    assertThatThrownBy(() -> workers.parallel(1, (i, w) -> workers.parallel(1, (j, v) -> {})))
        .isInstanceOf(IllegalStateException.class) // both would use the scratch of worker 0
        .hasMessageContaining("already runs");
    workers.close();
    workers.close();
    assertThatThrownBy(() -> workers.parallel(2, (i, w) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatIllegalArgumentException().isThrownBy(() -> new Workers(0));
  }

  @Test
  void scratchIsReusedAndGrows() {
    try (Workers workers = new Workers(2)) {
      float[] first = workers.scratch(1, 100);
      assertThat(first.length).isGreaterThanOrEqualTo(100);
      assertThat(workers.scratch(1, 40)).isSameAs(first);
      assertThat(workers.scratch(0, 40)).isNotSameAs(first);
      assertThat(workers.scratch(1, 1000).length).isGreaterThanOrEqualTo(1000);
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
