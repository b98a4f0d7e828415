package jambic.app.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.app.terminal.LongRun.Start;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import org.junit.jupiter.api.Test;

class LongRunTest {
  private static final double MINUTE = 60e3;
  private static final TrainConfig CHAR = Preset.SHAKESPEARE_CHAR.config();

  @Test
  void halfAnHourIsNotLong() {
    assertThat(run(CHAR, Start.PRESET, "cpu").notice(30 * MINUTE)).isEmpty();
  }

  @Test
  void aLongRunNamesItsTimeTheSmallerPresetAndTheGpu() {
    assertThat(run(CHAR, Start.PRESET, "cpu").notice(360 * MINUTE))
        .contains(
            "this run will take about 6 hours more here; quicker: --preset shakespeare-char-cpu, or"
                + " an NVIDIA GPU (--backend cuda)");
    assertThat(run(CHAR, Start.PRESET, "cuda").notice(31 * MINUTE))
        .contains(
            "this run will take about 31 minutes more here; quicker: --preset"
                + " shakespeare-char-cpu");
  }

  @Test
  void aPresetThatTakesLongItselfIsNotNamed() {
    TrainConfig cpu = Preset.SHAKESPEARE_CHAR_CPU.config();
    assertThat(run(cpu, Start.PRESET, "cpu").notice(60 * 60 * MINUTE).orElseThrow())
        .startsWith("this run will take about 3 days more here; quicker: ")
        .doesNotContain("shakespeare-char-cpu");
    TrainConfig small = Preset.LECTURE_SMALL.config().with("maxIters", 2_000_000_000);
    assertThat(run(small, Start.PRESET, "cuda").notice(60 * MINUTE).orElseThrow())
        .endsWith("quicker: fewer --max-iters");
  }

  @Test
  void aStoredModelIsMadeSmallerByAnother() {
    TrainConfig xl = Preset.FINETUNE_SHAKESPEARE.config();
    assertThat(new LongRun(xl, xl.gpt(50_257), Start.MODEL, "cuda").notice(40 * MINUTE))
        .contains("this run will take about 40 minutes more here; quicker: --init gpt2");
  }

  @Test
  void aResumedRunHasNoOtherPreset() {
    assertThat(run(CHAR, Start.RESUMED, "cpu").notice(40 * MINUTE).orElseThrow())
        .endsWith("quicker: an NVIDIA GPU (--backend cuda)");
    assertThat(run(CHAR, Start.RESUMED, "cuda").notice(40 * MINUTE).orElseThrow())
        .endsWith("quicker: fewer --max-iters");
  }

  private static LongRun run(TrainConfig config, Start start, String backend) {
    return new LongRun(config, config.gpt(65), start, backend);
  }
}
