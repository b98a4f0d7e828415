package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Translators that are trained from the command line, resumed, measured and listed. */
class TranslationTrainingTest {
  private static final List<String> DIGITS =
      List.of("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf");

  @TempDir Path folder;

  private Path lines(String... lines) throws IOException {
    return Files.write(folder.resolve("in.txt"), List.of(lines));
  }

  private Path pairs() throws IOException {
    Random random = new Random(1);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      int a = random.nextInt(10);
      int b = random.nextInt(10);
      lines.add(DIGITS.get(a) + " " + DIGITS.get(b) + " " + i + "\t" + a + b + " " + i);
    }
    return Files.write(folder.resolve("pairs.tsv"), lines);
  }

  private static CommandLineCall train(Path out, Object... more) {
    List<Object> args =
        new ArrayList<>(
            List.of(
                "train",
                "--preset=translate-small",
                "--out=" + out,
                "--encoder-layers=1",
                "--decoder-layers=1",
                "--width=16",
                "--inner=32",
                "--batch-tokens=256",
                "--vocab-size=300",
                "--max-iters=6",
                "--eval-interval=3"));
    args.addAll(List.of(more));
    return CommandLineCall.of(args.toArray());
  }

  @Test
  void aRunIsTrainedResumedMeasuredAndListed() throws IOException {
    Path data = pairs();
    Path run = folder.resolve("run");
    CommandLineCall call = train(run, "--data=" + data);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out()).contains("6/6  train loss").contains("chrF").contains("translate");
    assertThat(Files.readAllLines(run.resolve("samples.jsonl")))
        .hasSize(15) // five at each of three evaluations
        .allSatisfy(line -> assertThat(line).contains("\"prompt\":", "\"reference\":"));
    CommandLineCall more = CommandLineCall.of("train", "--resume", "--out", run, "--max-iters=8");
    assertThat(more.code()).as(more.err()).isZero();
    assertThat(CommandLineCall.of("runs", folder).out()).contains("run").contains("8");
    CommandLineCall measured = CommandLineCall.of("eval", run, "--bleu", "--beam=1", "--json");
    assertThat(measured.code()).as(measured.err()).isZero();
    assertThat(measured.out()).contains("\"bleu\":").contains("\"exact_match\":");
    CommandLineCall translated =
        CommandLineCall.of("translate", run, "--input", lines("un deux", "", "trois"));
    assertThat(translated.out().chars().filter(c -> c == '\n').count()).isEqualTo(3);
  }

  @Test
  void flagsOfTheOtherKindAreRefusedByName() throws IOException {
    assertThat(train(folder.resolve("a"), "--n-layer=2").err()).contains("--n-layer is for a GPT");
    assertThat(train(folder.resolve("a"), "--init=gpt2").err()).contains("--init is for a GPT");
    CommandLineCall gpt =
        CommandLineCall.of(
            "train", "--preset=lecture-small", "--out=" + folder.resolve("b"), "--width=64");
    assertThat(gpt.code()).isEqualTo(2);
    assertThat(gpt.err()).contains("--width is for a translator; give --preset translate-small");
    CommandLineCall heads = train(folder.resolve("a"), "--heads=3");
    assertThat(heads.code()).isEqualTo(2);
    assertThat(heads.err()).contains("--width (16) must be a multiple of --heads (3)");
  }

  @Test
  void usageErrorsNameTheFlag() throws IOException {
    Path data = pairs();
    Path run = folder.resolve("run");
    CommandLineCall batch =
        CommandLineCall.of(
            "train",
            "--preset=translate-small",
            "--out=" + run,
            "--data=" + data,
            "--batch-tokens=3");
    assertThat(batch.code()).isEqualTo(2);
    assertThat(batch.err())
        .contains("--batch-tokens (3) must be at least")
        .contains("--max-length");
    CommandLineCall length = train(run, "--data=" + data, "--max-length=2");
    assertThat(length.code()).isEqualTo(2);
    assertThat(length.err()).contains("has at most --max-length (2) tokens on both sides");
    CommandLineCall sides = train(run, "--data=" + data, "--source-lang=2", "--target-lang=2");
    assertThat(sides.code()).isEqualTo(2);
    assertThat(sides.err()).contains("--source-lang and --target-lang: ").contains("different");
    CommandLineCall name = train(run, "--data=tinyshakespeare");
    assertThat(name.code()).isEqualTo(1);
    assertThat(name.err())
        .contains("there are no pairs called 'tinyshakespeare'")
        .contains("cldr, multi30k, multi30k-test, tatoeba")
        .hasLineCount(1);
    assertThat(train(run, "--data=tatoba").err()).contains("did you mean tatoeba?");
    assertThat(run).doesNotExist();
  }

  @Test
  void aTokenizerIsTakenByItsFolderOrItsFile() throws IOException {
    Path data = pairs();
    Path first = folder.resolve("first");
    assertThat(train(first, "--data=" + data).code()).isZero();
    Path file = first.resolve("last/tokenizer.json");
    for (Path tokenizer : List.of(first, file)) {
      Path run = folder.resolve("of-" + tokenizer.getFileName());
      CommandLineCall call =
          CommandLineCall.of(
              "train",
              "--preset=translate-small",
              "--out=" + run,
              "--width=16",
              "--max-iters=1",
              "--average=2",
              "--data=" + lines("zéro\tzero", "un\tone", "deux\ttwo", "trois\tthree"),
              "--valid=" + data,
              "--tokenizer=" + tokenizer);
      assertThat(call.code()).as(call.err()).isZero();
      assertThat(call.out()).contains("average  " + run.resolve("averaged"));
      assertThat(run.resolve("averaged/tokenizer.json")).hasSameTextualContentAs(file);
    }
    assertThat(train(folder.resolve("a"), "--data=" + data, "--tokenizer=" + first).err())
        .contains("leave it or --tokenizer out"); // train gives a --vocab-size
    CommandLineCall gpt =
        CommandLineCall.of(
            "train",
            "--preset=translate-small",
            "--out=" + folder.resolve("a"),
            "--data=" + data,
            "--tokenizer=gpt2");
    assertThat(gpt.code()).isEqualTo(1);
    assertThat(gpt.err()).contains("the tokenizer is no translator's").hasLineCount(1);
  }

  @Test
  void aLineWithoutATabIsNamed() throws IOException {
    Path bad = Files.writeString(folder.resolve("bad.tsv"), "un\tone\ndeux two\n");
    CommandLineCall call = train(folder.resolve("run"), "--data=" + bad);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains(bad.toString()).contains("line 2").hasLineCount(1);
    assertThat(folder.resolve("run")).doesNotExist();
  }
}
