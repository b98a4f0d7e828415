package jambic.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import jambic.model.text.CharTokenizer;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.Trainer;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.data.Dataset;
import jambic.train.data.TokenSource;
import jambic.train.run.RunListener;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MemoryEstimateTest {
  private static final int VOCAB = 65;

  /** Larger than the 16 MiB in which regions grow, so that these do not hide what is counted. */
  private static final Map<String, Object> LARGE =
      Map.of(
          "nLayer",
          3,
          "nEmbd",
          192,
          "nHead",
          6,
          "batchSize",
          16,
          "blockSize",
          128,
          "maxIters",
          1,
          "evalInterval",
          1,
          "evalIters",
          1);

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Preset.class)
  void aRunTakesWhatWasEstimatedToTheByte(Preset preset) {
    TrainConfig config = preset.config().withAll(LARGE);
    MemoryEstimate estimate = MemoryEstimate.of(config, VOCAB, Long.MAX_VALUE);
    assertThat(estimate.regions()).isEqualTo(taken(config));
    assertThat(estimate.activations())
        .isLessThan(estimate.regions().get(3))
        .isCloseTo(estimate.regions().get(3), withinPercentage(20));
  }

  @Test
  void smallRunsTakeWhatWasEstimatedToTheByteToo() {
    TrainConfig config =
        Preset.LECTURE_SMALL
            .config()
            .withAll(
                Map.of(
                    "maxIters", 1, "evalInterval", 1, "evalIters", 1, "nEmbd", 36, "dropout", 0.1));
    assertThat(MemoryEstimate.of(config, VOCAB, Long.MAX_VALUE).regions()).isEqualTo(taken(config));
  }

  @Test
  void aRunWithMuonTakesWhatWasEstimatedToTheByte() {
    TrainConfig config =
        Preset.SHAKESPEARE_CHAR_CPU.config().withAll(LARGE).with("optimizer", "muon");
    assertThat(MemoryEstimate.of(config, VOCAB, Long.MAX_VALUE).regions()).isEqualTo(taken(config));
  }

  @Test
  void muonKeepsOneMomentOfTheBlocksMatricesAndComputesInMatricesThatTheyShare() {
    TrainConfig config = Preset.SHAKESPEARE_CHAR.config().with("optimizer", "muon");
    long c = config.model().nEmbd();
    long matrices = config.model().nLayer() * 12 * c * c;
    long others = config.gpt(VOCAB).parameterCount() - matrices;
    long shared = 2 * (c * c + 4 * c * c + 4 * c * c) + 3 * 2 * c * c; // of three shapes
    long scalars = 8;
    assertThat(MemoryEstimate.of(config, VOCAB, Long.MAX_VALUE).moments())
        .isEqualTo(4 * (matrices + 2 * others + shared + scalars));
  }

  @Test
  void whatIsKeptBesidesIsCountedByTheParameter() {
    TrainConfig config = Preset.SHAKESPEARE_CHAR.config();
    MemoryEstimate estimate = MemoryEstimate.of(config, VOCAB, Long.MAX_VALUE);
    long parameters = config.gpt(VOCAB).parameterCount();
    assertThat(estimate.weights()).isEqualTo(4 * parameters);
    assertThat(estimate.gradients()).isEqualTo(4 * parameters);
    long scalars = 5 * 4; // the norm, the clip factor and what AdamW reads
    assertThat(estimate.moments()).isEqualTo(8 * parameters + scalars);
    MemoryEstimate mixed = MemoryEstimate.mixed(config, VOCAB, Long.MAX_VALUE);
    assertThat(mixed.weights()).isEqualTo(6 * parameters);
    assertThat(mixed.gradients() + mixed.moments()).isEqualTo(12 * parameters + scalars);
    assertThat((double) mixed.activations())
        .isBetween(0.5 * estimate.activations(), 0.51 * estimate.activations());
  }

  /** The bytes of the regions that a real run opens, in its order. */
  private List<Long> taken(TrainConfig config) {
    List<Region> opened = new ArrayList<>();
    String text =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,.".substring(0, VOCAB);
    CharTokenizer tokenizer = CharTokenizer.of(text);
    Dataset data =
        Dataset.split(
            TokenSource.of(tokenizer.encode(text.repeat(60))), config.model().blockSize(), "text");
    try (Backend real = Backends.open();
        Trainer trainer =
            Trainer.begin(watched(real, opened), config, data, tokenizer, folder.resolve("run"))) {
      trainer.run(new RunListener() {});
      return opened.stream().map(Region::bytes).toList();
    }
  }

  /** The backend itself, but for a list of the regions that it opens. */
  private static Backend watched(Backend real, List<Region> opened) {
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, method, args) -> {
              Object result = method.invoke(real, args);
              if (result instanceof Region region) {
                opened.add(region);
              }
              return result;
            });
  }

  @Test
  void aRunThatNeedsMoreThanIsFreeIsWarnedOf() throws IOException {
    MemoryEstimate estimate = new MemoryEstimate(1L << 30, 1L << 30, 2L << 30, 4L << 30, List.of());
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
                + " GiB, unused ends of chunks \\d+ [MG]iB\\), but the heap holds at most 6.0 GiB; lower batchSize, blockSize or"
                + " nEmbd, or give Java a larger heap with -Xmx");
    long taken = estimate.regions().stream().mapToLong(Long::longValue).sum();
    estimate.requireWithin(taken);
    assertThatThrownBy(() -> estimate.requireWithin(taken - 1)).isInstanceOf(JambicException.class);
  }

  @Test
  void aSmallRunTakesAtMostTwiceWhatItNeeds() {
    MemoryEstimate estimate =
        MemoryEstimate.of(Preset.LECTURE_SMALL.config(), VOCAB, Long.MAX_VALUE);
    long taken = estimate.regions().stream().mapToLong(Long::longValue).sum();
    assertThat(taken).isLessThan(2 * estimate.total()).isLessThan(6L << 20);
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
