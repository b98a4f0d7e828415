package jambic.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a server needs of the engine: ends that are told, waits that end, and numbers. */
@Timeout(60)
class EngineServiceTest {
  private static final int VOCAB = 37;
  private static final int CONTEXT = 150;
  private static final GptConfig CONFIG =
      new GptConfig(
          VOCAB, CONTEXT, 2, 2, 48, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f);

  private final Backend backend = Backends.open("auto", 2);
  private final Gpt model = new Gpt(backend, CONFIG, new Initializer(0.5f, true, 3));

  @AfterEach
  void close() {
    model.close();
    backend.close();
  }

  private InferenceEngine engine(int maxBatch, int cacheTokens) {
    return new InferenceEngine(model, Optional.empty(), maxBatch, cacheTokens);
  }

  private static void drive(InferenceEngine engine) {
    while (engine.step()) {}
  }

  private static GenerationRequest request(int token, int count) {
    return GenerationRequest.of(new int[] {token}, count);
  }

  /** Notes what it is told. */
  private static class Noting implements Completion.Listener {
    final List<String> told = new ArrayList<>();

    @Override
    public boolean onToken(GeneratedToken token) {
      told.add("token");
      return true;
    }

    @Override
    public void onEnd(FinishReason reason) {
      told.add("end " + reason);
    }

    @Override
    public void onFailure(RuntimeException why) {
      told.add("failure " + why.getMessage());
    }
  }

  @Test
  void theEndIsToldOnceAfterTheLastToken() {
    try (InferenceEngine engine = engine(2, 3 * CONTEXT)) {
      Noting whole = new Noting();
      Noting nothing = new Noting();
      Noting running = new Noting();
      Noting waiting = new Noting();
      engine.submit(request(1, 2), whole);
      engine.submit(request(1, 0), nothing);
      Completion first = engine.submit(request(1, 100), running);
      Completion second = engine.submit(request(1, 100), waiting);
      engine.step();
      first.cancel();
      second.cancel();
      drive(engine);
      assertThat(whole.told).containsExactly("token", "token", "end LENGTH");
      assertThat(nothing.told).containsExactly("end LENGTH");
      assertThat(running.told).containsExactly("token", "end CANCELLED");
      assertThat(waiting.told).containsExactly("end CANCELLED");
    }
  }

  @Test
  void closingTellsTheEndOfEveryRequest() {
    Noting running = new Noting();
    Noting waiting = new Noting();
    InferenceEngine engine = engine(1, CONTEXT);
    engine.submit(request(1, 9), running);
    engine.submit(request(1, 9), waiting);
    engine.step();
    engine.close();
    engine.close();
    assertThat(running.told).containsExactly("token", "end CANCELLED");
    assertThat(waiting.told).containsExactly("end CANCELLED");
  }

  @Test
  void aFailureIsToldOnceAndNoEnd() {
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      Noting throwing =
          new Noting() {
            @Override
            public boolean onToken(GeneratedToken token) {
              throw new IllegalArgumentException("no");
            }

            @Override
            public void onFailure(RuntimeException why) {
              super.onFailure(why);
              throw new IllegalStateException("nor this");
            }
          };
      Completion completion = engine.submit(request(1, 9), throwing);
      drive(engine);
      assertThat(throwing.told).containsExactly("failure no");
      assertThatThrownBy(completion::await)
          .hasMessage("no")
          .hasSuppressedException(new IllegalStateException("nor this"));
    }
  }

  @Test
  void anEndThatThrowsFailsItsOwnRequestOnly() {
    try (InferenceEngine engine = engine(2, 2 * CONTEXT)) {
      Noting throwing =
          new Noting() {
            @Override
            public void onEnd(FinishReason reason) {
              super.onEnd(reason);
              throw new IllegalArgumentException("no end");
            }
          };
      Completion bad = engine.submit(request(1, 1), throwing);
      Completion good = engine.submit(request(2, 3));
      drive(engine);
      assertThat(throwing.told).containsExactly("token", "end LENGTH");
      assertThatThrownBy(bad::await).hasMessage("no end");
      assertThat(good.await()).isEqualTo(FinishReason.LENGTH);
    }
  }

  @Test
  void whoIsToldTheEndMayReadAllThatCame() {
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      List<Completion> own = new ArrayList<>();
      List<GeneratedToken> read = new ArrayList<>();
      own.add(
          engine.submit(
              request(1, 5),
              new Noting() {
                @Override
                public void onEnd(FinishReason reason) {
                  own.getFirst().tokens().forEach(read::add);
                  assertThat(own.getFirst().await()).isEqualTo(reason);
                }
              }));
      drive(engine);
      own.getFirst().await();
      assertThat(read).hasSize(5);
    }
  }

  @Test
  void aTimedWaitEndsWithTheTimeOrTheCompletion() throws InterruptedException {
    InferenceEngine engine = engine(1, CONTEXT);
    Completion completion = engine.submit(request(1, 5));
    assertThat(completion.await(Duration.ZERO)).isEmpty();
    long start = System.nanoTime();
    assertThat(completion.await(Duration.ofMillis(30))).isEmpty();
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(30_000_000);
    Thread driver = Thread.ofPlatform().start(engine::run);
    assertThat(completion.await(Duration.ofSeconds(Long.MAX_VALUE))).contains(FinishReason.LENGTH);
    assertThat(completion.await(Duration.ofSeconds(-1))).contains(FinishReason.LENGTH);
    engine.close();
    driver.join();
  }

  @Test
  void numbersAreThereAmidAStep() throws InterruptedException {
    try (InferenceEngine engine = engine(1, 3 * CONTEXT)) {
      int pages = engine.statistics().pages();
      assertThat(engine.statistics())
          .isEqualTo(new EngineStatistics(0, 0, pages, pages, 0, 0, 0, 0));
      CountDownLatch inStep = new CountDownLatch(1);
      CountDownLatch asked = new CountDownLatch(1);
      engine.submit(
          GenerationRequest.of(new int[] {1, 2, 3}, 4),
          token -> {
            inStep.countDown();
            try {
              asked.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            return true;
          });
      engine.submit(request(1, 4));
      assertThat(engine.statistics().waiting()).isEqualTo(2);
      Thread driver = Thread.ofPlatform().start(() -> drive(engine));
      inStep.await();
      EngineStatistics amid = engine.statistics(); // would wait for ever if it took the monitor
      asked.countDown();
      driver.join();
      assertThat(amid).isEqualTo(new EngineStatistics(1, 1, pages, pages - 1, 3, 0, 1, 0));
      assertThat(engine.statistics())
          .isEqualTo(new EngineStatistics(0, 0, pages, pages, 4, 0, 8, 0));
    }
  }

  @Test
  void aBiasOfATokenThatCannotBeChosenIsRefused() {
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      GenerationRequest biased =
          request(1, 3)
              .withSampling(SamplingParams.GREEDY.withLogitBias(Map.of(5, 100f, VOCAB, 1f)));
      assertThatThrownBy(() -> engine.submit(biased))
          .isInstanceOf(JambicException.class)
          .hasMessage("the logit bias names token id 37, and those to choose from are 0 to 36");
      Completion fives =
          engine.complete(
              request(1, 3).withSampling(SamplingParams.GREEDY.withLogitBias(Map.of(5, 1e6f))),
              token -> true);
      assertThat(fives.ids()).containsExactly(5, 5, 5);
    }
  }
}
