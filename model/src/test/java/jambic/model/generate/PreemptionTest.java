package jambic.model.generate;

import static jambic.model.generate.EngineFixture.CONTEXT;
import static jambic.model.generate.EngineFixture.VOCAB;
import static jambic.model.generate.EngineFixture.all;
import static jambic.model.generate.EngineFixture.drive;
import static jambic.model.generate.EngineFixture.prompt;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests take pages as they grow, and give them back to older ones. */
@Timeout(120)
class PreemptionTest {
  private static final int PAGE = 64;

  private final EngineFixture fixture = new EngineFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  /** Notes the tokens, in the order in which they come. */
  private static final class Noting implements Completion.Listener {
    final List<GeneratedToken> tokens = new ArrayList<>();
    final StringBuilder text = new StringBuilder();
    int ends;

    @Override
    public boolean onToken(GeneratedToken token) {
      tokens.add(token);
      return true;
    }

    @Override
    public boolean onText(String piece) {
      text.append(piece);
      return true;
    }

    @Override
    public void onEnd(FinishReason reason) {
      ends++;
    }
  }

  private static GenerationRequest any(Random random) {
    GenerationRequest request =
        GenerationRequest.of(
                prompt(random.nextInt(), 1 + random.nextInt(200)), 1 + random.nextInt(200))
            .withLogProbs(1)
            .withSampling(
                new SamplingParams(0.8f, 20, 0.95f, 1.1f, random.nextInt())
                    .withPresencePenalty(0.1f));
    return switch (random.nextInt(5)) {
      case 0 -> request.withPromptLogProbs(1);
      case 1 -> request.withStopTokens(Set.of(random.nextInt(VOCAB)));
      case 2 -> request.withStop(List.of(" ", "ab"));
      default -> request;
    };
  }

