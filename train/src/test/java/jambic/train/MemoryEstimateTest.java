package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import jambic.model.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MemoryEstimateTest {
  private static final int VOCAB = 65;

  /** Large enough that the 16 MiB in which regions grow do not hide what is measured. */
  private static final Map<String, Object> LARGE =
      Map.of("nLayer", 3, "nEmbd", 192, "nHead", 6, "batchSize", 16, "blockSize", 128);

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(Preset.class)
  void aStepTakesWhatWasEstimated(Preset preset) {
    TrainConfig config = preset.config().withAll(LARGE);
    MemoryEstimate estimate = MemoryEstimate.of(config, VOCAB, Long.MAX_VALUE);
    try (Backend backend = Backends.open();
        Region gradients = backend.region();
        Region state = backend.region();
        Region activations = backend.region();
        Gpt model = new Gpt(backend, config.gpt(VOCAB), config.init())) {
      model.parameters().train(gradients);
      AdamW optimizer = new AdamW(backend, state, model.parameters(), config);
      TrainingStep step = new TrainingStep(model, optimizer, config, activations);
      step.run(0, 1e-3, (micro, x, y) -> {});
      assertThat(estimate.activations()).isCloseTo(activations.bytes(), withinPercentage(20));
      assertThat(estimate.weights()).isEqualTo(4 * model.parameters().count());
      assertThat(estimate.gradients()).isLessThanOrEqualTo(gradients.bytes());
      assertThat(estimate.moments())
          .isLessThanOrEqualTo(state.bytes())
          .isCloseTo(2 * estimate.weights(), withinPercentage(0.1));
    }
  }

  @Test
  void aRunThatNeedsMoreThanIsFreeIsWarnedOf() throws IOException {
    MemoryEstimate estimate = new MemoryEstimate(1L << 30, 1L << 30, 2L << 30, 4L << 30);
    Path memInfo = folder.resolve("meminfo");
    Files.writeString(
        memInfo,
        "MemTotal: 99999999 kB\nMemFree: 5 kB\nMemAvailable:    3145728 kB\nCached: 1 kB\n");
    assertThat(estimate.warning(AvailableMemory.bytes(memInfo)))
        .contains(
            "the run will need 8.0 GiB, but only 3.0 GiB of memory are free now: close other"
                + " programs, or the system may stop it");
    Files.writeString(memInfo, "MemAvailable: 9999999 kB\n");
    assertThat(estimate.warning(AvailableMemory.bytes(memInfo))).isEmpty();
    for (String silent : new String[] {"", "MemTotal: 1 kB\n", "MemAvailable: many\n"}) {
      Files.writeString(memInfo, silent);
      assertThat(AvailableMemory.bytes(memInfo)).isEmpty();
    }
    assertThat(AvailableMemory.bytes(folder.resolve("none"))).isEmpty();
  }

  @Test
  void aRunThatDoesNotFitIsRefusedWithFiguresAndARemedy() {
    TrainConfig config = Preset.LECTURE.config().with("batchSize", 6400);
    MemoryEstimate estimate = MemoryEstimate.of(config, VOCAB, 6L << 30);
    assertThatThrownBy(() -> estimate.requireWithin(6L << 30))
        .isInstanceOf(JambicException.class)
        .hasMessageMatching(
            "the run would need \\d+ GiB \\(model, gradients and moments \\d+ MiB, activations \\d+"
                + " GiB\\), but the heap holds at most 6.0 GiB; lower batchSize, blockSize or"
                + " nEmbd, or give Java a larger heap with -Xmx");
    estimate.requireWithin(estimate.total());
  }

  @Test
  void aModelThatDoesNotFitIsRefusedWithoutGoingThroughIt() {
    TrainConfig config =
        Preset.LECTURE.config().withAll(Map.of("nLayer", 1_000_000_000, "nEmbd", 384));
    MemoryEstimate estimate = MemoryEstimate.of(config, VOCAB, 1L << 30);
    assertThatThrownBy(() -> estimate.requireWithin(1L << 30))
        .hasMessageStartingWith("the model alone would need 25 PiB with its gradients and moments");
  }

  @Test
  void whatCannotBeCountedIsRefused() {
    TrainConfig config =
        Preset.LECTURE
            .config()
            .withAll(Map.of("nLayer", 2, "nEmbd", 500_000_004, "nHead", 1, "blockSize", 8));
    assertThatThrownBy(() -> MemoryEstimate.of(config, VOCAB, Long.MAX_VALUE))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("more memory than any machine has");
  }

  @Test
  void bytesAreSaidInTheUnitThatFits() {
    assertThat(MemoryEstimate.human(512)).isEqualTo("0.5 KiB");
    assertThat(MemoryEstimate.human(1023L << 10)).isEqualTo("1.0 MiB");
    assertThat(MemoryEstimate.human(25L << 30)).isEqualTo("25 GiB");
    assertThat(MemoryEstimate.human(Long.MAX_VALUE)).isEqualTo("8.0 EiB");
  }
}
