package jambic.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Known answers are those of Random123, which the authors of Philox published. */
class PhiloxTest {
  @Test
  void zeros() {
    assertThat(block(0, 0, 0, 0, 0))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
  }

  @Test
  void ones() {
    assertThat(block(-1L, -1, -1, -1, -1))
        .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
  }

  @Test
  void digitsOfPi() {
    assertThat(block(0x299f31d0_a4093822L, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344))
        .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
  }

  @Test
  void aSequenceIsTheBlocksOfItsStream() {
    Philox random = new Philox(42, 7);
    for (int block = 0; block < 3; block++) {
      for (int word : block(42, block, 0, 0, 7)) {
        assertThat(random.nextInt()).isEqualTo(word);
      }
    }
  }

  @Test
  void boundedIntegersReachEveryValueEvenly() {
    Philox random = new Philox(1, 0);
    int[] counts = new int[7];
    for (int i = 0; i < 70_000; i++) {
      counts[random.nextInt(7)]++;
    }
    // 10,000 each; five deviations of the binomial distribution.
    for (int count : counts) {
      assertThat(count).isBetween(9_535, 10_465);
    }
  }

  @Test
  void doublesFillTheUnitInterval() {
    Philox random = new Philox(2, 0);
    double sum = 0;
    for (int i = 0; i < 100_000; i++) {
      double x = random.nextDouble();
      assertThat(x >= 0 && x < 1).isTrue();
      sum += x;
    }
    assertThat(sum / 100_000).isBetween(0.495, 0.505);
  }

  @Test
  void gaussiansHaveTheirMoments() {
    Philox random = new Philox(3, 0);
    int n = 200_000;
    double[] moments = new double[5];
    for (int i = 0; i < n; i++) {
      double x = random.nextGaussian();
      for (int k = 1; k < 5; k++) {
        moments[k] += Math.pow(x, k) / n;
      }
    }
    assertThat(moments[1]).isBetween(-0.012, 0.012);
    assertThat(moments[2]).isBetween(0.98, 1.02);
    assertThat(moments[3]).isBetween(-0.05, 0.05);
    assertThat(moments[4]).isBetween(2.88, 3.12);
  }

  private static int[] block(long key, int c0, int c1, int c2, int c3) {
    int[] words = new int[4];
    Philox.block(words, key, c0, c1, c2, c3);
    return words;
  }
}
