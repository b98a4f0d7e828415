package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.train.config.HyperparameterException;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.data.BatchSampler;
import jambic.train.data.Dataset;
import jambic.train.data.TokenSource;
import jambic.train.data.WindowSource;
import jambic.train.objective.NextTokenPrediction;
import jambic.train.plan.MemoryEstimate;
import jambic.train.plan.ParameterCount;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training that begins with a stored model: frozen parts, adapters, saving on improvement. */
class FineTuningTest {
  private static final String TEXT = "To be, or not to be: that is the question.\n".repeat(40);
  private static final TrainConfig CONFIG =
      Preset.SHAKESPEARE_CHAR_CPU
          .config()
          .withAll(
              Map.of(
                  "nLayer", 2,
                  "nHead", 2,
                  "nEmbd", 16,
                  "blockSize", 8,
                  "bias", true,
                  "dropout", 0.1,
                  "maxIters", 6,
                  "evalInterval", 3,
                  "evalIters", 2,
                  "decayLr", false));

  @TempDir Path temp;
  private final Backend backend = Backends.open("auto", 2);
  private final Tokenizer tokenizer = CharTokenizer.of(TEXT);
  private final Dataset data = Dataset.split(TokenSource.of(tokenizer.encode(TEXT)), 8, "the text");
  private Path base;

  @BeforeEach
  void save() {
    base = temp.resolve("base");
    try (Gpt gpt = new Gpt(backend, CONFIG.gpt(tokenizer.vocabSize()), CONFIG.init())) {
      Checkpoint.save(Gpt.FORMAT, base, gpt, Optional.of(tokenizer));
    }
  }

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void frozenPartsKeepTheirBitsAndHaveNeitherGradientNorMoments() throws IOException {
    TrainConfig config = CONFIG.with("freeze", "wte,wpe,h.0.ln_1,h.*.mlp,h.1-1.attn.c_proj");
    Path run = temp.resolve("run");
    assertThat(train(config, run, Integer.MAX_VALUE)).isEqualTo(Outcome.FINISHED);
    Map<String, float[]> before = weights(base);
    weights(run.resolve("last"))
        .forEach((name, after) -> {
          boolean frozen = name.matches("wte.*|wpe.*|h.0.ln_1.*|.*mlp.*|h.1.attn.c_proj.*");
          if (frozen) {
            assertThat(after).as(name).isEqualTo(before.get(name));
          } else {
            assertThat(after).as(name).isNotEqualTo(before.get(name));
          }
        });
    assertThat(Files.size(run.resolve("last/optimizer.safetensors")))
        .isLessThan(Files.size(base.resolve("model.safetensors"))); // else twice that
  }

  @Test
  void whatIsNotFrozenHasTheGradientItHasInAWholeTraining() {
    TrainConfig config = CONFIG.with("freeze", "wte,wpe,h.0.attn");
    Map<String, float[]> whole = gradients(CONFIG);
    Map<String, float[]> part = gradients(config);
    assertThat(part.keySet())
        .contains("h.0.ln_1.weight", "h.0.ln_1.bias")
        .doesNotContain("wte.weight", "h.0.attn.c_attn.weight");
    part.forEach((name, gradient) -> assertThat(gradient).as(name).isEqualTo(whole.get(name)));
  }

  @Test
  void aPartThatIsNotThereIsNamed() {
    for (String part : new String[] {"wte.weight", "h.9", "h.0.attn.c_attn.bias", "lm_head", ""}) {
      assertThatThrownBy(() -> train(CONFIG.with("freeze", part), temp.resolve("x"), 1))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("freeze names \"" + part + "\", which is no part of the model");
    }
    assertThatThrownBy(() -> train(CONFIG.with("freeze", "h.0-9.attn"), temp.resolve("x"), 1))
        .isInstanceOf(HyperparameterException.class)
        .hasMessageStartingWith(
            "freeze names \"h.0-9.attn\", but \"h.9.attn\" is no part of the model; parts are wte,"
                + " wpe, h.0 to h.1, h.0-1,");
    assertThatThrownBy(() -> train(CONFIG.with("freeze", "wte,wpe,h,ln_f"), temp.resolve("x"), 1))
        .isInstanceOf(JambicException.class)
        .hasMessage("freeze leaves nothing of the model to train");
  }

