package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TranslateCommandTest {
  static final Path MODELS = Path.of("../model/src/test/resources/jambic/model");
  static final Path DATES = MODELS.resolve("marian_dates");
  private static final Path GPT = MODELS.resolve("hf_gpt2_tiny");

  @TempDir Path folder;

  private static CommandLineCall translate(byte[] input, Object... more) {
    List<Object> words = new ArrayList<>(List.of("translate", DATES, "--backend=cpu"));
    words.addAll(List.of(more));
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(input));
    try {
      return CommandLineCall.of(words.toArray());
    } finally {
      System.setIn(before);
    }
  }

  private static CommandLineCall translate(String input, Object... more) {
    return translate(input.getBytes(StandardCharsets.UTF_8), more);
  }

  @Test
  void aLineInIsALineOutInOrderBlankLinesToo() throws IOException {
    Map<String, Object> json = JSON.std.mapFrom(Files.readString(DATES.resolve("expected.json")));
    StringBuilder input = new StringBuilder();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 10; i++) { // more than one window
      for (Object one : (List<?>) json.get("translations")) {
        Map<?, ?> pair = (Map<?, ?>) one;
        String source = pair.get("source").toString();
        if (!source.endsWith("\n")) {
          input.append(source).append(expected.size() % 2 == 0 ? "\n" : "\r\n");
          expected.add(source.isBlank() ? "" : pair.get("beam").toString());
        }
      }
    }
    CommandLineCall call = translate(input.toString());
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out().split("\n", -1)).hasSize(651).startsWith(expected.toArray(String[]::new));
    assertThat(call.err()).isEmpty();
    Path file = Files.writeString(folder.resolve("fr.txt"), input);
    assertThat(translate("", "--input", file).out()).isEqualTo(call.out());
  }

  @Test
  void theLastLineNeedsNoEndAndAMarkIsLeftOut() {
    assertThat(translate("\uFEFF26 mai 1991\n\n14/05/2018").out())
        .isEqualTo("May 26, 1991\n\n5/14/18\n");
    assertThat(translate("").out()).isEmpty();
    assertThat(translate("\n").out()).isEqualTo("\n");
  }

  @Test
  void nBestHasNumberScoreAndText() {
    CommandLineCall call = translate("\n26 mai 1991\n", "--beam=4", "--n-best=3");
    assertThat(call.code()).as(call.err()).isZero();
    List<String> lines = call.out().lines().toList();
    assertThat(lines).hasSize(4);
    assertThat(lines.getFirst()).isEqualTo("1\t0.0000\t");
    assertThat(lines.get(1)).isEqualTo("2\t-0.1092\tMay 26, 1991");
    assertThat(lines.subList(1, 4)).allMatch(line -> line.matches("2\t-\\d\\.\\d{4}\t.+"));
    assertThat(translate("26 mai 1991\n", "--scores").out())
        .isEqualTo("1\t-0.1092\tMay 26, 1991\n");
  }

  @Test
  void optionsOfTheSearchCount() {
    String usual = translate("26 mai 1991\n", "--scores").out();
    assertThat(translate("26 mai 1991\n", "--scores", "--length-penalty=0").out())
        .isNotEqualTo(usual);
    assertThat(translate("26 mai 1991\n", "--scores", "--length-penalty=gnmt:0.6").out())
        .isNotEqualTo(usual);
    assertThat(translate("26 mai 1991\n", "--max-length=2").out()).isEqualTo("May\n");
  }

  @Test
  void aLineThatIsTooLongIsTranslatedInPartsWithOneNote() {
    String line = "14/05/2018. ".repeat(40);
    CommandLineCall call = translate(line + "\n26 mai 1991\n" + line + "\n");
    assertThat(call.code()).isZero();
    assertThat(call.out().lines().toList()).hasSize(3).contains("May 26, 1991");
    assertThat(call.err())
        .startsWith("jambic: standard input, line 1 has more than the 64 tokens")
        .hasLineCount(1);
  }

  @Test
  void whatIsNotUtf8IsNamedByItsLineAfterTheLinesBeforeIt() {
    CommandLineCall call =
        translate("26 mai 1991\nao\u00fbt\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.out()).isEqualTo("May 26, 1991\n");
    assertThat(call.err())
        .isEqualTo(
            "jambic: standard input, line 2 is not UTF-8; convert the text to UTF-8 first\n");
  }

  @Test
  @Timeout(60)
  void aTypedLineIsAnsweredAtOnce() throws Exception {
    InputStream before = System.in;
    StringWriter out = new StringWriter();
    PipedOutputStream typed = new PipedOutputStream();
    try {
      System.setIn(new PipedInputStream(typed));
      String[] words = {"translate", DATES.toString(), "--backend=cpu"};
      Thread command =
          Thread.ofPlatform()
              .start(() -> Main.commandLine(words).setOut(new PrintWriter(out)).execute(words));
      typed.write("26 mai 1991\n14/05".getBytes(StandardCharsets.UTF_8));
      typed.flush();
      while (out.toString().isEmpty()) {
        Thread.sleep(10);
      }
      assertThat(out.toString()).isEqualTo("May 26, 1991\n");
      typed.write("/2018\n".getBytes(StandardCharsets.UTF_8));
      typed.close();
      command.join();
      assertThat(out.toString()).isEqualTo("May 26, 1991\n5/14/18\n");
    } finally {
      System.setIn(before);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--beam=0               | --beam must be at least 1, not 0",
        "--beam=211             | --beam can be at most 210, half the model's vocabulary, not 211",
        "--n-best=0             | --n-best must be at least 1, not 0",
        "--beam=2 --n-best=3    | --n-best 3 is above the beam of 2; raise --beam",
        "--max-length=65        | --max-length must be from 1 to 64, what the model can write, not 65",
        "--length-penalty=x     | --length-penalty: the length penalty 'x' is neither a number",
        "--attention=a --scores | --attention draws one translation; leave",
        "--output=a.svg         | --output is the picture of --attention",
        "--attention=a -o a.jpg | --output must end in .svg or .png, not a.jpg"
      })
  void whatCannotBeIsOneSentence(String options, String sentence) {
    CommandLineCall call = translate("", (Object[]) options.split(" "));
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).startsWith("jambic: " + sentence).hasLineCount(2);
  }

  @Test
  void aGptIsRefusedAndSoIsATranslatorElsewhere() {
    CommandLineCall gpt = CommandLineCall.of("translate", GPT);
    assertThat(gpt.code()).isEqualTo(1);
    assertThat(gpt.err()).contains("holds a GPT", "'jambic sample'").hasLineCount(1);
    for (Object[] words :
        List.of(
            new Object[] {"sample", DATES},
            new Object[] {"eval", DATES, "--data=x"},
            new Object[] {"logits", DATES, "--ids=1"},
            new Object[] {"train", "--init", DATES, "--data", DATES.resolve("config.json")})) {
      CommandLineCall call = CommandLineCall.of(words);
      assertThat(call.code()).isEqualTo(1);
      assertThat(call.err()).contains("holds a translator", "'jambic translate'");
    }
    CommandLineCall missing = CommandLineCall.of("translate", folder.resolve("none"));
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("does not exist").hasLineCount(1);
  }

  @Test
  void attentionIsDrawnInTheTerminalOrAPicture() throws IOException {
    CommandLineCall call = translate("", "--attention=26 mai 1991");
    assertThat(call.code()).as(call.err()).isZero();
    List<String> lines = call.out().lines().toList();
    assertThat(lines).hasSize(4);
    assertThat(lines.getFirst()).isEqualTo("     26  mai 1991");
    assertThat(lines.get(1)).startsWith("May ").matches("May      .*[▒▓█*#+]{3}.*");
    Path svg = folder.resolve("map.svg");
    assertThat(translate("", "--attention=26 mai 1991", "-o", svg).code()).isZero();
    assertThat(svg).content().contains(">May</text>", ">1991</text>", "rotate(-90");
    Path png = folder.resolve("map.png");
    CommandLineCall painted = translate("", "--attention=26 mai 1991", "-o", png);
    if (painted.code() == 0) { // else the machine has no fonts, which is said
      assertThat(Files.readAllBytes(png)).startsWith(0x89, 'P', 'N', 'G');
    } else {
      assertThat(painted.err()).contains("a PNG needs a font");
    }
  }
}
