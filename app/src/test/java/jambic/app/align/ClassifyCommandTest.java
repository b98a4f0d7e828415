package jambic.app.align;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.CommandLineCall;
import jambic.app.TinyRun;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A classifier from its data to its labels, by the command line alone. */
class ClassifyCommandTest {
  private static final List<String> WORDS =
      List.of("the", "fox", "dog", "over", "jumps", "brown", "or", "mix", "fog", "row");

  @TempDir static Path folder;
  private static Path base;
  private static Path data;
  private static Path trained;
  private static CommandLineCall training;

  @BeforeAll
  static void train() throws IOException {
    base = folder.resolve("base");
    assertThat(TinyRun.train(TinyRun.text(folder), base, "--max-iters=2", "--block-size=32").code())
        .isZero();
    data = folder.resolve("words.jsonl");
    List<String> rows = new ArrayList<>();
    for (String first : WORDS) {
      for (String second : WORDS) {
        rows.add(row(first + " " + second + " lazy", "slow"));
        rows.add(row(first + " " + second + " quick", "fast"));
      }
    }
    Files.write(data, rows);
    trained = folder.resolve("trained");
    training = classify("--init", base, "--data", data, "--out", trained, "--max-iters", 60);
  }

  private static String row(String text, String label) {
    return "{\"text\": \"%s\", \"label\": \"%s\"}".formatted(text, label);
  }

  private static CommandLineCall classify(Object... words) {
    List<Object> all = new ArrayList<>(List.of("classify"));
    all.addAll(List.of(words));
    if (all.contains("--init")) {
      all.addAll(List.of("--learning-rate", 0.01, "--dropout", 0, "--eval-iters", 2));
    }
    return CommandLineCall.of(all.toArray());
  }

  private static void requireRefused(CommandLineCall call, int code, String sentence) {
    assertThat(call.err().lines().findFirst()).hasValue("jambic: " + sentence);
    assertThat(call.code()).isEqualTo(code);
  }

  @Test
  void itLearnsAndSaysHowWell() {
    assertThat(training.code()).as(training.err()).isZero();
    assertThat(training.out())
        .containsPattern("data +1\\d\\d texts of 2 labels to learn from, \\d+ held back")
        .containsPattern("best +accuracy 100.0 %, macro F1 100.0 %")
        .contains("eval " + trained);
    assertThat(trained.resolve("best/config.json"))
        .content()
        .contains("GPT2ForSequenceClassification", "\"0\" : \"fast\"", "\"1\" : \"slow\"");
  }

