package jambic.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class InferenceEngineTest {
  private static final int VOCAB = 37;
  private static final int CONTEXT = 150;
  private static final GptConfig CONFIG =
      new GptConfig(
          VOCAB, CONTEXT, 2, 2, 48, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f);

  @TempDir Path folder;

  private final Backend backend = Backends.open("auto", 2);
  private final Gpt model = new Gpt(backend, CONFIG, new Initializer(0.5f, true, 3));
  private final CharTokenizer tokenizer = CharTokenizer.of("abcdefghijklmnopqrstuvwxyz0123456789 ");

  @AfterEach
  void close() {
    model.close();
    backend.close();
  }

  private InferenceEngine engine(int maxBatch, int cacheTokens) {
    return new InferenceEngine(model, Optional.of(tokenizer), maxBatch, cacheTokens);
  }

  private static int[] prompt(Random random, int length) {
    return random.ints(length, 0, VOCAB).toArray();
  }

  /** Ids and the bits of their log-probabilities. */
  private static List<String> bits(Completion completion) {
    completion.await();
    List<String> bits = new ArrayList<>();
    for (GeneratedToken token : completion.tokens()) {
      TokenLogProbs probs = token.logProbs().orElseThrow();
      bits.add(token.id() + " " + Double.doubleToLongBits(probs.chosen()) + " " + probs.top());
    }
    return bits;
  }

  private static int[] ids(Completion completion) {
    completion.await();
    List<GeneratedToken> tokens = new ArrayList<>();
    completion.tokens().forEach(tokens::add);
    return tokens.stream().mapToInt(GeneratedToken::id).toArray();
  }

  private static String text(Completion completion) {
    return String.join("", completion.text());
  }

  private static void drive(InferenceEngine engine) {
    while (engine.step()) {}
  }

  @Test
  void whoeverIsBesideItARequestGetsTheBitsThatItGetsAlone() {
    Random random = new Random(1);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      int length = i % 3 == 0 ? 1 + random.nextInt(12) : 1 + random.nextInt(CONTEXT - 40);
      SamplingParams sampling =
          i % 2 == 0
              ? SamplingParams.GREEDY
              : new SamplingParams(0.9f, 20, 0.95f, 1.2f, random.nextInt());
      requests.add(
          GenerationRequest.of(prompt(random, length), 1 + random.nextInt(40))
              .withSampling(sampling)
              .withLogProbs(2));
    }
    List<List<String>> alone = new ArrayList<>();
    for (GenerationRequest request : requests) {
      try (InferenceEngine engine = engine(1, CONTEXT)) {
        alone.add(bits(engine.complete(request, token -> true)));
      }
    }
    try (InferenceEngine engine = engine(13, 8 * CONTEXT)) {
      List<Completion> together = new ArrayList<>();
      int pages = engine.freePages();
      for (GenerationRequest request : requests) { // they join while others write
        together.add(engine.submit(request));
        for (int i = random.nextInt(6); i > 0; i--) {
          engine.step();
        }
      }
      drive(engine);
      for (int i = 0; i < requests.size(); i++) {
        assertThat(bits(together.get(i))).as("request " + i).isEqualTo(alone.get(i));
      }
      assertThat(engine.freePages()).isEqualTo(pages);
    }
  }

  @Test
  void aFullCacheMakesWaitAndEveryPageComesBack() {
    try (InferenceEngine engine = engine(8, CONTEXT)) { // 3 pages of 64
      int pages = engine.freePages();
      List<Completion> completions = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        completions.add(engine.submit(GenerationRequest.of(new int[] {i}, 100))); // 2 pages each
      }
      engine.step();
      assertThat(engine.freePages()).isEqualTo(pages - 2);
      assertThat(completions.get(1).isDone()).isFalse();
      drive(engine);
      assertThat(completions).allMatch(Completion::isDone);
      assertThat(completions).allSatisfy(c -> assertThat(ids(c)).hasSize(100));
      assertThat(engine.freePages()).isEqualTo(pages);
    }
  }

  @Test
  void whatCanNeverFitIsOneSentence() {
    try (InferenceEngine engine = engine(2, 64)) {
      assertThatThrownBy(() -> engine.submit(GenerationRequest.of(new int[] {1}, 100)))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              "the request needs room for 101 tokens and the KV cache has 64 in all; ask for fewer"
                  + " new tokens or give the engine more");
      assertThatThrownBy(() -> engine.submit(GenerationRequest.of(new int[CONTEXT + 1], 1)))
          .isInstanceOf(JambicException.class)
          .hasMessage("the prompt has 151 tokens and the model's context 150; shorten it");
      assertThatThrownBy(() -> engine.submit(GenerationRequest.of(new int[0], 1)))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("empty");
      assertThatThrownBy(() -> engine.submit(GenerationRequest.of(new int[] {VOCAB}, 1)))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("token id 37 is not");
    }
  }

  @Test
  void theContextsEndEndsACompletionOrCropsIt() {
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      GenerationRequest request = GenerationRequest.of(new int[CONTEXT - 5], 20);
      Completion ends = engine.submit(request);
      Completion goesOn = engine.submit(request.withPastContext(ContextOverflow.CROP));
      drive(engine);
      assertThat(ends.await()).isEqualTo(FinishReason.LENGTH);
      assertThat(ids(ends)).hasSize(6); // the last of them is never read
      assertThat(ids(goesOn)).hasSize(20).startsWith(ids(ends));
    }
  }

  @Test
  void theOldestTurnsOfAConversationThatIsTooLongAreDroppedAndThatIsToldOnce() {
    Random random = new Random(4);
    int[] first = prompt(random, 40);
    int[] second = prompt(random, 30);
    int[] third = prompt(random, 50);
    try (InferenceEngine engine = engine(2, 2 * CONTEXT);
        Conversation session = engine.session()) {
      ids(answer(engine, session, first, count -> {}));
      Completion two = answer(engine, session, second, count -> {}); // 40 + 20 + 30 + 20 so far
      List<Integer> dropped = new ArrayList<>();
      Completion three = answer(engine, session, third, dropped::add);
      assertThat(dropped).containsExactly(1);

      int[] kept = Arrays.copyOf(second, 30 + 20 + 50);
      System.arraycopy(ids(two), 0, kept, 30, 20);
      System.arraycopy(third, 0, kept, 50, 50);
      GenerationRequest alone = GenerationRequest.of(kept, 20).withLogProbs(0);
      assertThat(bits(three)).isEqualTo(bits(engine.complete(alone, token -> true)));

      answer(engine, session, prompt(random, 120), dropped::add);
      assertThat(dropped).containsExactly(1, 2);
    }
  }

  @Test
  void aTurnThatIsTooLongByItselfIsRefusedAndOneThatFillsTheContextEnds() {
    try (InferenceEngine engine = engine(1, CONTEXT);
        Conversation session = engine.session()) {
      GenerationRequest long_ =
          GenerationRequest.of(new int[CONTEXT - 5], 20)
              .withPastContext(ContextOverflow.DROP_OLDEST_TURNS);
      assertThat(ids(engine.complete(long_, token -> true))).hasSize(6);
      session.submit(GenerationRequest.of(new int[10], 10));
      drive(engine);
      assertThatThrownBy(() ->
              session.submit(
                  GenerationRequest.of(new int[CONTEXT + 1], 1)
                      .withPastContext(ContextOverflow.DROP_OLDEST_TURNS)))
          .isInstanceOf(JambicException.class)
          .hasMessage("the prompt has 151 tokens and the model's context 150; shorten it");
      assertThatThrownBy(() -> session.submit(GenerationRequest.of(new int[CONTEXT - 5], 1)))
          .hasMessage(
              "the prompt has 145 tokens after 20 of the session and the model's context 150; use"
                  + " withPastContext(ContextOverflow.DROP_OLDEST_TURNS), or begin a new"
                  + " conversation");
    }
  }

  private static Completion answer(
      InferenceEngine engine, Conversation session, int[] prompt, IntConsumer dropped) {
    Completion.Listener listener =
        new Completion.Listener() {
          @Override
          public boolean onToken(GeneratedToken token) {
            return true;
          }

          @Override
          public void onTurnsDropped(int count) {
            dropped.accept(count);
          }
        };
    Completion completion =
        session.submit(
            GenerationRequest.of(prompt, 20)
                .withLogProbs(0)
                .withPastContext(ContextOverflow.DROP_OLDEST_TURNS),
            listener);
    drive(engine);
    return completion;
  }

  @Test
  void aSessionRemembersAndKeepsItsPagesUntilItIsClosed() {
    int[] first = {5, 6, 7};
    int[] second = {8, 9};
    try (InferenceEngine engine = engine(4, 4 * CONTEXT)) {
      int pages = engine.freePages();
      Conversation session = engine.session();
      Completion one = session.submit(GenerationRequest.of(first, 10));
      assertThatThrownBy(() -> session.submit(GenerationRequest.of(second, 1)))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("has not ended");
      drive(engine);
      assertThat(engine.freePages()).isLessThan(pages);
      Completion two = session.submit(GenerationRequest.of(second, 10).withLogProbs(0));
      drive(engine);

      int[] all = Arrays.copyOf(first, 3 + 10 + 2);
      System.arraycopy(ids(one), 0, all, 3, 10);
      System.arraycopy(second, 0, all, 13, 2);
      Completion atOnce =
          engine.complete(GenerationRequest.of(all, 10).withLogProbs(0), token -> true);
      assertThat(ids(two)).isEqualTo(ids(atOnce));
      session.close();
      engine.step();
      assertThat(engine.freePages()).isEqualTo(pages);
      assertThatThrownBy(() -> session.submit(GenerationRequest.of(second, 1)))
          .isInstanceOf(JambicException.class)
          .hasMessage("the session is closed");
    }
  }

  @Test
  void aRequestThatOpenSessionsLeaveNoRoomIsRefused() {
    int[] prompt = {5, 6, 7};
    try (InferenceEngine engine = engine(2, CONTEXT)) {
      List<Conversation> sessions = new ArrayList<>();
      while (engine.freePages() > 0) {
        sessions.add(engine.session());
        sessions.getLast().submit(GenerationRequest.of(prompt, 3));
        drive(engine);
      }
      assertThatThrownBy(() -> engine.complete(GenerationRequest.of(prompt, 3), token -> true))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("close one");
      sessions.forEach(Conversation::close);
      assertThat(ids(engine.complete(GenerationRequest.of(prompt, 3), token -> true))).hasSize(3);
    }
  }

  @Test
  void aDriverRefusesItToo() throws InterruptedException {
    GenerationRequest request = GenerationRequest.of(new int[] {5, 6, 7}, 3);
    InferenceEngine engine = engine(2, CONTEXT);
    Thread driver = Thread.ofPlatform().start(engine::run);
    List<Conversation> sessions = new ArrayList<>();
    while (engine.freePages() > 0) {
      sessions.add(engine.session());
      sessions.getLast().submit(request).await();
    }
    for (int i = 0; i < 2; i++) {
      Completion completion = engine.submit(request);
      assertThatThrownBy(completion::await)
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("close one");
    }
    sessions.forEach(Conversation::close);
    assertThat(ids(engine.submit(request))).hasSize(3);
    engine.close();
    driver.join();
  }

  @Test
  void cancellingFreesAndKeepsWhatCame() {
    try (InferenceEngine engine = engine(1, 2 * CONTEXT)) {
      int pages = engine.freePages();
      Completion running = engine.submit(GenerationRequest.of(new int[] {1}, 100));
      Completion waiting = engine.submit(GenerationRequest.of(new int[] {2}, 100));
      engine.step();
      engine.step();
      running.cancel();
      waiting.cancel();
      drive(engine);
      assertThat(running.await()).isEqualTo(FinishReason.CANCELLED);
      assertThat(waiting.await()).isEqualTo(FinishReason.CANCELLED);
      assertThat(ids(running)).hasSize(2);
      assertThat(engine.freePages()).isEqualTo(pages);
    }
  }

  @Test
  void aListenerThatThrowsFailsItsOwnRequestOnly() {
    try (InferenceEngine engine = engine(2, 2 * CONTEXT)) {
      int pages = engine.freePages();
      Completion bad =
          engine.submit(
              GenerationRequest.of(new int[] {1}, 9),
              token -> {
                throw new IllegalArgumentException("no");
              });
      Completion worse =
          engine.submit(
              GenerationRequest.of(new int[] {1}, 9),
              token -> {
                throw new AssertionError("no");
              });
      Completion good = engine.submit(GenerationRequest.of(new int[] {1}, 9));
      drive(engine);
      assertThatThrownBy(bad::await).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(worse::await).hasCauseInstanceOf(AssertionError.class);
      assertThat(ids(good)).hasSize(9);
      assertThat(engine.freePages()).isEqualTo(pages);
    }
  }

  @Test
  void aListenerMayCloseTheEngineAndAllIsCancelled() {
    InferenceEngine engine = engine(3, 3 * CONTEXT);
    Completion closing =
        engine.submit(
            GenerationRequest.of(new int[] {1}, 9),
            token -> {
              engine.close();
              return true;
            });
    Completion beside = engine.submit(GenerationRequest.of(new int[] {2}, 9));
    Completion reading = engine.submit(GenerationRequest.of(new int[CONTEXT - 1], 9));
    drive(engine);
    for (Completion completion : List.of(closing, beside, reading)) {
      assertThat(completion.await()).isEqualTo(FinishReason.CANCELLED);
    }
    assertThat(ids(closing)).hasSize(1);
    engine.close();
  }

  @Test
  void aListenerCanNeitherDriveNorWait() {
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      List<Completion> own = new ArrayList<>();
      List<Runnable> calls =
          List.of(
              engine::step,
              engine::run,
              () -> engine.complete(GenerationRequest.of(new int[] {1}, 1), token -> true),
              () -> own.getLast().await(),
              () -> own.getLast().text().forEach(piece -> {}));
      for (Runnable call : calls) {
        Completion.Listener listener =
            token -> {
              call.run();
              return true;
            };
        own.add(engine.submit(GenerationRequest.of(new int[] {1}, 9), listener));
        drive(engine);
        assertThatThrownBy(own.getLast()::await)
            .isInstanceOf(JambicException.class)
            .hasMessageStartingWith("a listener cannot ");
      }
      assertThat(ids(engine.complete(GenerationRequest.of(new int[] {1}, 9), token -> true)))
          .hasSize(9);
    }
  }

  @Test
  void oneThreadRunsTheEngine() throws InterruptedException {
    InferenceEngine engine = engine(1, CONTEXT);
    Thread driver = Thread.ofPlatform().start(engine::run);
    engine.submit(GenerationRequest.of(new int[] {1}, 1)).await(); // it is in there
    assertThatThrownBy(engine::run)
        .isInstanceOf(JambicException.class)
        .hasMessage("another thread runs the engine already, and one is enough");
    engine.close();
    driver.join();
    engine.run(); // returns: it is closed
  }

  @Test
  void manyThreadsSubmitAndReadWhileOneDrives() throws InterruptedException {
    List<String> expected = new ArrayList<>();
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      for (int i = 0; i < 16; i++) {
        expected.add(
            text(engine.complete(GenerationRequest.of(new int[] {i, 3}, 30), token -> true)));
      }
    }
    InferenceEngine engine = engine(5, 3 * CONTEXT);
    Thread driver = Thread.ofPlatform().start(engine::run);
    String[] texts = new String[16];
    List<Thread> users = new ArrayList<>();
    for (int i = 0; i < texts.length; i++) {
      int user = i;
      users.add(
          Thread.ofVirtual()
              .start(() ->
                  texts[user] =
                      text(engine.submit(GenerationRequest.of(new int[] {user, 3}, 30)))));
    }
    for (Thread user : users) {
      user.join();
    }
    assertThat(texts).containsExactlyElementsOf(expected);
    Completion last = engine.submit(GenerationRequest.of(new int[] {1}, 140));
    engine.close();
    assertThat(last.await()).isIn(FinishReason.CANCELLED, FinishReason.LENGTH);
    driver.join();
    assertThatThrownBy(() -> engine.submit(GenerationRequest.of(new int[] {1}, 1)))
        .isInstanceOf(JambicException.class)
        .hasMessage("the engine is closed");
  }

  @Test
  void aClosedEngineGivesNoSession() {
    InferenceEngine engine = engine(1, 100);
    engine.close();
    assertThatThrownBy(engine::session)
        .isInstanceOf(JambicException.class)
        .hasMessage("the engine is closed");
  }

  @Test
  void withoutATokenizerThereAreTokensAndNoText() {
    try (InferenceEngine engine = new InferenceEngine(model, Optional.empty(), 1, 100)) {
      Completion completion =
          engine.complete(GenerationRequest.of(new int[] {1, 2}, 3), token -> true);
      assertThat(ids(completion)).hasSize(3);
      assertThatThrownBy(completion::text)
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("the engine has no tokenizer");
    }
  }

  @Test
  void aStopStringEndsTheTextBeforeItself() {
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      String whole = text(engine.complete(GenerationRequest.of(new int[] {4}, 40), token -> true));
      String stop = whole.substring(17, 20); // a string of three tokens
      GenerationRequest request =
          GenerationRequest.of(new int[] {4}, 40).withStop(List.of("never there", stop));
      Completion stopped = engine.complete(request, token -> true);
      assertThat(stopped.await()).isEqualTo(FinishReason.STOP);
      assertThat(text(stopped)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
      Completion atToken =
          engine.complete(
              GenerationRequest.of(new int[] {4}, 40)
                  .withStopTokens(Set.of(tokenizer.encode(whole.substring(9, 10))[0])),
              token -> true);
      assertThat(atToken.await()).isEqualTo(FinishReason.STOP);
      assertThat(text(atToken)).isEqualTo(whole.substring(0, whole.indexOf(whole.charAt(9))));
    }
  }

  @Test
  void logProbabilitiesAreTheModelsOwn() {
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      GenerationRequest request =
          GenerationRequest.of(new int[] {4, 4, 4}, 5)
              .withSampling(new SamplingParams(0.7f, 3, 1, 1.5f, 5))
              .withLogProbs(VOCAB);
      for (GeneratedToken token : engine.complete(request, t -> true).tokens()) {
        TokenLogProbs probs = token.logProbs().orElseThrow();
        double sum = probs.top().stream().mapToDouble(c -> Math.exp(c.logProb())).sum();
        assertThat(sum).isCloseTo(1, within(1e-12));
        assertThat(probs.top()).hasSize(VOCAB);
        assertThat(probs.top())
            .isSortedAccordingTo((a, b) -> Double.compare(b.logProb(), a.logProb()));
        assertThat(probs.top()).contains(new TokenLogProbs.Candidate(token.id(), probs.chosen()));
      }
    }
  }

  @Test
  void repetitionPenaltyDividesOrMultipliesWhatWasSeen() {
    float[] logits = {2, 1.9f, -1, -0.9f};
    Sampler sampler = new Sampler(SamplingParams.GREEDY.withRepetitionPenalty(1.5f), 0, 4, 4);
    sampler.see(0);
    sampler.see(3);
    assertThat(sampler.next(logits, 0)).isEqualTo(1); // 2 / 1.5 is below 1.9
    assertThat(logits).containsExactly(2 / 1.5f, 1.9f, -1, -0.9f * 1.5f);
  }

  @Test
  void heldBackTextIsReleasedWhenItBecomesNoStop() {
    StopMatcher text = new StopMatcher(tokenizer.decoder(), List.of("abac", "zz"));
    List<String> pieces = new ArrayList<>();
    for (int id : tokenizer.encode("xababacy")) {
      pieces.add(text.next(id));
    }
    assertThat(pieces).containsExactly("x", "", "", "", "ab", "", "", "");
    assertThat(text.isStopped()).isTrue();
    assertThat(text.end()).isEmpty();
    StopMatcher open = new StopMatcher(tokenizer.decoder(), List.of("zz"));
    assertThat(open.next(tokenizer.encode("z")[0])).isEmpty();
    assertThat(open.end()).isEqualTo("z");
  }

  /** The model with end tokens; its weights are those of the field. */
  private Gpt ending(Integer... ends) throws IOException {
    Files.writeString(
        folder.resolve("config.json"), "{\"eos_token_id\": " + Arrays.toString(ends) + "}");
    Gpt ending = new Gpt(backend, CONFIG, Optional.empty(), GenerationConfig.read(folder, folder));
    ending
        .parameters()
        .byName()
        .forEach((name, tensor) -> tensor.set(model.parameters().get(name).toFloats()));
    return ending;
  }

  @Test
  void theModelsEndTokenEndsACompletionUnlessItIsIgnored() throws IOException {
    GenerationRequest request = GenerationRequest.of(new int[] {3, 1, 4}, 30);
    int[] free = ids(complete(model, request));
    int end = free[4];
    int first = indexOf(free, end);
    try (Gpt ending = ending(36_000, end)) {
      Completion ended = complete(ending, request);
      assertThat(ids(ended)).isEqualTo(Arrays.copyOf(free, first + 1));
      assertThat(ended.await()).isEqualTo(FinishReason.STOP);
      assertThat(text(ended)).isEqualTo(tokenizer.decode(Arrays.copyOf(free, first)));
      assertThat(ids(complete(ending, request.withIgnoreEos(true)))).isEqualTo(free);
      GenerationRequest begun =
          GenerationRequest.of(new int[] {end, 1, 4}, 30); // only what is added counts
      assertThat(ids(complete(ending, begun))).isNotEmpty();
    }
  }

  @Test
  void aConversationGoesOnAfterAnEndTokenAsIfItHadBeenRead() throws IOException {
    int[] free = ids(complete(model, GenerationRequest.of(new int[] {3, 1, 4}, 30)));
    int end = free[4];
    int count = indexOf(free, end) + 1;
    int[] whole = new int[3 + count + 2];
    System.arraycopy(new int[] {3, 1, 4}, 0, whole, 0, 3);
    System.arraycopy(free, 0, whole, 3, count);
    System.arraycopy(new int[] {9, 2}, 0, whole, 3 + count, 2);
    try (Gpt ending = ending(end);
        InferenceEngine engine =
            new InferenceEngine(ending, Optional.of(tokenizer), 2, 2 * CONTEXT)) {
      Conversation session = engine.session();
      session.submit(GenerationRequest.of(new int[] {3, 1, 4}, 30));
      drive(engine);
      Completion second =
          session.submit(GenerationRequest.of(new int[] {9, 2}, 20).withIgnoreEos(true));
      drive(engine);
      assertThat(ids(second)).isEqualTo(ids(complete(model, GenerationRequest.of(whole, 20))));
    }
  }

  @Test
  void onlyTheRequestWhoseScoresAreNoNumbersFails() {
    try (Gpt damaged = new Gpt(backend, untied(), new Initializer(0.5f, true, 3))) {
      GenerationRequest alike = GenerationRequest.of(new int[] {3, 1, 4}, 10).withLogProbs(2);
      List<String> before = bits(complete(damaged, alike));
      int word = 0;
      while (contains(before, word) || word == 3 || word == 1 || word == 4) {
        word++;
      }
      float[] wte = damaged.parameters().get("wte.weight").toFloats();
      wte[word * CONFIG.nEmbd() + 5] = Float.NaN;
      damaged.parameters().get("wte.weight").set(wte);
      try (InferenceEngine engine =
          new InferenceEngine(damaged, Optional.of(tokenizer), 3, 3 * CONTEXT)) {
        Completion bad =
            engine.submit(GenerationRequest.of(new int[] {3, word, 4}, 10).withLogProbs(2));
        Completion beside = engine.submit(alike);
        drive(engine);
        Completion after = engine.submit(alike); // in the pages that held what is no number
        drive(engine);
        assertThat(bits(beside)).isEqualTo(before);
        assertThat(bits(after)).isEqualTo(before);
        assertThatThrownBy(bad::await)
            .isInstanceOf(JambicException.class)
            .hasMessageStartingWith("the scores of the next token are not finite");
      }
    }
  }

  private static GptConfig untied() {
    return new GptConfig(
        VOCAB, CONTEXT, 2, 2, 48, 0, 0, Activation.GELU_TANH, true, true, false, false, 1e-5f);
  }

  private static boolean contains(List<String> bits, int token) {
    return bits.stream().anyMatch(line -> line.startsWith(token + " "));
  }

  private static int indexOf(int[] ids, int id) {
    return Arrays.stream(ids).boxed().toList().indexOf(id);
  }

  private Completion complete(Gpt gpt, GenerationRequest request) {
    try (InferenceEngine engine = new InferenceEngine(gpt, Optional.of(tokenizer), 1, CONTEXT)) {
      return engine.complete(request, token -> true);
    }
  }
}
