package jambic.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GeneratorTest {
  private static final GptConfig CONFIG =
      new GptConfig(
          31, 12, 2, 2, 16, 0.2f, 0.2f, Activation.GELU_ERF, false, false, true, false, 1e-5f);
  private static final Generator.Listener SILENT = (row, token) -> true;

  private final Backend backend = Backends.open("auto", 2);
  private final Gpt model = new Gpt(backend, CONFIG, new Initializer(0.5f, true, 3));

  @AfterEach
  void close() {
    model.close();
    backend.close();
  }

  @Test
  void choosesWhatTheUncachedModelChoosesAlsoPastTheContext() {
    int[] prompt = {5, 1, 30, 7};
    try (Generator generator = new Generator(model, 1)) {
      int[] cached = generator.generate(prompt, 30, SamplingParams.GREEDY, SILENT);
      assertThat(cached).isEqualTo(uncached(prompt, 30));
      assertThat(generator.generate(prompt, 30, SamplingParams.GREEDY, SILENT)).isEqualTo(cached);
    }
  }

  @Test
  void readsALongPromptInChunksAsAtOnce() {
    GptConfig config =
        new GptConfig(
            31, 1100, 5, 2, 16, 0, 0, Activation.GELU_ERF, false, false, true, false, 1e-5f);
    int[] prompt = new Random(4).ints(2 * CachedSequence.CHUNK + 20, 0, 31).toArray();
    try (Gpt longer = new Gpt(backend, config, new Initializer(0.5f, true, 3));
        Generator generator = new Generator(longer, 1);
        Region region = backend.region()) {
      Tensor ids = region.allocate(DType.I32, Shape.of(1, prompt.length));
      ids.set(prompt);
      float[] logits = longer.logits(new InferenceOps(backend, region), ids).toFloats();
      int best = new Sampler(SamplingParams.GREEDY, 0, 31, 31).next(logits, logits.length - 31);
      for (int i = 0; i < 2; i++) {
        assertThat(generator.generate(prompt, 1, SamplingParams.GREEDY, SILENT))
            .containsExactly(best);
      }
    }
  }

  @Test
  void generatorsInSeveralThreadsWriteWhatTheyWriteAlone() throws Exception {
    List<FutureTask<int[]>> tasks = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int first = i;
      tasks.add(
          new FutureTask<>(() -> {
            int[] text = {};
            for (int round = 0; round < 10; round++) {
              try (Generator generator = new Generator(model, 1)) {
                text = generator.generate(new int[] {first}, 60, SamplingParams.plain(3), SILENT);
              }
              assertThat(text).isEqualTo(alone(first));
            }
            return text;
          }));
    }
    List<Thread> threads =
        tasks.stream().map(task -> Thread.ofPlatform().daemon().start(task)).toList();
    for (int i = 0; i < 3; i++) {
      threads.get(i).join(60_000);
      assertThat(threads.get(i).isAlive()).isFalse();
      assertThat(tasks.get(i).get()).isEqualTo(alone(i));
    }
  }

  private int[] alone(int first) {
    try (Backend own = Backends.open("auto", 1);
        Gpt same = new Gpt(own, CONFIG, new Initializer(0.5f, true, 3));
        Generator generator = new Generator(same, 1)) {
      return generator.generate(new int[] {first}, 60, SamplingParams.plain(3), SILENT);
    }
  }

  @Test
  void refusesASecondTextMeanwhileAndUseAfterClose() {
    int[] prompt = {1};
    Generator generator = new Generator(model, 1);
    Generator.Listener nested =
        (row, token) -> {
          generator.generate(prompt, 3, SamplingParams.GREEDY, SILENT);
          return true;
        };
    assertThatThrownBy(() -> generator.generate(prompt, 3, SamplingParams.GREEDY, nested))
        .isInstanceOf(JambicException.class)
        .hasMessage("the generator is at work on another text; make one for each thread");
    assertThat(generator.generate(prompt, 3, SamplingParams.GREEDY, SILENT)).hasSize(3);
    generator.close();
    assertThatThrownBy(() -> generator.generate(prompt, 3, SamplingParams.GREEDY, SILENT))
        .isInstanceOf(JambicException.class)
        .hasMessage("the generator is closed; make another");
    Gpt closed = new Gpt(backend, CONFIG, new Initializer(0.5f, true, 3));
    closed.close();
    assertThatThrownBy(() -> new Generator(closed, 1))
        .isInstanceOf(JambicException.class)
        .hasMessage("the model is closed; open it again from its checkpoint");
    try (Region region = backend.region()) {
      Tensor ids = region.allocate(DType.I32, Shape.of(4));
      assertThatThrownBy(() -> model.logits(new InferenceOps(backend, region), ids))
          .isInstanceOf(JambicException.class)
          .hasMessage("hidden: ids must be I32 (B, T), got I32(4)");
    }
  }

  @Test
  void neverChoosesIdsThatTheTokenizerLacks() {
    Tokenizer tokenizer = CharTokenizer.of("abcde"); // the model's vocabulary is padded to 31
    for (SamplingParams sampling :
        List.of(
            SamplingParams.GREEDY, SamplingParams.plain(1), new SamplingParams(9, 40, 0.9f, 2))) {
      StringBuilder text = new StringBuilder();
      try (Generator generator = new Generator(model, 1)) {
        generator.stream(
            tokenizer,
            "ab",
            50,
            sampling,
            piece -> {
              text.append(piece);
              return true;
            });
      }
      assertThat(text).hasSize(50).matches("[a-e]*");
    }
  }

  @Test
  void acceptsAPromptLongerThanTheContext() {
    int[] prompt = new int[40];
    Arrays.setAll(prompt, i -> i * 7 % 31);
    try (Generator generator = new Generator(model, 1)) {
      assertThat(generator.generate(prompt, 5, SamplingParams.GREEDY, SILENT))
          .isEqualTo(uncached(prompt, 5));
    }
  }

  @Test
  void continuesEachRowOfABatchAsIfItWereAlone() {
    int[][] prompts = {{1, 2, 3}, {4}, {9, 8, 7, 6, 5, 4, 3, 2, 1}};
    try (Generator generator = new Generator(model, 3)) {
      int[][] together = generator.generate(prompts, 20, SamplingParams.GREEDY, SILENT);
      for (int row = 0; row < 3; row++) {
        assertThat(together[row]).isEqualTo(uncached(prompts[row], 20));
      }
    }
  }

  @Test
  void drawsTheSameForTheSameSeedAndStreamsIt() {
    List<Integer> heard = new ArrayList<>();
    try (Generator generator = new Generator(model, 1)) {
      SamplingParams sampling = new SamplingParams(0.9f, 10, 0.95f, 42);
      int[] first =
          generator.generate(
              new int[] {0},
              25,
              sampling,
              (row, token) -> {
                heard.add(token);
                return true;
              });
      assertThat(heard).containsExactlyElementsOf(Arrays.stream(first).boxed().toList());
      assertThat(generator.generate(new int[] {0}, 25, sampling, SILENT)).isEqualTo(first);
      assertThat(
              generator.generate(
                  new int[] {0}, 25, new SamplingParams(0.9f, 10, 0.95f, 43), SILENT))
          .isNotEqualTo(first);
    }
  }

  @Test
  void stopsWhenTheListenerSaysSo() {
    try (Generator generator = new Generator(model, 1)) {
      int[] made =
          generator.generate(new int[] {3}, 25, SamplingParams.GREEDY, (row, token) -> false);
      assertThat(made).hasSize(1);
    }
  }

  @Test
  void topOneIsGreedyAndTopKNeverLeavesTheBestK() {
    float[] logits = {0.1f, 3, -1, 2.9f, 2.8f, 0};
    assertThat(new Sampler(new SamplingParams(1, 1, 1, 9), 0, 6, 6).next(logits, 0)).isEqualTo(1);
    Sampler topThree = new Sampler(new SamplingParams(5, 3, 1, 9), 0, 6, 6);
    Sampler nucleus = new Sampler(new SamplingParams(1, 0, 0.6f, 9), 0, 6, 6);
    boolean[] seen = new boolean[6];
    for (int i = 0; i < 500; i++) {
      seen[topThree.next(logits, 0)] = true;
      assertThat(nucleus.next(logits, 0)).isIn(1, 3);
    }
    assertThat(seen).containsExactly(false, true, false, true, true, false);
  }

  @Test
  void drawsInProportion() {
    float[] logits = {0, (float) Math.log(3)};
    Sampler sampler = new Sampler(SamplingParams.plain(1), 0, 2, 2);
    int ones = 0;
    for (int i = 0; i < 10_000; i++) {
      ones += sampler.next(logits, 0);
    }
    assertThat(ones).isBetween(7_300, 7_700);
  }

  @Test
  void refusesWhatItCannotContinue() {
    try (Generator generator = new Generator(model, 1)) {
      assertThatThrownBy(() -> generator.generate(new int[0], 1, SamplingParams.GREEDY, SILENT))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("empty");
      assertThatThrownBy(() -> generator.generate(new int[] {31}, 1, SamplingParams.GREEDY, SILENT))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("31");
    }
  }

  /** What nanoGPT does: the whole context again for every token. */
  private int[] uncached(int[] prompt, int count) {
    int[] tokens = Arrays.copyOf(prompt, prompt.length + count);
    try (Region region = backend.region()) {
      for (int n = prompt.length; n < tokens.length; n++) {
        int[] context = Arrays.copyOfRange(tokens, Math.max(0, n - CONFIG.blockSize()), n);
        region.rewind();
        Tensor ids = region.allocate(DType.I32, Shape.of(1, context.length));
        ids.set(context);
        float[] logits = model.logits(new InferenceOps(backend, region), ids).toFloats();
        int last = (context.length - 1) * CONFIG.vocabSize();
        tokens[n] =
            new Sampler(SamplingParams.GREEDY, 0, CONFIG.vocabSize(), CONFIG.vocabSize())
                .next(logits, last);
      }
    }
    return Arrays.copyOfRange(tokens, prompt.length, tokens.length);
  }
}