  @Test
  void whoGivesItsPagesToAnOlderOneLosesNothing() {
    Random random = new Random(7);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      requests.add(any(random));
    }
    try (InferenceEngine engine = fixture.engine(8, 7 * PAGE)) {
      List<Noting> notes = new ArrayList<>();
      List<Completion> completions = new ArrayList<>();
      for (GenerationRequest request : requests) {
        notes.add(new Noting());
        completions.add(engine.submit(request, notes.getLast()));
        engine.step();
      }
      drive(engine);
      assertThat(engine.statistics().preemptions()).isGreaterThan(10);
      for (int i = 0; i < requests.size(); i++) {
        Completion completion = completions.get(i);
        assertThat(all(completion)).as("request " + i).isEqualTo(fixture.alone(requests.get(i)));
        assertThat(notes.get(i).tokens).containsExactlyElementsOf(completion.tokens());
        assertThat(notes.get(i).text).hasToString(String.join("", completion.text()));
        assertThat(notes.get(i).ends).isEqualTo(1);
      }
      EngineStatistics end = engine.statistics();
      assertThat(end.freePages()).isEqualTo(7);
      assertThat(end.waiting() + end.running()).isZero();
      int prompts = requests.stream().mapToInt(request -> request.prompt().length).sum();
      assertThat(end.promptTokens()).isEqualTo(prompts); // none counts twice
    }
  }

  @Test
  void theOldestIsNeverInterrupted() {
    try (InferenceEngine engine = fixture.engine(4, 4 * PAGE)) {
      int length = 4 * PAGE - 10;
      List<Completion> completions = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        completions.add(engine.submit(GenerationRequest.of(new int[] {i}, length)));
      }
      for (int step = 0; step < length; step++) {
        engine.step();
        assertThat(completions.getFirst().ids()).hasSize(step + 1);
      }
      assertThat(engine.statistics().preemptions()).isPositive();
      drive(engine);
      assertThat(completions).allSatisfy(c -> assertThat(c.ids()).hasSize(length));
    }
  }

  @Test
  void theyAnswerInTheOrderInWhichTheyCame() {
    try (InferenceEngine engine = fixture.engine(3, 4 * PAGE)) {
      List<Integer> ended = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        int number = i;
        engine.submit(
            GenerationRequest.of(prompt(i, 60), 120),
            new Completion.Listener() {
              @Override
              public boolean onToken(GeneratedToken token) {
                return true;
              }

              @Override
              public void onEnd(FinishReason reason) {
                ended.add(number);
              }
            });
      }
      drive(engine);
      assertThat(ended).isSorted();
      assertThat(engine.statistics().preemptions()).isPositive();
    }
  }

  @Test
  void aRequestWithoutABoundDoesNotKeepOthersOut() {
    try (InferenceEngine engine = fixture.engine(4, CONTEXT)) {
      for (int i = 0; i < 4; i++) {
        engine.submit(GenerationRequest.of(new int[] {i}, CONTEXT - 1));
      }
      engine.step();
      assertThat(engine.statistics().running()).isEqualTo(4);
    }
  }

  @Test
  void whoIsInterruptedCanBeCancelled() {
    try (InferenceEngine engine = fixture.engine(2, 4 * PAGE)) {
      Completion oldest = engine.submit(GenerationRequest.of(prompt(1, 60), 190));
      Noting noting = new Noting();
      Completion youngest = engine.submit(GenerationRequest.of(prompt(2, 60), 190), noting);
      while (engine.statistics().preemptions() == 0) {
        engine.step();
      }
      int came = youngest.ids().length;
      youngest.cancel();
      drive(engine);
      assertThat(youngest.await()).isEqualTo(FinishReason.CANCELLED);
      assertThat(noting.tokens).hasSize(came).isNotEmpty();
      assertThat(noting.ends).isEqualTo(1);
      assertThat(oldest.ids()).hasSize(190);
      assertThat(engine.freePages()).isEqualTo(4);
    }
  }

  @Test
  void whatGoesOnPastTheContextIsTheSameInLittleRoom() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      requests.add(
          GenerationRequest.of(prompt(i, CONTEXT - 3 - 60 * i), 70)
              .withLogProbs(1)
              .withPastContext(ContextOverflow.CROP));
    }
    try (InferenceEngine engine = fixture.engine(3, 2 * CONTEXT)) {
      List<Completion> completions = requests.stream().map(engine::submit).toList();
      drive(engine);
      for (int i = 0; i < requests.size(); i++) {
        assertThat(all(completions.get(i))).isEqualTo(fixture.alone(requests.get(i)));
      }
      assertThat(engine.freePages()).isEqualTo(engine.statistics().pages());
    }
  }

  @Test
  void conversationsKeepTheirPagesWhateverElseIsServed() {
    Random random = new Random(3);
    int[] first = prompt(11, 70);
    int[] second = prompt(12, 5);
    List<String> expected;
    try (InferenceEngine engine = fixture.engine(1, CONTEXT);
        Conversation session = engine.session()) {
      session.complete(GenerationRequest.of(first, 30).withLogProbs(0), token -> true);
      expected =
          all(session.complete(GenerationRequest.of(second, 40).withLogProbs(0), token -> true));
    }
    try (InferenceEngine engine = fixture.engine(6, 9 * PAGE);
        Conversation session = engine.session()) {
      List<GenerationRequest> requests = new ArrayList<>();
      List<Completion> completions = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        requests.add(any(random));
        completions.add(engine.submit(requests.getLast()));
      }
      Completion one = session.submit(GenerationRequest.of(first, 30).withLogProbs(0));
      while (!one.isDone()) {
        engine.step();
      }
      for (int i = 0; i < 10; i++) {
        requests.add(any(random));
        completions.add(engine.submit(requests.getLast()));
        engine.step();
      }
      Completion two = session.submit(GenerationRequest.of(second, 40).withLogProbs(0));
      drive(engine);
      assertThat(all(two)).isEqualTo(expected);
      assertThat(engine.statistics().preemptions()).isPositive();
      for (int i = 0; i < requests.size(); i++) {
        assertThat(all(completions.get(i))).isEqualTo(fixture.alone(requests.get(i)));
      }
    }
  }

  @Test
  void whoCannotBeServedBesideOpenConversationsWaitsOrIsRefusedBeforeItsFirstToken() {
    try (InferenceEngine engine = fixture.engine(3, 4 * PAGE)) {
      Conversation session = engine.session();
      session.complete(GenerationRequest.of(prompt(1, 60), 60), token -> true); // 2 pages
      Noting noting = new Noting();
      GenerationRequest large = GenerationRequest.of(prompt(2, 60), 120); // 3 to its end
      assertThatThrownBy(() -> engine.complete(large, noting))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("close one");
      assertThat(noting.tokens).isEmpty();

      Completion running = engine.submit(GenerationRequest.of(prompt(2, 60), 60)); // 2
      engine.step();
      try (Conversation other = engine.session()) {
        Completion late = other.submit(GenerationRequest.of(prompt(3, 10), 10)); // 1
        engine.step();
        assertThat(engine.statistics().running()).isEqualTo(1); // that page may be needed
        drive(engine);
        assertThat(late.ids()).hasSize(10);
        assertThat(running.ids()).hasSize(60);
      }
      session.close();
      assertThat(engine.complete(large, noting).ids()).hasSize(120);
    }
  }

  @Test
  void closingAConversationEndsWhatItHasInWork() {
    try (InferenceEngine engine = fixture.engine(2, CONTEXT)) {
      Conversation session = engine.session();
      Completion own = session.submit(GenerationRequest.of(prompt(1, 10), 100));
      Completion beside = engine.submit(GenerationRequest.of(prompt(2, 10), 100));
      engine.step();
      engine.step();
      session.close();
      drive(engine);
      assertThat(own.await()).isEqualTo(FinishReason.CANCELLED);
      assertThat(own.ids()).hasSize(2);
      assertThat(beside.ids()).hasSize(100);
      assertThat(engine.freePages()).isEqualTo(engine.statistics().pages());
    }
  }

  @Test
  void aLongPromptKeepsNobodyFromWriting() {
    try (InferenceEngine engine = fixture.engine(4, 3 * CONTEXT)) {
      Completion writing = engine.submit(GenerationRequest.of(prompt(1, 20), 50));
      engine.step();
      Completion first = engine.submit(GenerationRequest.of(prompt(2, CONTEXT - 10), 5));
      Completion second = engine.submit(GenerationRequest.of(prompt(3, CONTEXT - 10), 5));
      int steps = 0;
      while (second.ids().length == 0) {
        engine.step();
        steps++;
        assertThat(writing.ids()).hasSize(1 + steps);
      }
      assertThat(steps).isBetween(3, 4); // 512 tokens of prompts a step
      assertThat(first.ids()).isNotEmpty();
      drive(engine);
    }
  }
}
