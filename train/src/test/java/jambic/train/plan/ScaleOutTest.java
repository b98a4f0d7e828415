package jambic.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The model of communication against runs that others published. */
class ScaleOutTest {
  private static final DeviceSpec A100 = DeviceSpec.named("a100").orElseThrow();
  private static final long GIB = 1L << 30;

  private static Network network(String name) {
    return Network.named(name).orElseThrow();
  }

  /** Narayanan et al. 2021 (arXiv 2104.04473), table 1: 1.7B on 32 A100, 137 TFLOP/s a GPU. */
  @Test
  void megatronsSmallestRowIsWithinThreePoints() {
    double parameters = 1.7e9;
    double tokens = 512 * 2048 / 32.0;
    double mfu = 0.45; // of one GPU
    double compute = 8 * parameters * tokens / (312e12 * mfu); // it recomputes activations
    ScaleOut scale =
        new ScaleOut(network("a100-hdr"), 32, (long) parameters, compute, memory(), A100);
    assertThat(100 * mfu * scale.efficiency()).isCloseTo(100 * 137 / 312.0, within(3.0));
  }

  /** Modal's runs of nanoGPT on H100 tell of 3 ms on 16 and on 64 that are not hidden. */
  @ParameterizedTest
  @CsvSource({"16, 2.0", "64, 2.6"})
  void halfGradientsOfGpt2TakeMillisecondsOnH100(int devices, double ms) {
    assertThat(1e3 * network("h100-ndr").allReduce(devices, 124e6 * 2)).isCloseTo(ms, within(0.1));
  }

  @Test
  void eachDeviceSendsGradientsAndWeightsOnce() {
    ScaleOut scale = new ScaleOut(network("ethernet-1g"), 4, 1000, 1, memory(), A100);
    assertThat(scale.bytes()).isEqualTo(2 * 4 * 1000 * 3 / 4.0);
  }

  @Test
  void onlyMomentsAreDivided() {
    ScaleOut scale = new ScaleOut(network("a100-hdr"), 8, 1000, 1, memory(), A100);
    assertThat(scale.replicated()).isEqualTo(100 * GIB);
    assertThat(scale.sharded()).isEqualTo((30 + 20 + 10 + 5) * GIB);
    assertThat(scale.dividedAll()).isEqualTo((90 / 8 * GIB) + GIB / 4 + 10 * GIB);
    assertThat(scale.fits()).isTrue();
    assertThat(scale.leastSharded()).hasValue(4);
  }

  @Test
  void weightsThatDoNotFitAloneFitOnNoNumberOfDevices() {
    MemoryEstimate large = new MemoryEstimate(60 * GIB, 40 * GIB, 80 * GIB, GIB, List.of());
    ScaleOut scale = new ScaleOut(network("a100-hdr"), 64, 1000, 1, large, A100);
    assertThat(scale.fits()).isFalse();
    assertThat(scale.leastSharded()).isEmpty();
  }

  @Test
  void sharesOfMicroBatchesKeepFewerPartialSums() {
    MemoryEstimate one = new MemoryEstimate(4, 4 * 8, 8, 16, List.of()); // 8 lanes: 3 levels
    assertThat(one.shared(8, 2).gradients()).isEqualTo(3 * 8);
    assertThat(one.shared(8, 8).gradients()).isEqualTo(8);
    assertThat(one.shared(8, 3)).isEqualTo(one);
  }

  private static MemoryEstimate memory() {
    return new MemoryEstimate(30 * GIB, 20 * GIB, 40 * GIB, 10 * GIB, List.of());
  }
}