  @Test
  void aTextGetsALineWithItsLabelAndAllProbabilities() {
    CommandLineCall call = classify(trained, "the fox quick", "dog or lazy");
    assertThat(call.code()).as(call.err()).isZero();
    List<String> lines = call.out().lines().toList();
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0)).matches("fast\tfast 0\\.9\\d+\tslow 0\\.0\\d+");
    assertThat(lines.get(1)).matches("slow\tfast 0\\.0\\d+\tslow 0\\.9\\d+");
  }

  @Test
  void linesOfStandardInputGiveObjects() throws IOException {
    CommandLineCall call = withInput("the quick\r\nthe lazy", trained, "--json");
    assertThat(call.code()).as(call.err()).isZero();
    List<String> lines = call.out().lines().toList();
    assertThat(lines).hasSize(2);
    Map<String, Object> first = JSON.std.mapFrom(lines.get(0));
    assertThat(first).containsEntry("text", "the quick").containsEntry("label", "fast");
    assertThat(JSON.std.mapFrom(lines.get(1))).containsEntry("label", "slow");
    Map<?, ?> probabilities = (Map<?, ?>) first.get("probabilities");
    assertThat((Double) probabilities.get("fast") + (Double) probabilities.get("slow"))
        .isBetween(0.999999, 1.000001);
  }

  @Test
  void anEmptyLineIsNamedAfterThoseBeforeIt() {
    CommandLineCall call = withInput("the quick\n\nthe lazy\n", trained);
    assertThat(call.out().lines()).hasSize(1);
    requireRefused(call, 1, "standard input, line 2: it is empty, and a label needs some text");
    requireRefused(classify(trained, " "), 1, "the text: it is empty, and a label needs some text");
  }

  @Test
  void aTextThatIsTooLongLosesItsEndWithANotice() {
    CommandLineCall call = classify(trained, "quick ".repeat(200));
    assertThat(call.code()).isZero();
    assertThat(call.out().lines()).hasSize(1);
    assertThat(call.err())
        .matches("jambic: 1 of 1 text is too long; only the first \\d+ tokens of each count\\R");
  }

  @Test
  void evalPrintsAccuracyAndTheConfusionMatrix() throws IOException {
    CommandLineCall own = CommandLineCall.of("eval", trained, "--json");
    assertThat(own.code()).as(own.err()).isZero();
    assertThat(JSON.std.mapFrom(own.out()))
        .containsEntry("accuracy", 1.0)
        .containsEntry("f1", 1.0)
        .containsEntry("labels", List.of("fast", "slow"));
    Path test = folder.resolve("test.jsonl");
    Files.write(
        test, List.of(row("mix quick", "fast"), row("mix lazy", "fast"), row("the lazy", "slow")));
    CommandLineCall call = CommandLineCall.of("eval", trained, "--data", test);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out().lines().map(String::strip))
        .contains(
            "texts     3 texts of " + test,
            "accuracy  66.7 %",
            "macro F1  66.7 %",
            "fast     100.0 %  50.0 %  66.7 %        2",
            "slow      50.0 % 100.0 %  66.7 %        1",
            "fast  slow",
            "fast      1     1",
            "slow      0     1");
  }

  @Test
  void infoTellsTheLabels() {
    CommandLineCall call = CommandLineCall.of("info", trained);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out())
        .containsPattern("architecture +GPT as a classifier")
        .containsPattern("labels +2: 'fast', 'slow'");
  }

  @Test
  void aRunIsResumedWithMoreIterations() {
    Path run = folder.resolve("resumed");
    assertThat(classify("--init", base, "--data", data, "--out", run, "--max-iters", 2).code())
        .isZero();
    CommandLineCall more = classify("--out", run, "--resume", "--max-iters", 4);
    assertThat(more.code()).as(more.err()).isZero();
  }

  @Test
  void aClassifierWritesNothing() {
    requireRefused(
        CommandLineCall.of("sample", trained),
        1,
        trained.resolve("best")
            + " holds a classifier, and this needs a GPT; 'jambic classify' lets it tell labels");
  }

  @Test
  void aLanguageModelTellsNoLabels() {
    CommandLineCall call = classify(base, "the fox");
    assertThat(call.err())
        .contains("describes a language model, which gives a text no label and no score");
    assertThat(call.code()).isOne();
  }

  @Test
  void dataThatNothingCanBeLearnedFromIsRefused() throws IOException {
    Path one = folder.resolve("one.jsonl");
    List<String> rows = new ArrayList<>();
    WORDS.forEach(word -> rows.add(row(word, "good")));
    Files.write(one, rows);
    requireRefused(
        classify("--init", base, "--data", one, "--out", folder.resolve("none")),
        1,
        "all texts of "
            + one
            + " to learn from have the label 'good'; give texts of two labels at least");
    assertThat(folder.resolve("none")).doesNotExist();
  }

  @Test
  void aLabelThatIsOnlyInTheOtherFileIsRefused() throws IOException {
    Path other = folder.resolve("other.jsonl");
    Files.write(other, List.of(row("the fox", "brown")));
    String sentence =
        other
            + " has the label 'brown', which the model does not know; it knows 'fast',"
            + " 'slow'";
    requireRefused(
        classify("--init", base, "--data", data, "--valid", other, "--out", folder.resolve("none")),
        1,
        sentence);
    requireRefused(CommandLineCall.of("eval", trained, "--data", other), 1, sentence);
  }

  @Test
  void whatDoesNotFitTogetherIsRefused() {
    requireRefused(
        classify(),
        2,
        "name a trained MODEL and texts, or a model to train with --init and --data");
    requireRefused(
        classify(trained, "--data", data),
        2,
        "--data is for training, and "
            + trained
            + " is asked for labels; 'jambic eval MODEL --data FILE' measures a trained model");
    requireRefused(
        classify("--init", base, "--data", data, "--chat-template", "plain"),
        2,
        "--chat-template is for conversations, and a classifier reads texts; leave it out");
    CommandLineCall adapters = classify("--init", base, "--data", data, "--lora-rank", 4);
    assertThat(adapters.err()).contains("classifiers and reward models have no adapters");
    assertThat(adapters.code()).isEqualTo(2);
  }

  private static CommandLineCall withInput(String text, Object... words) {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    try {
      return classify(words);
    } finally {
      System.setIn(before);
    }
  }
}
