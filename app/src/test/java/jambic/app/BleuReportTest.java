package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code jambic eval --bleu HYP REF}, with what {@code sacrebleu REF -i HYP -m bleu chrf} says. */
class BleuReportTest {
  private static final String HYP = "The cat sits on the mat.\nIt rained.\nNo.\n";
  private static final String REF = "The cat is sitting on the mat.\nIt rained all day.\nNo.\n";

  @TempDir Path folder;

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private CommandLineCall eval(String hypotheses, String references, Object... more)
      throws IOException {
    Object[] words = new Object[4 + more.length];
    words[0] = "eval";
    words[1] = "--bleu";
    words[2] = write("hyp.txt", hypotheses);
    words[3] = write("ref.txt", references);
    System.arraycopy(more, 0, words, 4, more.length);
    return CommandLineCall.of(words);
  }

  @Test
  void scoresStandWithTheirSignatures() throws IOException {
    CommandLineCall call = eval(HYP, REF);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out())
        .hasToString(
            """
            BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0 = 37.00 91.7/66.7/33.3/25.0 (BP = 0.779 ratio = 0.800 hyp_len = 12 ref_len = 15)
            chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0 = 52.16
            exact match = 33.33 % (1 of 3 lines)
            """);
  }

  @Test
  void jsonHasAllDigits() throws IOException {
    CommandLineCall call = eval(HYP, REF, "--json");
    assertThat(call.code()).as(call.err()).isZero();
    Map<String, Object> json = JSON.std.mapFrom(call.out());
    assertThat(json)
        .containsEntry("hypotheses", folder.resolve("hyp.txt").toString())
        .containsEntry("references", folder.resolve("ref.txt").toString())
        .containsEntry("lines", 3)
        .containsEntry("hypothesis_length", 12)
        .containsEntry("reference_length", 15)
        .containsEntry("exact_lines", 1)
        .containsEntry(
            "bleu_signature", "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0")
        .containsEntry(
            "chrf_signature", "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0");
    assertThat((Double) json.get("bleu")).isCloseTo(36.996540277791965, within(1e-9));
    assertThat((Double) json.get("chrf")).isCloseTo(52.157911050988645, within(1e-9));
    assertThat((Double) json.get("exact_match")).isCloseTo(100 / 3.0, within(1e-9));
    assertThat((List<?>) json.get("bleu_precisions")).hasSize(4);
  }

  @Test
  void linesEndAtLineFeedsAloneAndTheLastNeedsNone() throws IOException {
    String bare = eval("a\u2028b\rc\n\nd", "a\u2028b\rc\n\nd").out();
    assertThat(bare).endsWith("(3 of 3 lines)" + System.lineSeparator());
    assertThat(eval("a\u2028b\rc\r\n\r\nd\r\n", "a\u2028b\rc\n\nd").out()).isEqualTo(bare);
  }

  @Test
  void unequalNumbersOfLinesAreOneSentenceWithBoth() throws IOException {
    CommandLineCall call = eval("a\n\nb\n", "a\n");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .isEqualTo(
            "jambic: %s has 3 lines but %s has 1 line; each line of one is compared with that"
                    .formatted(folder.resolve("hyp.txt"), folder.resolve("ref.txt"))
                + " line of the other"
                + System.lineSeparator());
  }

  @Test
  void aFileThatIsNotUtf8IsOneSentence() throws IOException {
    Path latin = folder.resolve("latin.txt");
    Files.write(latin, "été\n".getBytes(StandardCharsets.ISO_8859_1));
    CommandLineCall call = CommandLineCall.of("eval", "--bleu", write("hyp.txt", "x\n"), latin);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .startsWith("jambic: " + latin + " is not UTF-8: malformed byte 0xe9 at offset 0")
        .hasLineCount(1);
  }

  @Test
  void emptyAndMissingFilesAreOneSentence() throws IOException {
    CommandLineCall empty = eval("", "a\n");
    assertThat(empty.code()).isEqualTo(1);
    assertThat(empty.err())
        .endsWith("hyp.txt is empty; give a file with text in it\n")
        .hasLineCount(1);
    Path none = folder.resolve("none.txt");
    CommandLineCall missing = CommandLineCall.of("eval", "--bleu", none, none);
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).isEqualTo("jambic: " + none + " does not exist\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--split=val",
        "--data=x.txt",
        "--eval-iters=2",
        "--batch-size=2",
        "--block-size=2",
        "--quantize=int8",
        "--backend=cpu",
        "--threads=1",
        "--text-field=x",
        "--offline",
        "--model=out"
      })
  void whatOnlyAModelNeedsIsRefused(String option) throws IOException {
    CommandLineCall call = eval("a\n", "a\n", option);
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err())
        .startsWith(
            "jambic: "
                + option.replaceFirst("=.*", "")
                + " does not go with --bleu HYP REF, which needs no model");
  }

  @Test
  void oneFileIsTooFewAndTwoNeedTheOption() throws IOException {
    Path file = write("hyp.txt", "a\n");
    CommandLineCall one = CommandLineCall.of("eval", "--bleu", file);
    assertThat(one.code()).isEqualTo(2);
    assertThat(one.err())
        .startsWith("jambic: --bleu needs two files, as in: jambic eval --bleu hyp.txt ref.txt");
    CommandLineCall two = CommandLineCall.of("eval", file, file);
    assertThat(two.code()).isEqualTo(2);
    assertThat(two.err()).startsWith("jambic: the argument " + file + " is one too many");
    CommandLineCall three = CommandLineCall.of("eval", "--bleu", file, file, file);
    assertThat(three.code()).isEqualTo(2);
    assertThat(three.err()).startsWith("jambic: the argument " + file + " is one too many");
  }
}
