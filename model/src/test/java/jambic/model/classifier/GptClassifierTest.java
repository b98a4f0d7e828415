package jambic.model.classifier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** A GPT2ForSequenceClassification that transformers saved computes here what it does there. */
@ParameterizedClass
@ValueSource(strings = {"cpu", "reference"})
class GptClassifierTest {
  private static final Path TWO = folderOf("hf_gpt2_classifier2");
  private static final Path THREE = folderOf("hf_gpt2_classifier3");
  private static final Path REWARD = folderOf("hf_gpt2_reward");
  private static final Path LANGUAGE_MODEL = folderOf("hf_gpt2_tiny");

  private final Backend backend;
  private final Region region;

  @TempDir Path folder;

  GptClassifierTest(String name) {
    backend = Backends.open(name, 2);
    region = backend.region();
  }

  @AfterEach
  void close() {
    region.close();
    backend.close();
  }

  @Test
  void logitsAreThoseOfTransformers() {
    for (Path theirs : List.of(TWO, THREE)) {
      try (GptClassifier model = GptClassifier.load(theirs, backend)) {
        requireClose("logits", scores(model, theirs), floats(theirs, "logits"));
      }
    }
  }

  @Test
  void rewardsAreThoseOfTransformers() {
    try (GptClassifier model = GptClassifier.load(REWARD, backend)) {
      assertThat(model.config().labels()).containsExactly("LABEL_0");
      requireClose("scores", scores(model, REWARD), floats(REWARD, "scores"));
    }
  }

  @Test
  void whereTheEndIsPaddingTheTokenBeforeItIsScored() throws IOException {
    copy(REWARD, "\"pad_token_id\": 0", "\"pad_token_id\": 1");
    try (GptClassifier model = GptClassifier.load(folder, backend)) {
      int[][] rows = rows(REWARD);
      for (int[] row : rows) {
        for (int t = row.length - 1; row[t] == 0; t--) {
          row[t] = 1;
        }
      }
      requireClose("scores", scores(model, rows), floats(REWARD, "scores_where_pad_is_eos"));
    }
  }

  @Test
  void theScoredTokenIsTheLastThatIsNoPadding() {
    try (GptClassifier model = GptClassifier.load(TWO, backend)) {
      assertThat(model.config().scoredToken(5, 0, 7, 0, 0)).isEqualTo(2);
      assertThat(model.config().scoredToken(5, 7)).isEqualTo(1);
      assertThat(model.config().scoredToken(0, 0)).isZero();
      ClassifierConfig noPad =
          new ClassifierConfig(model.config().body(), List.of("a"), ClassifierConfig.NO_PAD);
      assertThat(noPad.scoredToken(5, 0, 0)).isEqualTo(2);
    }
  }

  @Test
  void lossAndGradientsAreThoseOfTransformers() {
    for (Path theirs : List.of(TWO, THREE)) {
      try (GptClassifier model = GptClassifier.load(theirs, backend);
          Region step = backend.region()) {
        model.parameters().train(step);
        int[][] rows = rows(theirs);
        Tensor labels = step.allocate(DType.I32, Shape.of(rows.length));
        labels.set(ints(theirs, "labels"));
        Tape tape = new Tape(backend, step, 1);
        Tensor scores = model.scores(tape, matrix(step, rows), index(step, model, rows));
        Tensor loss = tape.crossEntropy(scores, labels, 0);
        tape.backward(loss, 1, model.parameters().tensors());
        tape.program().run();
        assertThat((double) loss.toFloats()[0]).isCloseTo(floats(theirs, "loss")[0], within(1e-5));
        model
            .parameters()
            .byName()
            .forEach((name, tensor) -> requireGradient(theirs, name, tensor.grad()));
      }
    }
  }

  @Test
  void paddingOnTheRightHasNoInfluence() {
    try (GptClassifier model = GptClassifier.load(TWO, backend)) {
      int[][] rows = rows(TWO);
      float[] scores = scores(model, rows);
      int labels = model.config().labels().size();
      for (int i = 0; i < rows.length; i++) {
        int[] alone = Arrays.copyOf(rows[i], model.config().scoredToken(rows[i]) + 1);
        float[] expected = scores(model, new int[][] {alone});
        requireClose(
            "row " + i, Arrays.copyOfRange(scores, i * labels, i * labels + labels), expected);
      }
    }
  }

  @Test
  void aSavedClassifierIsTheSameWhenItIsRead() {
    for (Path theirs : List.of(TWO, THREE, REWARD)) {
      Path saved = folder.resolve("saved");
      try (GptClassifier model = GptClassifier.load(theirs, backend)) {
        Checkpoint.save(GptClassifier.FORMAT, saved, model, Optional.empty());
        try (GptClassifier again = GptClassifier.load(saved, backend)) {
          assertThat(again.config()).isEqualTo(model.config());
          assertThat(scores(again, theirs)).isEqualTo(scores(model, theirs));
        }
      }
    }
  }

  @Test
  void anExportKeepsWhatOnlyOtherProgramsRead() throws IOException {
    copy(THREE, "\"initializer_range\": 0.02", "\"initializer_range\": 0.03, \"num_labels\": 3");
    Path exported = folder.resolve("exported");
    try (Checkpoint<ClassifierConfig, GptClassifier> checkpoint =
            Checkpoint.open(GptClassifier.FORMAT, folder);
        GptClassifier model = checkpoint.model(backend)) {
      checkpoint.export(exported, model);
    }
    assertThat(Files.readString(exported.resolve("config.json")))
        .contains("\"initializer_range\" : 0.03", "\"eos_token_id\" : 1", "\"id2label\"")
        .doesNotContain("num_labels");
    try (GptClassifier again = GptClassifier.load(exported, backend)) {
      requireClose("logits", scores(again, THREE), floats(THREE, "logits"));
    }
  }

