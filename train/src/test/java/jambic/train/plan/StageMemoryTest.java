package jambic.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import org.junit.jupiter.api.Test;

class StageMemoryTest {
  @Test
  void ppoTakesFortyBytesAParameterAndWithAdaptersLess() {
    assertThat(StageMemory.of("ppo", 1000, 0).total()).isEqualTo(40_000);
    assertThat(StageMemory.of("ppo", 1000, 10).total()).isEqualTo(28_160);
    assertThat(StageMemory.of("dpo", 1000, 0).total()).isEqualTo(20_000);
    assertThat(StageMemory.of("sft", 1000, 0).total()).isEqualTo(16_000);
    assertThat(StageMemory.of("grpo", 1000, 0).models()).hasSize(3);
  }

  @Test
  void unknownStagesAndAdaptersOfAClassifierAreRefused() {
    assertThatThrownBy(() -> StageMemory.of("rlhf", 1, 0))
        .isInstanceOf(JambicException.class)
        .hasMessage("there is no stage rlhf; sft, classify, reward, dpo, kto, ppo, grpo are");
    assertThatThrownBy(() -> StageMemory.of("reward", 1, 1)).hasMessageContaining("no adapters");
  }
}
