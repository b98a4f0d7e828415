package jambic.train.classify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.io.Safetensors;
import jambic.tensor.Backends;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.config.FlatRecord;
import jambic.train.config.HyperparameterException;
import jambic.train.data.Dataset.Split;
import jambic.train.metric.ClassificationScores;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop.Outcome;
import jambic.train.stage.StageRun;
import jambic.train.stage.StageWork;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassifierTrainingTest {
  private static final List<Path> THEIRS =
      List.of(folderOf("hf_gpt2_classifier2"), folderOf("hf_gpt2_classifier3"));

  private final Backend backend = Backends.open("cpu", 2);

  @TempDir Path temp;

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void lossAndGradientsAreThoseOfTransformers() {
    for (Path theirs : THEIRS) {
      List<LabelledTokens> texts = texts(theirs);
      requireGradients(theirs, config("batchSize", texts.size()), 1);
      requireGradients(theirs, config("batchSize", texts.size() + 3), 1); // rows of padding
    }
  }

  @Test
  void unequalMicroBatchesAreOneMean() {
    for (Path theirs : THEIRS) {
      int size = texts(theirs).size() - 1;
      requireGradients(
          theirs, config("batchSize", size, "gradientAccumulationSteps", 2), 2); // all but one, one
    }
  }

  private void requireGradients(Path theirs, ClassifyConfig config, int micros) {
    List<LabelledTokens> texts = texts(theirs);
    try (GptClassifier model = GptClassifier.load(theirs, backend);
        Region step = backend.region()) {
      model.parameters().train(step);
      LabelPrediction objective = new LabelPrediction(model, config, texts, texts);
      double mean = 0;
      int weights = 0;
      for (int micro = 0; micro < micros; micro++) {
        List<Tensor> inputs = objective.allocate(step, objective.shape(0, micro));
        int weight = objective.fill(inputs, 0, micro);
        Tape tape = new Tape(backend, step, 1);
        Tensor loss = objective.loss(tape, inputs);
        tape.backward(loss, (float) weight / texts.size(), model.parameters().tensors());
        tape.program().run();
        mean += loss.toFloats()[0] * weight / texts.size();
        weights += weight;
      }
      assertThat(weights).isEqualTo(texts.size());
      assertThat(mean).isCloseTo(floats(theirs, "loss")[0], within(1e-5));
      if (micros == 1) {
        model
            .parameters()
            .byName()
            .forEach((name, tensor) -> requireGradient(theirs, name, tensor.grad()));
      }
    }
  }

  @Test
  void anEstimateIsTheLossOfTransformersToo() {
    Path theirs = THEIRS.getFirst();
    List<LabelledTokens> texts = texts(theirs);
    try (GptClassifier model = GptClassifier.load(theirs, backend);
        Region region = backend.region()) {
      LabelPrediction objective =
          new LabelPrediction(model, config("batchSize", texts.size()), texts, texts);
      assertThat(objective.batchesInOrder(Split.VAL)).isOne();
      List<Tensor> inputs = objective.allocate(region, objective.shape(Split.VAL, 0));
      assertThat(objective.fill(inputs, Split.VAL, 0)).isEqualTo(texts.size());
      float loss = objective.loss(new InferenceOps(backend, region), inputs).toFloats()[0];
      assertThat((double) loss).isCloseTo(floats(theirs, "loss")[0], within(1e-5));
    }
  }

  @Test
  void scoresCountTheLabelOfTheGreatestLogit() {
    for (Path theirs : THEIRS) {
      try (GptClassifier model = GptClassifier.load(theirs, backend)) {
        List<LabelledTokens> texts = texts(theirs);
        int labels = model.config().labels().size();
        float[] logits = floats(theirs, "logits");
        int right = 0;
        for (int i = 0; i < texts.size(); i++) {
          int own = i * labels + texts.get(i).label();
          int from = i * labels;
          right +=
              IntStream.range(from, from + labels).allMatch(j -> logits[j] <= logits[own]) ? 1 : 0;
        }
        ClassificationScores scores = ClassifierTraining.measure(model, texts);
        assertThat(scores.accuracy()).isEqualTo((double) right / texts.size());
        assertThat(scores.labels()).isEqualTo(model.config().labels());
      }
    }
  }

  @Test
  void aRunLearnsAndARunThatWasStoppedGoesOnWithTheSameBits() {
    Path whole = temp.resolve("whole");
    Path parts = temp.resolve("parts");
    assertThat(begin(whole, 60, Integer.MAX_VALUE)).isEqualTo(Outcome.FINISHED);
    assertThat(begin(parts, 60, 23)).isEqualTo(Outcome.STOPPED);
    try (StageRun<GptClassifier> run =
        StageRun.resume(plan(60), backend, BaseModelResolver.NONE, parts)) {
      assertThat(run.iteration()).isEqualTo(23);
      assertThat(run.run(new RunListener() {}, () -> false)).isEqualTo(Outcome.FINISHED);
    }
    for (String file : List.of("last/model.safetensors", "last/optimizer.safetensors")) {
      assertThat(whole.resolve(file)).hasSameBinaryContentAs(parts.resolve(file));
    }
    List<Metrics.Evaluation> evaluations = evaluations(whole);
    assertThat(evaluations.getLast().others())
        .containsOnlyKeys(ClassifierTraining.ACCURACY, ClassifierTraining.F1);
    assertThat(evaluations.getLast().others().get(ClassifierTraining.ACCURACY)).isGreaterThan(0.9);
    assertThat(evaluations.getLast().valLoss()).isLessThan(evaluations.getFirst().valLoss() / 2);
    assertThat(evaluations(parts)).isEqualTo(evaluations);
  }

  @Test
  void theBestModelHasTheBestAccuracyAndOfEqualOnesTheLesserLoss() {
    List<Metrics.Evaluation> worse = List.of(evaluation(0.4, 0.70), evaluation(0.9, 0.75));
    Metrics.Evaluation best = evaluation(0.8, 0.75);
    assertThat(worse)
        .allSatisfy(other ->
            assertThat(ClassifierTraining.criterion(other))
                .isGreaterThan(ClassifierTraining.criterion(best)));
    try (GptClassifier model = GptClassifier.load(THEIRS.getFirst(), backend);
        StageWork work =
            ClassifierTraining.work(
                model, ClassifyConfig.DEFAULTS, texts(THEIRS.getFirst()), twos(0, 9))) {
      assertThat(work.criterion(best)).isEqualTo(ClassifierTraining.criterion(best));
    }
  }

  private static Metrics.Evaluation evaluation(double loss, double accuracy) {
    return new Metrics.Evaluation(
        0,
        loss,
        loss,
        OptionalDouble.empty(),
        OptionalDouble.empty(),
        Map.of(ClassifierTraining.ACCURACY, accuracy, ClassifierTraining.F1, accuracy));
  }

  @Test
  void adaptersAreRefused() {
    assertThatThrownBy(() -> config("loraRank", 4))
        .isInstanceOf(HyperparameterException.class)
        .hasMessageContaining("classifiers and reward models have no adapters");
  }

  @Test
  void textsThatAreTooLongAreRefusedByTheObjective() {
    try (GptClassifier model = GptClassifier.load(THEIRS.getFirst(), backend)) {
      List<LabelledTokens> texts = List.of(new LabelledTokens(new int[33], 0));
      assertThatThrownBy(() -> new LabelPrediction(model, config("batchSize", 1), texts, texts))
          .isInstanceOf(JambicException.class)
          .hasMessage("an example of 33 tokens does not fit into the context of 32");
    }
  }

  private Outcome begin(Path folder, int iters, int stopAfter) {
    AtomicInteger steps = new AtomicInteger();
    try (StageRun<GptClassifier> run =
        StageRun.begin(plan(iters), this::untrained, Optional.empty(), folder)) {
      return run.run(
          new RunListener() {
            @Override
            public void onStep(Metrics.Step step) {
              steps.incrementAndGet();
            }
          },
          () -> steps.get() >= stopAfter);
    }
  }

  private static StageRun.Plan<ClassifierConfig, GptClassifier> plan(int iters) {
    ClassifyConfig config =
        config(
            "batchSize",
            5,
            "gradientAccumulationSteps",
            2,
            "maxIters",
            iters,
            "lrDecayIters",
            iters,
            "warmupIters",
            2,
            "learningRate",
            3e-3,
            "minLr",
            3e-4,
            "evalInterval",
            10,
            "evalIters",
            4,
            "dropout",
            0.1);
    return new StageRun.Plan<>(
        GptClassifier.FORMAT,
        config,
        "texts",
        Optional.empty(),
        model -> ClassifierTraining.work(model, config, twos(0, 64), twos(1000, 20)));
  }

  private GptClassifier untrained() {
    try (Checkpoint<ClassifierConfig, GptClassifier> checkpoint =
        Checkpoint.open(GptClassifier.FORMAT, THEIRS.getFirst())) {
      ClassifierConfig stored = checkpoint.config();
      return checkpoint.model(
          backend, stored.withBody(stored.body().withDropout(0.1f, 0.1f, 0.1f)));
    }
  }

  /** Texts of from 2 to 20 tokens whose last one tells the label. */
  private static List<LabelledTokens> twos(int from, int count) {
    List<LabelledTokens> texts = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      int[] ids = new int[2 + i * 7 % 19];
      for (int t = 0; t < ids.length; t++) {
        ids[t] = 2 + (i * 31 + t * 17) % 59;
      }
      ids[ids.length - 1] = 10 + i % 2;
      texts.add(new LabelledTokens(ids, i % 2));
    }
    return texts;
  }

  private static List<Metrics.Evaluation> evaluations(Path run) {
    return MetricsLog.read(run.resolve(MetricsLog.FILE_NAME)).stream()
        .filter(Metrics.Evaluation.class::isInstance)
        .map(Metrics.Evaluation.class::cast)
        .toList();
  }

  /** The defaults with other values, by names. */
  private static ClassifyConfig config(Object... values) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < values.length; i += 2) {
      map.put((String) values[i], values[i + 1]);
    }
    return FlatRecord.with(ClassifyConfig.class, ClassifyConfig.DEFAULTS, map);
  }

  private static List<LabelledTokens> texts(Path theirs) {
    int[] flat = ints(theirs, "ids");
    int[] lengths = ints(theirs, "lengths");
    int[] labels = ints(theirs, "labels");
    int width = flat.length / lengths.length;
    List<LabelledTokens> texts = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) {
      int[] ids = Arrays.copyOfRange(flat, i * width, i * width + lengths[i]);
      texts.add(new LabelledTokens(ids, labels[i]));
    }
    return texts;
  }

  /** Theirs are named as in the files, and transposed where the layer is a Conv1D. */
  private static void requireGradient(Path theirs, String name, Tensor gradient) {
    String stored = name.startsWith("score") ? "grad/" + name : "grad/transformer." + name;
    float[] expected = floats(theirs, stored);
    float[] got = gradient.toFloats();
    boolean transposed = name.startsWith("h.") && gradient.shape().rank() == 2;
    int columns = transposed ? gradient.dim(1) : got.length;
    int rows = got.length / columns;
    for (int i = 0; i < got.length; i++) {
      float one = expected[transposed ? i % columns * rows + i / columns : i];
      assertThat((double) got[i])
          .as("%d of the gradient of %s", i, name)
          .isCloseTo(one, within(1e-5 + 1e-4 * Math.abs(one)));
    }
  }

  private static int[] ints(Path theirs, String name) {
    try (Safetensors file = Safetensors.open(theirs.resolve("expected.safetensors"))) {
      return file.entry(name).data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
    }
  }

  private static float[] floats(Path theirs, String name) {
    try (Safetensors file = Safetensors.open(theirs.resolve("expected.safetensors"))) {
      float[] values = new float[Math.toIntExact(file.entry(name).size())];
      file.entry(name).readFloats(values, 0);
      return values;
    }
  }

  private static Path folderOf(String name) {
    String resource = "/parity/alignment/" + name + "/config.json";
    try {
      return Path.of(ClassifierTrainingTest.class.getResource(resource).toURI()).getParent();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
