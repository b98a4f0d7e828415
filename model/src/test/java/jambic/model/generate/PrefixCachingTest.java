package jambic.model.generate;

import static jambic.model.generate.EngineFixture.CONTEXT;
import static jambic.model.generate.EngineFixture.all;
import static jambic.model.generate.EngineFixture.concat;
import static jambic.model.generate.EngineFixture.drive;
import static jambic.model.generate.EngineFixture.prompt;
import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.gpt.Gpt;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Prompts with the same beginning share it, and nothing that comes of them differs. */
@Timeout(120)
class PrefixCachingTest {
  private static final int PAGE = 64;

  private final EngineFixture fixture = new EngineFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private static GenerationRequest request(int[] prompt) {
    return GenerationRequest.of(prompt, 12).withLogProbs(2);
  }

  private static long cached(InferenceEngine engine) {
    return engine.statistics().cachedPromptTokens();
  }

  /** Wherever reading begins within a chunk, and however little is left of one. */
  @Test
  void aPromptThatBeginsAsAnotherHasTheBitsThatItHasAlone() {
    try (InferenceEngine engine = fixture.engine(4, 4 * CONTEXT)) {
      engine.complete(request(prompt(1, CONTEXT - 20)), token -> true);
      for (int same : new int[] {63, 64, 65, 130, 449, 511, 512, 513, 576, 640}) {
        for (int more : new int[] {1, 4, 8, 9, 30}) {
          int[] ids = concat(Arrays.copyOf(prompt(1, CONTEXT - 20), same), prompt(2, more));
          if (ids.length > CONTEXT - 12) {
            continue;
          }
          long before = cached(engine);
          Completion completion = engine.complete(request(ids), token -> true);
          assertThat(all(completion))
              .as(same + " tokens, then " + more)
              .isEqualTo(fixture.alone(request(ids)));
          long took = cached(engine) - before;
          assertThat(took % PAGE).isZero();
          // A page less where fewer than 9 tokens would be left of a chunk of 512.
          long most = (ids.length - 1) / PAGE * PAGE;
          assertThat(took).isBetween(Math.min(same / PAGE * PAGE, most - PAGE), most);
        }
      }
      assertThat(engine.freePages()).isEqualTo(engine.statistics().pages());
    }
  }

