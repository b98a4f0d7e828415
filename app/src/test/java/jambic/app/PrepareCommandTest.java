package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrepareCommandTest {
  @TempDir private Path folder;
  private Path text;
  private Path data;

  @BeforeEach
  void writeText() throws IOException {
    text = TinyRun.text(folder);
    data = folder.resolve("data");
  }

  private static CommandLineCall good(Object... args) {
    CommandLineCall call = CommandLineCall.of(args);
    assertThat(call.code()).as(call.err()).isZero();
    return call;
  }

  private static void refused(String sentence, Object... args) {
    CommandLineCall call = CommandLineCall.of(args);
    assertThat(call.code()).isNotZero();
    assertThat(call.err()).startsWith("jambic: ").contains(sentence);
  }

  @Test
  void preparesWhatModelsTrainOn() {
    assertThat(good("prepare", text, "--train-bpe", 300, "--out", data).out())
        .contains("to train on and", "next     jambic train --data " + data);
    Path run = folder.resolve("run");
    CommandLineCall train = TinyRun.train(data, run);
    assertThat(train.code()).as(train.err()).isZero();
    assertThat(run.resolve("best/tokenizer.json"))
        .hasSameTextualContentAs(data.resolve("tokenizer.json"));

    assertThat(good("sample", run, "--max-new-tokens", 5).out()).isNotBlank();
    assertThat(good("eval", run).out()).contains("tokens of " + data.toAbsolutePath());
    assertThat(good("eval", run, "--data", text).out()).contains("tokens of " + text);
    CommandLineCall resumed =
        CommandLineCall.of("train", "--resume", "--out", run, "--max-iters", 22);
    assertThat(resumed.code()).as(resumed.err()).isZero();

    good("prepare", text, "--tokenizer", run, "--out", folder.resolve("again"));
    assertThat(folder.resolve("again/train.bin")).hasSameBinaryContentAs(data.resolve("train.bin"));
  }

  @Test
  void trainsOnFoldersOfNanoGpt() throws IOException {
    good("prepare", text, "--tokenizer", "gpt2", "--out", data);
    Files.delete(data.resolve("tokenizer.json"));
    Path run = folder.resolve("run");
    CommandLineCall without = TinyRun.train(data, run);
    assertThat(without.code()).isEqualTo(1);
    assertThat(without.err()).contains("give gpt2 as the --tokenizer");
    CommandLineCall with =
        TinyRun.train(
            data, run, "--tokenizer", "gpt2", "--n-layer=1", "--n-embd=8", "--max-iters=1");
    assertThat(with.code()).as(with.err()).isZero();
    assertThat(with.out()).contains("50,257 different ones");
  }

  @Test
  void refusesAnotherVocabulary() {
    good("prepare", text, "--tokenizer", "char", "--out", data);
    CommandLineCall call = TinyRun.train(data, folder.resolve("run"), "--tokenizer", "gpt2");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains("was prepared with another vocabulary");
  }

  @Test
  void severalTextsAreDocumentsThatEndUnlessOneSaysOtherwise() throws IOException {
    long one = length("prepare", text);
    assertThat(good("prepare", text, text, "--out", data).out())
        .contains("ends     <|endoftext|> after each of 2 texts");
    assertThat(length("prepare", text, "--end-of-text")).isEqualTo(one + 1);
    assertThat(length("prepare", text, text)).isEqualTo(2 * one + 2);
    assertThat(length("prepare", text, text, "--end-of-text=false")).isEqualTo(2 * one);
    assertThat(length("prepare", text, text, "--tokenizer=char")).isEqualTo(2 * Files.size(text));
    refused(
        "--end-of-text needs a vocabulary with <|endoftext|>, which this one lacks",
        "prepare",
        text,
        "--end-of-text",
        "--tokenizer=char",
        "--out",
        data);
  }

  /** The tokens of both parts; the two texts above end with a line and melt nowhere. */
  private long length(Object... args) throws IOException {
    List<Object> all = new ArrayList<>(List.of(args));
    all.addAll(List.of("--out", data));
    good(all.toArray());
    return (Files.size(data.resolve("train.bin")) + Files.size(data.resolve("val.bin"))) / 2;
  }

  @Test
  void takesStandardInputAndPipes() throws Exception {
    good("prepare", text, "--out", data);
    InputStream before = System.in;
    try {
      System.setIn(Files.newInputStream(text));
      good("prepare", "-", "--out", folder.resolve("standard"));
      System.setIn(InputStream.nullInputStream());
      refused("standard input is empty; give a text", "prepare", "-", "--out", folder.resolve("x"));
      System.setIn(new ByteArrayInputStream(new byte[] {'a', (byte) 0xff}));
      refused("standard input comes only once; give - once", "prepare", "-", "-", "--out", data);
      refused("standard input is not UTF-8: malformed byte 0xff", "prepare", "-", "--out", data);
    } finally {
      System.setIn(before);
    }
    Path pipe = folder.resolve("pipe");
    assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0);
    Thread writer = Thread.ofVirtual().start(() -> copyInto(pipe));
    good("prepare", pipe, "--out", folder.resolve("piped"));
    writer.join();
    for (String other : List.of("standard", "piped")) {
      assertThat(folder.resolve(other).resolve("train.bin"))
          .hasSameBinaryContentAs(data.resolve("train.bin"));
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("text.txt", "pipe", "data", "standard", "piped");
    }
  }

  private void copyInto(Path pipe) {
    try {
      Files.write(pipe, Files.readAllBytes(text), StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aFieldOfJsonLinesIsADocumentOfEachLine() throws IOException {
    Path lines = Files.writeString(folder.resolve("x.jsonl"), "{\"text\":\"hello\"}\n".repeat(40));
    refused(
        lines
            + " is JSON Lines, an object a line; choose the field that is the text with"
            + " --text-field, such as 'text', or '' to take the lines as they stand",
        "prepare",
        lines,
        "--out",
        data);
    assertThat(good("prepare", lines, "--text-field=text", "--out", data).out())
        .contains("ends     <|endoftext|> after each of 40 texts");
    assertThat(length("prepare", lines, "--text-field", "text")).isEqualTo(80); // hello, its end
    assertThat(length("prepare", lines, "--text-field", "text", "--tokenizer=char"))
        .isEqualTo(40 * 6); // with a line break
    assertThat(Files.readString(data.resolve("tokenizer.json"))).doesNotContain("\"{\"");
    assertThat(length("prepare", lines, "--text-field=text", "--end-of-text=false"))
        .isEqualTo(80); // hello, a line break
    assertThat(length("prepare", lines, "--text-field", "", "--tokenizer=char"))
        .isEqualTo(Files.size(lines));
    good("prepare", lines, "--text-field=text", "--train-bpe", 270, "--out", data);
    assertThat(Files.readString(data.resolve("tokenizer.json")))
        .contains("\"hello\"")
        .doesNotContain("\"ohe\"", "\"oh\"");
    refused(
        lines + ", line 1: there is no field 'body', but text",
        "prepare",
        lines,
        "--text-field=body",
        "--out",
        data);
  }

  @Test
  void jsonLinesFromStandardInputAreNamedSo() throws IOException {
    InputStream before = System.in;
    try {
      byte[] lines = "\uFEFF{\"text\":\"hello\"}\n{\"text\":7}\n".getBytes(StandardCharsets.UTF_8);
      System.setIn(new ByteArrayInputStream(lines));
      refused(
          "standard input, line 2: the field 'text' is no text but a number",
          "prepare",
          "-",
          "--text-field=text",
          "--out",
          data);
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void aByteOrderMarkIsNoCharacterOfTheVocabulary() throws IOException {
    Path marked = folder.resolve("marked");
    Files.writeString(marked, "\uFEFF" + Files.readString(text));
    assertThat(length("prepare", marked, marked, "--tokenizer=char"))
        .isEqualTo(2 * Files.size(text));
  }

  @Test
  void reportsInJson() {
    CommandLineCall call = good("prepare", text, "--json", "--out", data);
    assertThat(call.out()).startsWith("{\"folder\":").contains("\"vocab_size\":50257");
    assertThat(call.err()).isEmpty();
  }

  @Test
  void learnsTheSameTwice() {
    good("prepare", text, "--train-bpe", 300, "--out", data);
    good("prepare", text, "--train-bpe", 300, "--out", folder.resolve("twice"));
    assertThat(folder.resolve("twice/tokenizer.json"))
        .hasSameTextualContentAs(data.resolve("tokenizer.json"));
    assertThat(good("prepare", text, "--train-bpe", 9999, "--out", data).out())
        .contains("the texts give only");
  }

  @Test
  void refusesWhatItCannotPrepare() throws IOException {
    refused("--train-bpe must be at least 257", "prepare", text, "--train-bpe", 9, "--out", data);
    refused(
        "--tokenizer and --train-bpe exclude each other; give one of them",
        "prepare",
        text,
        "--train-bpe",
        300,
        "--tokenizer",
        "char",
        "--out",
        data);
    refused("does not exist", "prepare", folder.resolve("none"), "--out", data);
    Path empty = Files.writeString(folder.resolve("empty"), "");
    refused("empty is empty", "prepare", empty, "--out", data);
    for (String tokens : List.of("--train-bpe=300", "--tokenizer=char", "--tokenizer=gpt2")) {
      CommandLineCall nothing = CommandLineCall.of("prepare", empty, tokens, "--out", data);
      assertThat(nothing.err())
          .isEqualTo("jambic: " + empty + " is empty; give a text to train on\n");
      assertThat(nothing.out()).isEmpty();
    }
    Path one = Files.writeString(folder.resolve("one"), "a");
    refused(
        "the text: 0 tokens to train on and 1 held back are too few",
        "prepare",
        one,
        "--out",
        data);
    refused("which preparing would delete", "prepare", text, "--out", folder);
    assertThat(text).exists();
    assertThat(data).doesNotExist();
  }

  @Test
  void aFolderThatItDidNotMakeIsNotReplaced() throws IOException {
    Path nanoGpt = Files.createDirectory(folder.resolve("nanogpt"));
    Path ids = Files.writeString(nanoGpt.resolve("train.bin"), "ids");
    refused(
        nanoGpt + " holds train.bin, which preparing would delete, and is not of an earlier",
        "prepare",
        text,
        "--out",
        nanoGpt);
    assertThat(ids).hasContent("ids");
    Path vocabulary = Files.createDirectory(folder.resolve("vocabulary"));
    Path tokenizer = Files.writeString(vocabulary.resolve("tokenizer.json"), "{}");
    refused("holds tokenizer.json, which", "prepare", text, "--out", vocabulary);
    assertThat(tokenizer).hasContent("{}");
    good("prepare", text, "--out", data);
    good("prepare", text, "--tokenizer=char", "--out", data); // its own
  }
}