  @Test
  void aNewHeadStandsOnTheBodyOfALanguageModel() {
    try (Gpt gpt = Gpt.load(LANGUAGE_MODEL, backend);
        GptClassifier model = GptClassifier.of(gpt, List.of("no", "yes"), 3, 0.5, 7);
        GptClassifier zero = GptClassifier.of(gpt, List.of("value"), -1, 0, 7)) {
      Tensor ids = matrix(region, new int[][] {{1, 2, 3}, {4, 5, 6}});
      InferenceOps ops = new InferenceOps(backend, region);
      assertThat(model.hidden(ops, ids).toFloats()).isEqualTo(gpt.hidden(ops, ids).toFloats());
      float[] head = model.score().weight().toFloats();
      double square = 0;
      for (float weight : head) {
        square += weight * (double) weight;
      }
      assertThat(Math.sqrt(square / head.length)).isCloseTo(0.5, within(0.1));
      assertThat(zero.score().weight().toFloats()).containsOnly(0);
      assertThat(model.parameters().byName().lastEntry().getKey()).isEqualTo("score.weight");
    }
  }

  @Test
  void aShorterContextKeepsTheFirstPositions() {
    try (Checkpoint<ClassifierConfig, GptClassifier> checkpoint =
        Checkpoint.open(GptClassifier.FORMAT, TWO)) {
      ClassifierConfig whole = checkpoint.config();
      ClassifierConfig shorter = whole.withBody(whole.body().withBlockSize(12));
      try (GptClassifier model = checkpoint.model(backend, shorter)) {
        requireClose("logits", scores(model, TWO), floats(TWO, "logits"));
      }
      ClassifierConfig other = new ClassifierConfig(whole.body(), List.of("a", "b"), 0);
      assertThatThrownBy(() -> checkpoint.model(backend, other).close())
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("the stored model is ClassifierConfig[");
    }
  }

  @Test
  void aLanguageModelIsNoClassifierAndTheOtherWayRound() {
    assertThatThrownBy(() -> GptClassifier.load(LANGUAGE_MODEL, backend))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            LANGUAGE_MODEL.resolve("config.json")
                + " describes a language model, which gives a text no label and no score; name a"
                + " classifier or a reward model");
    assertThatThrownBy(() -> Gpt.load(TWO, backend))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            TWO.resolve("config.json")
                + " describes a classifier or a reward model, which writes no text; name a language"
                + " model, such as the one that it was trained from");
    assertThatThrownBy(() -> GptClassifier.load(folder, backend))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(folder + " holds no model, as it has no config.json");
    assertThat(GptClassifier.isIn(TWO)).isTrue();
    assertThat(GptClassifier.isIn(LANGUAGE_MODEL)).isFalse();
    assertThat(GptClassifier.isIn(folder)).isFalse();
  }

  @Test
  void weightsThatDoNotFitTheLabelsAreOneSentence() throws IOException {
    copy(THREE, "\"2\": \"", "\"3\": \"unused\", \"2\": \"");
    String config = Files.readString(folder.resolve("config.json"));
    int ids = config.indexOf("\"label2id\"");
    Files.writeString(
        folder.resolve("config.json"),
        config.substring(0, ids) + config.substring(config.indexOf("},", ids) + 2));
    assertThatThrownBy(() -> GptClassifier.load(folder, backend))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("score.weight")
        .hasMessageContaining("config.json");
  }

  private void requireGradient(Path theirs, String name, Tensor gradient) {
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

  private float[] scores(GptClassifier model, Path theirs) {
    return scores(model, rows(theirs));
  }

  private float[] scores(GptClassifier model, int[][] rows) {
    try (Region own = backend.region()) {
      InferenceOps ops = new InferenceOps(backend, own);
      return model.scores(ops, matrix(own, rows), index(own, model, rows)).toFloats();
    }
  }

  private static Tensor matrix(Region region, int[][] rows) {
    Tensor ids = region.allocate(DType.I32, Shape.of(rows.length, rows[0].length));
    ids.set(Arrays.stream(rows).flatMapToInt(Arrays::stream).toArray());
    return ids;
  }

  private static Tensor index(Region region, GptClassifier model, int[][] rows) {
    Tensor index = region.allocate(DType.I32, Shape.of(rows.length));
    int[] places = new int[rows.length];
    for (int i = 0; i < rows.length; i++) {
      places[i] = i * rows[i].length + model.config().scoredToken(rows[i]);
    }
    index.set(places);
    return index;
  }

  private static int[][] rows(Path theirs) {
    int[] flat = ints(theirs, "ids");
    int count = ints(theirs, "lengths").length;
    int width = flat.length / count;
    int[][] rows = new int[count][];
    for (int row = 0; row < count; row++) {
      rows[row] = Arrays.copyOfRange(flat, row * width, row * width + width);
    }
    return rows;
  }

  private void copy(Path theirs, String from, String to) throws IOException {
    String config = Files.readString(theirs.resolve("config.json"));
    assertThat(config).contains(from);
    Files.writeString(folder.resolve("config.json"), config.replace(from, to));
    Files.copy(theirs.resolve("model.safetensors"), folder.resolve("model.safetensors"));
  }

  private static void requireClose(String what, float[] got, float[] expected) {
    assertThat(got).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < got.length; i++) {
      assertThat((double) got[i])
          .as("%s %d", what, i)
          .isCloseTo(expected[i], within(1e-5 + 1e-4 * Math.abs(expected[i])));
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
    return SafetensorsTest.resource(name + "/config.json").getParent();
  }
}