  @Test
  void answersToOnePromptShareItsWholePages() {
    int[] ids = prompt(5, 3 * PAGE + 20);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      requests.add(request(ids).withSampling(new SamplingParams(1, 0, 1, i)));
    }
    try (InferenceEngine engine = fixture.engine(6, 4 * CONTEXT)) {
      List<Completion> completions = requests.stream().map(engine::submit).toList();
      engine.step();
      engine.step();
      EngineStatistics amid = engine.statistics();
      assertThat(amid.cachedPromptTokens()).isEqualTo(5 * 3 * PAGE);
      assertThat(amid.pages() - amid.freePages()).isEqualTo(3 + 6); // and one for each
      drive(engine);
      for (int i = 0; i < 6; i++) {
        assertThat(all(completions.get(i))).isEqualTo(fixture.alone(requests.get(i)));
      }
    }
  }

  @Test
  void theNextTurnOfAChatReadsOnlyWhatIsNew() {
    try (InferenceEngine engine = fixture.engine(1, 2 * CONTEXT)) {
      int[] first = prompt(1, 200);
      Completion answer = engine.complete(request(first), token -> true);
      int[] second = concat(concat(first, answer.ids()), prompt(2, 90));
      Completion next = engine.complete(request(second), token -> true);
      assertThat(cached(engine)).isEqualTo(3 * PAGE);
      assertThat(all(next)).isEqualTo(fixture.alone(request(second)));
    }
  }

  @Test
  void whatIsRememberedMakesRoomForWhatComes() {
    Random random = new Random(2);
    try (InferenceEngine engine = fixture.engine(4, 6 * PAGE)) {
      List<GenerationRequest> requests = new ArrayList<>();
      List<Completion> completions = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        int[] ids = concat(prompt(random.nextInt(3), 140), prompt(random.nextInt(), 60));
        int length = 20 + random.nextInt(180);
        requests.add(request(Arrays.copyOf(ids, length)));
        completions.add(engine.submit(requests.getLast()));
        engine.step();
      }
      drive(engine);
      assertThat(cached(engine)).isBetween(10L * PAGE, engine.statistics().promptTokens());
      for (int i = 0; i < requests.size(); i++) {
        assertThat(all(completions.get(i))).isEqualTo(fixture.alone(requests.get(i)));
      }
      assertThat(engine.freePages()).isEqualTo(6);
    }
  }

  @Test
  void theSameTokensElsewhereAreSomethingElse() {
    try (InferenceEngine engine = fixture.engine(1, 2 * CONTEXT)) {
      int[] page = prompt(1, PAGE);
      int[] ids = concat(concat(prompt(2, PAGE), page), prompt(3, 20));
      engine.complete(request(concat(page, prompt(3, 20))), token -> true);
      assertThat(all(engine.complete(request(ids), token -> true)))
          .isEqualTo(fixture.alone(request(ids)));
      assertThat(cached(engine)).isZero();
    }
  }

  @Test
  void nothingIsLeftOfWeightsThatWereChanged() {
    int[] ids = prompt(1, 200);
    try (InferenceEngine engine = fixture.engine(2, 2 * CONTEXT)) {
      List<String> old = all(engine.complete(request(ids), token -> true));
      Completion unended = engine.submit(request(concat(ids, prompt(2, 100))));
      engine.step();
      change();
      engine.forgetPrefixes();
      Completion changed = engine.submit(request(ids));
      drive(engine);
      assertThat(unended.isDone()).isTrue();
      assertThat(all(changed)).isEqualTo(fixture.alone(request(ids))).isNotEqualTo(old);
      assertThat(all(engine.complete(request(ids), token -> true))).isEqualTo(all(changed));
      assertThat(engine.freePages()).isEqualTo(engine.statistics().pages());
    }
  }

  @Test
  void anEngineOfAModelInTrainingRemembersNothingWhenItHasNothingToDo() {
    int[] ids = prompt(1, 210);
    try (Region gradients = fixture.backend.region();
        InferenceEngine engine = fixture.engine(2, 2 * CONTEXT)) {
      fixture.model.parameters().train(gradients);
      engine.complete(request(ids), token -> true);
      change();
      assertThat(all(engine.complete(request(ids), token -> true)))
          .isEqualTo(fixture.alone(request(ids)));
      assertThat(cached(engine)).isZero();
      engine.submit(request(ids));
      engine.submit(request(ids));
      drive(engine);
      assertThat(cached(engine)).isEqualTo(3 * PAGE); // side by side they share
    }
  }

  @Test
  void aGeneratorForgetsBetweenTwoTexts() {
    int[] ids = prompt(1, 200);
    try (Generator generator = new Generator(fixture.model, 1);
        Generator fresh = new Generator(fixture.model, 1)) {
      generator.generate(ids, 10, SamplingParams.GREEDY, (row, token) -> true);
      change();
      assertThat(generator.generate(ids, 10, SamplingParams.plain(1), (row, token) -> true))
          .isEqualTo(fresh.generate(ids, 10, SamplingParams.plain(1), (row, token) -> true));
    }
  }

  private void change() {
    Tensor tensor = fixture.model.parameters().get("wpe.weight");
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] = -values[i];
    }
    tensor.set(values);
  }

  @Test
  void aPromptWhoseScoresAreWantedIsReadWholly() {
    int[] ids = prompt(1, 300);
    GenerationRequest scored = request(ids).withPromptLogProbs(1);
    try (InferenceEngine engine = fixture.engine(2, 2 * CONTEXT)) {
      engine.complete(request(ids), token -> true);
      assertThat(all(engine.complete(scored, token -> true))).isEqualTo(fixture.alone(scored));
      assertThat(cached(engine)).isZero();
    }
  }

  @Test
  void int8WeightsChangeNothingOfThat() {
    try (Gpt quantized = fixture.model.quantized()) {
      for (int length : new int[] {150, 200, 330, 560}) {
        GenerationRequest request = request(prompt(1, length));
        List<List<String>> answers = new ArrayList<>();
        try (InferenceEngine engine =
            new InferenceEngine(quantized, Optional.of(fixture.tokenizer), 1, CONTEXT)) {
          answers.add(all(engine.complete(request, token -> true)));
          answers.add(all(engine.complete(request, token -> true)));
          assertThat(cached(engine)).isPositive();
        }
        assertThat(answers.getLast()).isEqualTo(answers.getFirst());
      }
    }
  }
}
