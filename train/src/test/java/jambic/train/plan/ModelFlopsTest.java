package jambic.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class ModelFlopsTest {
  @Test
  void countsAsNanoGptDoes() {
    // GPT-2 124M at a context of 1024: 6 * 123,653,376 + 12 * 12 * 768 * 1024
    assertThat(ModelFlops.perToken(123_653_376, 12, 768, 1024)).isEqualTo(855_166_464.0);
  }

  @Test
  void utilizationIsTheShareOfThePeak() {
    var flops = new ModelFlops(6e6, OptionalDouble.of(120e9), "FMA peak of 2 threads, measured");
    // 768 tokens of 6 MFLOP in 76.8 ms are 60 GFLOP/s, half of 120.
    assertThat(flops.utilization(768, 0.0768).getAsDouble()).isCloseTo(0.5, within(1e-12));
    assertThat(flops.describe())
        .contains("(6 N + 12 L C T)")
        .contains("FMA peak of 2 threads, measured");
  }

  @Test
  void withoutAPeakThereIsNoUtilization() {
    var flops = new ModelFlops(6e6, OptionalDouble.empty(), "");
    assertThat(flops.utilization(768, 0.0768)).isEmpty();
    assertThat(flops.describe()).contains("no mfu");
  }
}
