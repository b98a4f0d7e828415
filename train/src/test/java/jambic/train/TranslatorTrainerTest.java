package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.io.Safetensors;
import jambic.model.text.BpeTrainer;
import jambic.model.text.Tokenizer;
import jambic.model.translator.TranslationPipeline;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.train.config.TranslationConfig;
import jambic.train.config.TranslationPreset;
import jambic.train.metric.ExactMatch;
import jambic.train.pairs.Pair;
import jambic.train.pairs.PairSplit;
import jambic.train.parallel.ThreadRanks;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs that train a translator: what they learn, and that they resume bit for bit. */
class TranslatorTrainerTest {
  private static final List<String> DIGITS =
      List.of("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf");

  private static final TranslationConfig CONFIG =
      TranslationPreset.TRANSLATE_SMALL
          .config()
          .withAll(
              Map.of(
                  "encoderLayers", 1,
                  "decoderLayers", 1,
                  "width", 32,
                  "inner", 64,
                  "batchTokens", 256,
                  "maxIters", 60,
                  "evalInterval", 30,
                  "warmupIters", 10,
                  "lrDecayIters", 60,
                  "seed", 7));

  private static final RunListener SILENT = new RunListener() {};

  @TempDir Path folder;

  private static PairSplit data() {
    Random random = new Random(3);
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      int[] digits = random.ints(1 + random.nextInt(4), 0, 10).toArray();
      pairs.add(
          new Pair(
              String.join(" ", IntStream.of(digits).mapToObj(DIGITS::get).toList()),
              String.join("", IntStream.of(digits).mapToObj(Integer::toString).toList())));
    }
    return PairSplit.bySource("digits", pairs, 0.1);
  }

  private static Tokenizer tokenizer(PairSplit data) {
    BpeTrainer trainer = new BpeTrainer();
    for (Pair pair : data.train()) {
      trainer.add(pair.source());
      trainer.endText();
      trainer.add(pair.target());
      trainer.endText();
    }
    return trainer.trainForTranslation(300, done -> {});
  }

  private byte[] train(TranslationConfig config, Path run, int stopAt) throws IOException {
    return train(config, run, stopAt, 2);
  }

  private byte[] train(TranslationConfig config, Path run, int stopAt, int threads)
      throws IOException {
    PairSplit data = data();
    try (Backend backend = Backends.open("cpu", threads);
        TranslatorTrainer trainer =
            Files.exists(run)
                ? TranslatorTrainer.resume(
                    backend, TranslatorTrainer.configOf(run).orElseThrow(), data, run)
                : TranslatorTrainer.begin(backend, config, data, tokenizer(data), run)) {
      RunLoop.Outcome outcome = trainer.run(SILENT, () -> trainer.iteration() >= stopAt);
      assertThat(outcome)
          .isEqualTo(
              stopAt < config.run().maxIters()
                  ? RunLoop.Outcome.STOPPED
                  : RunLoop.Outcome.FINISHED);
    }
    return Files.readAllBytes(run.resolve("last/model.safetensors"));
  }

  /** Batches have other numbers of targets, so that micro batches weigh differently. */
  @Test
  void anyNumberOfRanksHasTheBitsOfOne() throws Exception {
    TranslationConfig config =
        CONFIG.withAll(
            Map.of(
                "gradientAccumulationSteps", 8,
                "dropout", 0.1,
                "maxIters", 4,
                "evalInterval", 2,
                "evalIters", 3,
                "lrDecayIters", 60));
    PairSplit data = data();
    Tokenizer tokenizer = tokenizer(data);
    Path one = folder.resolve("1");
    for (int size : new int[] {1, 2, 8}) {
      Path run = folder.resolve(Integer.toString(size));
      ThreadRanks.run(
          size,
          ranks -> {
            try (Backend backend = Backends.open("cpu", 1);
                TranslatorTrainer trainer =
                    TranslatorTrainer.begin(backend, config, data, tokenizer, run, ranks)) {
              return trainer.run(SILENT, () -> false);
            }
          });
      for (String file : List.of("model.safetensors", "optimizer.safetensors", "training.json")) {
        assertThat(run.resolve("last").resolve(file))
            .hasSameBinaryContentAs(one.resolve("last").resolve(file));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aRunThatIsStoppedAndResumedEndsWithTheSameBits(int accumulation) throws IOException {
    TranslationConfig config = CONFIG.withAll(Map.of("gradientAccumulationSteps", accumulation));
    byte[] whole = train(config, folder.resolve("whole"), Integer.MAX_VALUE);
    Path parts = folder.resolve("parts");
    train(config, parts, 13);
    train(config, parts, 41);
    assertThat(train(config, parts, Integer.MAX_VALUE)).isEqualTo(whole);
    List<Metrics> log = MetricsLog.read(parts.resolve("metrics.jsonl"));
    assertThat(log).filteredOn(Metrics.Step.class::isInstance).hasSize(60);
    Metrics.Evaluation last =
        (Metrics.Evaluation)
            log.stream().filter(Metrics.Evaluation.class::isInstance).reduce((a, b) -> b).get();
    assertThat(last.chrF()).isPresent();
  }

  @Test
  void theNumberOfThreadsChangesNoBit() throws IOException {
    TranslationConfig config =
        CONFIG.withAll(Map.of("maxIters", 20, "lrDecayIters", 20, "preNorm", true));
    byte[] one = train(config, folder.resolve("1"), Integer.MAX_VALUE, 1);
    for (int threads : List.of(2, 3)) {
      Path run = folder.resolve("" + threads);
      assertThat(train(config, run, Integer.MAX_VALUE, threads)).isEqualTo(one);
    }
  }

  @Test
  void theMeanOfTheLastEvaluationsIsSaved() throws IOException {
    TranslationConfig config = CONFIG.withAll(Map.of("evalInterval", 20, "average", 2));
    Path run = folder.resolve("run");
    train(config, run, 25); // stops past the first evaluation
    train(config, run, Integer.MAX_VALUE);
    assertThat(run.resolve("iteration-20")).doesNotExist();
    try (Safetensors first = Safetensors.open(run.resolve("iteration-40/model.safetensors"));
        Safetensors second = Safetensors.open(run.resolve("iteration-60/model.safetensors"));
        Safetensors mean = Safetensors.open(run.resolve("averaged/model.safetensors"))) {
      assertThat(mean.entries().keySet()).isEqualTo(first.entries().keySet());
      mean.entries()
          .forEach((name, entry) -> {
            float[] a = floats(first.entry(name));
            float[] b = floats(second.entry(name));
            float[] expected = new float[a.length];
            for (int i = 0; i < a.length; i++) {
              expected[i] = (float) (((double) a[i] + b[i]) / 2);
            }
            assertThat(floats(entry)).as(name).isEqualTo(expected);
          });
      String weight = "model.decoder.layers.0.fc1.weight";
      assertThat(floats(first.entry(weight))).isNotEqualTo(floats(second.entry(weight)));
    }
    try (Backend backend = Backends.open("cpu", 1);
        TranslationPipeline pipeline = TranslationPipeline.load(run.resolve("averaged"), backend)) {
      assertThat(pipeline.translate("un deux")).isNotNull();
    }
  }

  @Test
  void aMeanOfFewerEvaluationsThanWantedIsSaid() {
    TranslationConfig config = CONFIG.withAll(Map.of("evalInterval", 20, "average", 9));
    List<String> notices = new ArrayList<>();
    try (Backend backend = Backends.open("cpu", 1);
        TranslatorTrainer trainer =
            TranslatorTrainer.begin(
                backend, config, data(), tokenizer(data()), folder.resolve("run"))) {
      trainer.run(
          new RunListener() {
            @Override
            public void onNotice(String notice) {
              notices.add(notice);
            }
          },
          () -> false);
    }
    assertThat(notices)
        .containsExactly(
            "average is 9, and the run kept the weights of 3 evaluations only: their mean is saved");
  }

  private static float[] floats(Safetensors.Entry entry) {
    float[] values = new float[Math.toIntExact(entry.size())];
    entry.readFloats(values, 0);
    return values;
  }

  @Test
  void digitsAreLearned() {
    TranslationConfig config =
        CONFIG.withAll(
            Map.of(
                "width", 64,
                "maxIters", 600,
                "lrDecayIters", 600,
                "evalInterval", 600,
                "learningRate", 3e-3,
                "warmupIters", 50));
    PairSplit data = data();
    Path run = folder.resolve("run");
    try (Backend backend = Backends.open("cpu", 2)) {
      try (TranslatorTrainer trainer =
          TranslatorTrainer.begin(backend, config, data, tokenizer(data), run)) {
        trainer.run(SILENT, () -> false);
      }
      try (TranslationPipeline pipeline = TranslationPipeline.load(run.resolve("last"), backend)) {
        List<String> translations =
            pipeline.translate(data.valid().stream().map(Pair::source).toList());
        List<String> references = data.valid().stream().map(Pair::target).toList();
        assertThat(ExactMatch.of(translations, List.of(references)).percent()).isGreaterThan(90);
      }
    }
  }

  @Test
  void otherPairsAreRefusedWhenARunIsResumed() throws IOException {
    Path run = folder.resolve("run");
    train(CONFIG, run, 3);
    PairSplit other = PairSplit.bySource("other", data().train().subList(0, 100), 0.1);
    try (Backend backend = Backends.open("cpu", 1)) {
      assertThatThrownBy(() -> TranslatorTrainer.resume(backend, CONFIG, other, run).close())
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("was trained on other data");
      assertThatThrownBy(() -> Trainer.configOf(run))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("trains a translator");
    }
  }
}
