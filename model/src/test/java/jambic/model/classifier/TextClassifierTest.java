package jambic.model.classifier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From texts to labels and scores, in batches. */
class TextClassifierTest {
  private static final Path THREE = folderOf("hf_gpt2_classifier3");
  private static final Path REWARD = folderOf("hf_gpt2_reward");
  private static final Tokenizer LETTERS =
      CharTokenizer.of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,-+*/=?!"); // 61

  private final Backend backend = Backends.open("cpu", 2);

  @TempDir Path folder;

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void logitsOfAListOfTextsAreThoseOfTransformers() {
    try (TextClassifier classifier = open(THREE)) {
      List<int[]> texts = texts(THREE);
      float[][] logits = classifier.logits(texts);
      float[] expected = floats(THREE, "logits");
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) logits[i / 3][i % 3]).isCloseTo(expected[i], within(1e-4));
      }
    }
  }

  @Test
  void scoresOfManyTextsDoNotDependOnTheirOrderOrNumber() {
    try (TextClassifier model = open(REWARD)) {
      List<int[]> many = new ArrayList<>();
      for (int i = 0; i < 80; i++) {
        many.addAll(texts(REWARD)); // more than one batch
      }
      float[] scores = model.scores(many);
      float[] expected = floats(REWARD, "scores");
      for (int i = 0; i < scores.length; i++) {
        assertThat((double) scores[i]).isCloseTo(expected[i % expected.length], within(1e-4));
      }
      Collections.reverse(many);
      float[] reversed = model.scores(many);
      for (int i = 0; i < scores.length; i++) {
        assertThat((double) reversed[scores.length - 1 - i]).isCloseTo(scores[i], within(1e-5));
      }
    }
  }

  @Test
  void aLabelIsTheMostProbableOne() {
    try (GptClassifier model = GptClassifier.load(THREE, backend)) {
      Checkpoint.save(GptClassifier.FORMAT, folder, model, Optional.of(LETTERS));
    }
    try (TextClassifier classifier = TextClassifier.load(folder, backend)) {
      List<String> texts = List.of("Good", "bad,but-short.", "I-liked-it");
      List<Classification> found = classifier.classify(texts);
      List<String> labels = classifier.model().config().labels();
      for (int i = 0; i < texts.size(); i++) {
        float[] logits = classifier.logits(List.of(LETTERS.encode(texts.get(i))))[0];
        Classification one = found.get(i);
        assertThat(one.probabilities().keySet()).containsExactlyElementsOf(labels);
        double sum = 0;
        double others = 0;
        for (int label = 0; label < labels.size(); label++) {
          sum += one.probabilities().get(labels.get(label));
          others += Math.exp(logits[label] - logits[labels.indexOf(one.label())]);
          assertThat(one.probabilities().get(labels.get(label)))
              .isLessThanOrEqualTo(one.probability());
        }
        assertThat(sum).isCloseTo(1, within(1e-12));
        assertThat(one.probability()).isCloseTo(1 / others, within(1e-5));
        assertThat(classifier.classify(texts.get(i)).label()).isEqualTo(one.label());
      }
    }
  }

  @Test
  void whatCannotBeClassifiedIsOneSentence() {
    try (TextClassifier classifier = open(THREE);
        TextClassifier reward = open(REWARD)) {
      assertThatThrownBy(() -> classifier.classify(""))
          .isInstanceOf(JambicException.class)
          .hasMessage("the text is empty, so that there is no token to score");
      assertThatThrownBy(() -> classifier.classify(List.of("a", "b".repeat(33))))
          .isInstanceOf(JambicException.class)
          .hasMessage("text 2 has 33 tokens, and the model reads at most 32; shorten it");
      assertThatThrownBy(() -> classifier.logits(List.of(new int[] {61})))
          .isInstanceOf(JambicException.class)
          .hasMessage("token id 61 is not in the model's vocabulary of 61");
      assertThatThrownBy(() -> classifier.scores(List.of(new int[] {1})))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("a model with 3 labels is a classifier");
      assertThatThrownBy(() -> reward.classify("a"))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("a model with one label is a reward model");
      assertThat(reward.scores(List.of())).isEmpty();
    }
    assertThatThrownBy(() -> TextClassifier.load(THREE, backend))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(THREE + " has no tokenizer");
  }

  private TextClassifier open(Path theirs) {
    return new TextClassifier(GptClassifier.load(theirs, backend), LETTERS);
  }

  /** The texts of a fixture without their padding. */
  private static List<int[]> texts(Path theirs) {
    int[] ids = ints(theirs, "ids");
    int[] lengths = ints(theirs, "lengths");
    int width = ids.length / lengths.length;
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) {
      texts.add(Arrays.copyOfRange(ids, i * width, i * width + lengths[i]));
    }
    return texts;
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
