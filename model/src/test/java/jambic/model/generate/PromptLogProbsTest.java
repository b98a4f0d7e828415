package jambic.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.model.nn.Initializer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PromptLogProbsTest {
  private static final int VOCAB = 37;
  private static final int CONTEXT = 700;
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

  private static int[] prompt(int length) {
    return new Random(length).ints(length, 0, VOCAB).toArray();
  }

  /** The scores after each token, by the pass that training uses. */
  private static float[] logits(Gpt model, int[] ids) {
    try (Region region = model.backend().region()) {
      Tensor tensor = region.allocate(DType.I32, Shape.of(1, ids.length));
      tensor.set(ids);
      return model.logits(new InferenceOps(model.backend(), region), tensor).toFloats();
    }
  }

  private static void requireOf(
      float[] logits, int[] ids, int from, List<Optional<TokenLogProbs>> told, double tolerance) {
    int vocabSize = logits.length / ids.length;
    assertThat(told).hasSize(ids.length - from);
    for (int i = from; i < ids.length; i++) {
      if (i == 0) {
        assertThat(told.getFirst()).isEmpty();
        continue;
      }
      int at = (i - 1) * vocabSize;
      double sum = 0;
      for (int v = 0; v < vocabSize; v++) {
        sum += Math.exp(logits[at + v]);
      }
      TokenLogProbs here = told.get(i - from).orElseThrow();
      assertThat(here.chosen())
          .as("token " + i)
          .isCloseTo(logits[at + ids[i]] - Math.log(sum), within(tolerance));
      for (TokenLogProbs.Candidate top : here.top()) {
        assertThat(top.logProb())
            .isCloseTo(logits[at + top.id()] - Math.log(sum), within(tolerance));
      }
      float best = Float.NEGATIVE_INFINITY;
      for (int v = 0; v < vocabSize; v++) {
        best = Math.max(best, logits[at + v]);
      }
      assertThat(here.top().getFirst().logProb())
          .isCloseTo(best - Math.log(sum), within(tolerance));
    }
  }

  @Test
  void theyAreThoseOfTheForwardPassWhateverTheLength() {
    try (InferenceEngine engine = new InferenceEngine(model, Optional.empty(), 8, 8 * CONTEXT)) {
      for (int length : new int[] {1, 2, 8, 9, 64, 65, 72, 73, 130, 512, 513, 600, CONTEXT}) {
        int[] ids = prompt(length);
        GenerationRequest request = GenerationRequest.of(ids, 0).withPromptLogProbs(3);
        Completion completion = engine.complete(request, token -> true);
        assertThat(completion.await()).isEqualTo(FinishReason.LENGTH);
        assertThat(completion.ids()).isEmpty();
        requireOf(logits(model, ids), ids, 0, completion.promptLogProbs(), 1e-5);
      }
      assertThat(engine.freePages()).isEqualTo(engine.statistics().pages());
    }
  }

  @Test
  void theyChangeNothingOfWhatIsGenerated() {
    try (InferenceEngine engine = new InferenceEngine(model, Optional.empty(), 8, 8 * CONTEXT)) {
      for (int length : new int[] {1, 7, 68, 300, 600}) {
        GenerationRequest plain = GenerationRequest.of(prompt(length), 20).withLogProbs(2);
        Completion without = engine.complete(plain, token -> true);
        Completion with = engine.complete(plain.withPromptLogProbs(1), token -> true);
        assertThat(with.tokens()).containsExactlyElementsOf(without.tokens());
        assertThat(with.promptLogProbs()).hasSize(length);
        assertThat(without.promptLogProbs()).isEmpty();
      }
    }
  }

  @Test
  void manyAtOnceAreScoredEachForItself() {
    try (InferenceEngine engine = new InferenceEngine(model, Optional.empty(), 8, 8 * CONTEXT)) {
      List<int[]> prompts = List.of(prompt(3), prompt(90), prompt(5), prompt(300), prompt(30));
      List<Completion> completions =
          prompts.stream()
              .map(ids -> engine.submit(GenerationRequest.of(ids, 2).withPromptLogProbs(2)))
              .toList();
      engine.submit(GenerationRequest.of(prompt(4), 9));
      while (engine.step()) {}
      for (int i = 0; i < prompts.size(); i++) {
        int[] ids = prompts.get(i);
        requireOf(logits(model, ids), ids, 0, completions.get(i).promptLogProbs(), 1e-5);
      }
    }
  }

  @Test
  void ofAConversationTheyGoOnFromWhatWasSaid() {
    try (InferenceEngine engine = new InferenceEngine(model, Optional.empty(), 1, CONTEXT);
        Conversation session = engine.session()) {
      int[] all = prompt(60);
      session.complete(
          GenerationRequest.of(Arrays.copyOf(all, 20), 0).withPromptLogProbs(0), token -> true);
      Completion second =
          session.complete(
              GenerationRequest.of(Arrays.copyOfRange(all, 20, 60), 0).withPromptLogProbs(2),
              token -> true);
      requireOf(logits(model, all), all, 20, second.promptLogProbs(), 1e-5);
    }
  }

  @Test
  void theyAreThoseOfPyTorch() {
    var folder = SafetensorsTest.resource("hf_gpt2_tiny/config.json").getParent();
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt tiny = checkpoint.model(backend);
        Safetensors expected = Safetensors.open(folder.resolve("expected.safetensors"));
        InferenceEngine engine =
            new InferenceEngine(tiny, Optional.empty(), 1, tiny.contextLength())) {
      int[] ids =
          Arrays.copyOf(
              expected.entry("ids").data().toArray(ValueLayout.JAVA_INT_UNALIGNED),
              expected.entry("ids").shape().getLast().intValue());
      float[] logits = new float[ids.length * tiny.vocabSize()];
      Safetensors.Entry all = expected.entry("logits");
      float[] values = new float[Math.toIntExact(all.size())];
      all.readFloats(values, 0);
      System.arraycopy(values, 0, logits, 0, logits.length);
      Completion completion =
          engine.complete(GenerationRequest.of(ids, 0).withPromptLogProbs(4), token -> true);
      requireOf(logits, ids, 0, completion.promptLogProbs(), 1e-4);
    }
  }

  @Test
  void aPromptThatIsCutOffHasNone() {
    try (InferenceEngine engine = new InferenceEngine(model, Optional.empty(), 1, CONTEXT)) {
      assertThatThrownBy(() ->
              engine.submit(
                  GenerationRequest.of(prompt(CONTEXT + 1), 1)
                      .withPastContext(ContextOverflow.CROP)
                      .withPromptLogProbs(1)))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              "log-probabilities of a prompt need all of it in the context of 700 tokens, and there"
                  + " are 701; shorten it");
      assertThatThrownBy(() -> GenerationRequest.of(prompt(1), 1).withPromptLogProbs(-1))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("prompt logprobs must be 0");
    }
  }
}
