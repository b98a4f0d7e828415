package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What other commands than {@code translate} do with a translator. */
class TranslatorCommandsTest {
  private static final Path DATES = TranslateCommandTest.DATES;

  @TempDir Path folder;

  private Path pairs() throws IOException {
    Map<String, Object> json = JSON.std.mapFrom(Files.readString(DATES.resolve("expected.json")));
    StringBuilder tsv = new StringBuilder();
    for (Object one : ((List<?>) json.get("translations")).subList(0, 60)) {
      Map<?, ?> pair = (Map<?, ?>) one;
      tsv.append(pair.get("source")).append('\t').append(pair.get("reference")).append('\n');
    }
    return Files.writeString(folder.resolve("test.tsv"), tsv);
  }

  @Test
  void infoTellsTheShapeOfATranslator() throws IOException {
    CommandLineCall call = CommandLineCall.of("info", DATES, "--json");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(JSON.std.mapFrom(call.out()))
        .containsEntry("architecture", "translator (encoder and decoder)")
        .containsEntry("parameters", 115_008)
        .containsEntry("encoder_layers", 2)
        .containsEntry("decoder_layers", 2)
        .containsEntry("vocabulary", 420)
        .containsEntry("norms", "after each branch");
    assertThat(CommandLineCall.of("info", DATES).out())
        .containsPattern("tokenizer +bpe, 420 tokens");
    assertThat(CommandLineCall.of("info", DATES.resolveSibling("opus_tiny")).out())
        .containsPattern("tokenizer +sentencepiece, \\d+ tokens");
    assertThat(CommandLineCall.of("info", DATES.resolveSibling("pegasus_tiny")).out())
        .containsPattern("norms +before each branch");
  }

  @Test
  void evalMeasuresItsTranslationsAsItDoesTwoFiles() throws IOException {
    Path pairs = pairs();
    CommandLineCall call = CommandLineCall.of("eval", DATES, "--bleu", "--data", pairs);
    assertThat(call.code()).as(call.err()).isZero();
    StringBuilder sources = new StringBuilder();
    StringBuilder references = new StringBuilder();
    for (String line : Files.readAllLines(pairs)) {
      sources.append(line.split("\t")[0]).append('\n');
      references.append(line.split("\t")[1]).append('\n');
    }
    Path input = Files.writeString(folder.resolve("test.fr"), sources);
    Path ref = Files.writeString(folder.resolve("test.en"), references);
    String translated = CommandLineCall.of("translate", DATES, "--input", input).out();
    Path hyp = Files.writeString(folder.resolve("hyp.txt"), translated);
    assertThat(call.out()).isEqualTo(CommandLineCall.of("eval", "--bleu", hyp, ref).out());
    CommandLineCall json =
        CommandLineCall.of("eval", DATES, "--bleu", "--data", pairs, "--beam=1", "--json");
    assertThat(json.code()).as(json.err()).isZero();
    assertThat(JSON.std.mapFrom(json.out())).containsEntry("beam", 1).containsEntry("lines", 60);
    CommandLineCall swapped =
        CommandLineCall.of(
            "eval",
            DATES,
            "--bleu",
            "--data",
            input + "," + ref,
            "--source-lang=fr",
            "--target-lang=en",
            "--json");
    assertThat(swapped.code()).as(swapped.err()).isZero();
    String exact = call.out().replaceAll("(?s).*exact match = ([0-9.]+) .*", "$1");
    assertThat((Double) JSON.std.mapFrom(swapped.out()).get("exact_match"))
        .isCloseTo(Double.parseDouble(exact), within(0.01));
  }

  @Test
  void whatDoesNotGoWithBleuIsRefused() throws IOException {
    Path pairs = pairs();
    CommandLineCall split =
        CommandLineCall.of("eval", DATES, "--bleu", "--data", pairs, "--split=val");
    assertThat(split.code()).isEqualTo(2);
    assertThat(split.err()).startsWith("jambic: --split does not go with --bleu of a model's");
    CommandLineCall beam = CommandLineCall.of("eval", DATES, "--beam=2");
    assertThat(beam.code()).isEqualTo(2);
    assertThat(beam.err()).startsWith("jambic: --beam is for --bleu of a translator; add --bleu");
    CommandLineCall one =
        CommandLineCall.of("eval", DATES, "--bleu", "--data", pairs, "--source-lang=fr");
    assertThat(one.code()).isEqualTo(2);
    assertThat(one.err()).startsWith("jambic: --source-lang and --target-lang go together");
    CommandLineCall gpt =
        CommandLineCall.of("eval", DATES.resolveSibling("hf_gpt2_tiny"), "--bleu", "--data", pairs);
    assertThat(gpt.code()).isEqualTo(1);
    assertThat(gpt.err()).contains("holds a GPT").hasLineCount(1);
  }

  @Test
  void anExportedTranslatorTranslatesTheSame() throws IOException {
    Path input = Files.writeString(folder.resolve("fr.txt"), "26 mai 1991\n");
    Path out = folder.resolve("exported");
    CommandLineCall call = CommandLineCall.of("export", DATES, "--out", out);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(CommandLineCall.of("translate", out, "--input", input).out())
        .isEqualTo("May 26, 1991\n");
    CommandLineCall again = CommandLineCall.of("export", DATES, "--out", out);
    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err()).contains("exists").hasLineCount(1);
  }
}