  @Test
  void adaptersLearnAndLeaveTheModelAsItWas() throws IOException {
    TrainConfig config = adapters();
    Path run = temp.resolve("run");
    assertThat(train(config, run, Integer.MAX_VALUE)).isEqualTo(Outcome.FINISHED);
    assertThat(run.resolve("last/model.safetensors")).doesNotExist();
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, run.resolve("last"));
        Gpt trained = checkpoint.resumed(backend)) {
      assertThat(floats(trained)).usingRecursiveComparison().isEqualTo(weights(base));
      assertThat(trained.adapters().tensors()).hasSize(8);
      assertThat(trained.adapters().get("h.0.attn.c_attn.lora_B.weight").toFloats())
          .isNotEqualTo(new float[48 * 4]);
    }
  }

  @Test
  void adaptersGoOnWithTheSameBits() throws IOException {
    TrainConfig config = adapters();
    Path whole = temp.resolve("whole");
    train(config, whole, Integer.MAX_VALUE);
    for (int stop : new int[] {1, 6, 9}) {
      Path parts = temp.resolve("parts" + stop);
      assertThat(train(config, parts, stop)).isEqualTo(Outcome.STOPPED);
      try (Trainer trainer =
          Trainer.resume(
              backend,
              Trainer.configOf(parts),
              TrainingTask.nextTokens(data),
              parts,
              BaseModelResolver.NONE,
              OptionalDouble.empty())) {
        trainer.run(new RunListener() {});
      }
      for (String file : new String[] {"adapter_model.safetensors", "optimizer.safetensors"}) {
        assertThat(parts.resolve("last").resolve(file))
            .hasSameBinaryContentAs(whole.resolve("last").resolve(file));
      }
    }
    TrainConfig other = config.with("loraAlpha", 3);
    assertThatThrownBy(() ->
            Trainer.resume(
                    backend,
                    other,
                    TrainingTask.nextTokens(data),
                    whole,
                    BaseModelResolver.NONE,
                    OptionalDouble.empty())
                .close())
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("loraAlpha is 16.0 in its checkpoint, not 3.0");
  }

  @Test
  void whatHasNoHyperparameterStaysAsTheModelHasIt() throws IOException {
    GptConfig usual = CONFIG.gpt(tokenizer.vocabSize());
    GptConfig odd =
        new GptConfig(
            usual.vocabSize(),
            usual.blockSize(),
            usual.nLayer(),
            usual.nHead(),
            usual.nEmbd(),
            usual.dropout(),
            usual.embeddingDropout(),
            usual.activation(),
            usual.bias(),
            usual.qkvBias(),
            usual.tiedHead(),
            usual.headBias(),
            1e-6f,
            usual.attnDropout(),
            24,
            false,
            true);
    assertThat(CONFIG.model().gpt(odd)).isEqualTo(odd);
    assertThat(ParameterCount.of(odd).total()).isEqualTo(odd.parameterCount());
    assertThat(MemoryEstimate.of(CONFIG, odd, Long.MAX_VALUE).weights())
        .isEqualTo(Float.BYTES * odd.parameterCount());
    try (Gpt gpt = new Gpt(backend, odd, CONFIG.init())) {
      Checkpoint.save(Gpt.FORMAT, base, gpt, Optional.of(tokenizer));
    }
    Path whole = temp.resolve("whole");
    train(CONFIG, whole, Integer.MAX_VALUE);
    Path parts = temp.resolve("parts");
    assertThat(train(CONFIG, parts, 4)).isEqualTo(Outcome.STOPPED);
    try (Trainer trainer =
        Trainer.resume(
            backend,
            CONFIG,
            TrainingTask.nextTokens(data),
            parts,
            BaseModelResolver.NONE,
            OptionalDouble.empty())) {
      trainer.run(new RunListener() {});
      assertThat(trainer.model().config()).isEqualTo(odd);
    }
    assertThat(parts.resolve("last/model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("last/model.safetensors"));
  }

  @Test
  void adaptersNeedAModelAndFreezeNothingElse() {
    assertThatThrownBy(
            () -> Trainer.begin(backend, adapters(), data, tokenizer, temp.resolve("x")).close())
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "loraRank is for a model that is there already; begin with a stored one, by Trainer.begin of that model");
    assertThatThrownBy(() -> adapters().with("freeze", "wte"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("freeze (wte) must be none with a loraRank");
    assertThatThrownBy(() -> adapters().with("loraRank", 17))
        .isInstanceOf(HyperparameterException.class)
        .hasMessageStartingWith("loraRank (17) must not exceed nEmbd (16)");
    assertThatThrownBy(() -> adapters().with("average", 2))
        .isInstanceOf(HyperparameterException.class)
        .hasMessageStartingWith("average (2) must be 0 with a loraRank");
    assertThatThrownBy(() -> adapters().with("loraTargets", "wte"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("LoRA has no layer 'wte' to adapt");
  }

  @Test
  void savesOnlyWhatIsBetter() {
    TrainConfig config =
        CONFIG.withAll(Map.of("alwaysSaveCheckpoint", false, "learningRate", 1e-2));
    int[] ones = new int[100];
    Arrays.fill(ones, 1);
    Dataset opposite = new Dataset(TokenSource.of(ones), TokenSource.of(new int[100]));
    Path run = temp.resolve("run");
    train(config, opposite, run, Integer.MAX_VALUE);
    assertThat(run.resolve("best")).doesNotExist();
    assertThat(weights(run.resolve("last"))).usingRecursiveComparison().isEqualTo(weights(base));
    Path better = temp.resolve("better");
    train(config, better, Integer.MAX_VALUE);
    assertThat(weights(better.resolve("last")))
        .usingRecursiveComparison()
        .isEqualTo(weights(better.resolve("best")));
    train(config, opposite, temp.resolve("stopped"), 6); // a stop saves
    assertThat(weights(temp.resolve("stopped/last")))
        .usingRecursiveComparison()
        .isNotEqualTo(weights(base));
  }

  @Test
  void aConfigurationOfAnEarlierVersionTrainsEverything() {
    Map<String, Object> map = new LinkedHashMap<>(CONFIG.toMap());
    String json =
        CONFIG.toJson().replaceAll("\\s*\"(lora|freeze|always|optimizer|muon)[^\\n]*\\n", "\n");
    assertThat(json).doesNotContain("lora", "freeze", "always", "optimizer", "muon");
    assertThat(TrainConfig.fromJson(json, "old").toMap()).isEqualTo(map);
  }

  @Test
  void lessIsTrainedInLessMemory() {
    int vocab = tokenizer.vocabSize();
    MemoryEstimate whole = MemoryEstimate.of(CONFIG, vocab, Long.MAX_VALUE);
    MemoryEstimate adapters = MemoryEstimate.of(adapters(), vocab, Long.MAX_VALUE);
    MemoryEstimate frozen =
        MemoryEstimate.of(CONFIG.with("freeze", "wte,wpe,h.0"), vocab, Long.MAX_VALUE);
    long trained = 2 * (4L * 16 + 48 * 4 + 4 * 16 + 16 * 4) * Float.BYTES; // A and B, two layers
    assertThat(adapters.gradients()).isEqualTo(trained);
    assertThat(adapters.moments()).isEqualTo(2 * trained + 5 * Float.BYTES); // and scalars
    assertThat(frozen.gradients()).isBetween(trained, whole.gradients() / 2 + trained);
  }

  private static TrainConfig adapters() {
    return CONFIG.withAll(Map.of("loraRank", 4, "loraTargets", "c_attn,attn.c_proj"));
  }

  private Map<String, float[]> gradients(TrainConfig config) {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Gpt gpt = checkpoint.model(backend)) {
      int batchSize = config.batch().batchSize();
      WindowSource windows = new BatchSampler(data, batchSize, 8, 1);
      try (Training training =
          new Training(gpt, config, new NextTokenPrediction(gpt, windows, batchSize, 8))) {
        training.step().run(0, 1e-3);
        gpt.parameters()
            .byName()
            .forEach((name, tensor) -> {
              if (!tensor.grad().isNone()) {
                gradients.put(name, tensor.grad().toFloats());
              }
            });
      }
    }
    return gradients;
  }

  private Outcome train(TrainConfig config, Path run, int stopAfter) {
    return train(config, data, run, stopAfter);
  }

  private Outcome train(TrainConfig config, Dataset data, Path run, int stopAfter) {
    AtomicInteger asked = new AtomicInteger();
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Trainer trainer =
            Trainer.begin(
                config
                    .tuning()
                    .lora(base)
                    .map(l -> checkpoint.adapted(backend, checkpoint.config(), l, config.seed()))
                    .orElseGet(() -> checkpoint.model(backend)),
                config,
                TrainingTask.nextTokens(data),
                tokenizer,
                run,
                OptionalDouble.empty())) {
      return trainer.run(new RunListener() {}, () -> asked.incrementAndGet() >= stopAfter);
    }
  }

  private Map<String, float[]> weights(Path folder) {
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend)) {
      return floats(gpt);
    }
  }

  private static Map<String, float[]> floats(Gpt gpt) {
    Map<String, float[]> floats = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> entry : gpt.parameters().byName().entrySet()) {
      floats.put(entry.getKey(), entry.getValue().toFloats());
    }
    return floats;
  }
}
