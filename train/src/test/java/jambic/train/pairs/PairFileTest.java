package jambic.train.pairs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PairFileTest {
  private static final Optional<LanguagePair> FR_EN = Optional.of(new LanguagePair("fr", "en"));
  private static final Pair HELLO = new Pair("bonjour", "hello");
  private static final Pair CAT = new Pair("le chat", "the cat");

  @TempDir private Path folder;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private Path packed(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(text.getBytes(UTF_8));
    }
    return file;
  }

  private static List<Pair> read(Path file) {
    return PairFile.of(file.toString(), Optional.empty()).read();
  }

  private static List<Pair> read(Path file, String source, String target) {
    return PairFile.of(file.toString(), Optional.of(new LanguagePair(source, target))).read();
  }

  @Test
  void readsTsvWithMoreColumnsCrlfAndAByteOrderMark() throws IOException {
    Path file =
        file("anki.txt", "\uFEFFbonjour\thello\tCC-BY 2.0 (France) a & b\r\nle chat\tthe cat\tx");
    assertThat(read(file)).containsExactly(HELLO, CAT);
  }

  @Test
  void onlyALineFeedEndsALine() throws IOException {
    Path file = file("a.tsv", "a\u2028b\u0085c\td\u000Be\n");
    assertThat(read(file)).containsExactly(new Pair("a\u2028b\u0085c", "d\u000Be"));
  }

  @Test
  void aBlankLineOfTsvIsAPairWithoutSides() throws IOException {
    assertThat(read(file("a.tsv", "bonjour\thello\n\n\tx\n")))
        .containsExactly(HELLO, new Pair("", ""), new Pair("", "x"));
  }

  @Test
  void languagesNameTheColumnsOfTheFirstLine() throws IOException {
    Path file = file("a.tsv", "id\ten\tfr\n1\thello\tbonjour\n2\tthe cat\tle chat\n");
    assertThat(read(file, "fr", "en")).containsExactly(HELLO, CAT);
  }

  @Test
  void numbersNameColumnsWhereThereIsNoHeader() throws IOException {
    assertThat(read(file("a.tsv", "hello\tbonjour\nthe cat\tle chat\n"), "2", "1"))
        .containsExactly(HELLO, CAT);
  }

  @Test
  void readsAlignedLines() throws IOException {
    Path fr = file("corpus.fr", "bonjour\r\n\r\nle chat\r\n");
    Path en = file("corpus.en", "hello\n\nthe cat");
    assertThat(PairFile.of(fr + "," + en, Optional.empty()).read())
        .containsExactly(HELLO, new Pair("", ""), CAT);
    assertThat(PairFile.of(en + "," + fr, FR_EN).read()) // by the suffixes
        .containsExactly(HELLO, new Pair("", ""), CAT);
  }

  @Test
  void readsPackedFilesOfEveryFormat() throws IOException {
    Path fr = packed("corpus.fr.gz", "bonjour\n");
    Path en = packed("corpus.en.gz", "hello\n");
    assertThat(PairFile.of(en + "," + fr, FR_EN).read()).containsExactly(HELLO);
    assertThat(read(packed("a.tsv.gz", "bonjour\thello\n"))).containsExactly(HELLO);
    assertThat(read(packed("a.jsonl.gz", "{\"source\":\"bonjour\",\"target\":\"hello\"}\n")))
        .containsExactly(HELLO);
    assertThat(read(packed("a.tmx.gz", tmx("", unit("bonjour", "hello"))), "fr", "en"))
        .containsExactly(HELLO);
  }

  @Test
  void readsJsonLinesNestedOrFlat() throws IOException {
    Path nested =
        file(
            "a.jsonl",
            "\uFEFF{\"id\": 1, \"translation\": {\"en\": \"hello\", \"fr\": \"bonjour\"}}\n\n"
                + "{\"translation\": {\"fr\": \"le chat\", \"en\": \"the cat\"}}\n");
    assertThat(read(nested, "fr", "en")).containsExactly(HELLO, CAT);
    assertThat(read(file("b.ndjson", "{\"en\":\"hello\",\"fr\":\"bonjour\"}"), "fr", "en"))
        .containsExactly(HELLO);
  }

  private static String tmx(String before, String... units) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        + before
        + "<tmx version=\"1.4\"><header srclang=\"en\"/><body>"
        + String.join("\n", units)
        + "</body></tmx>";
  }

  private static String unit(String french, String english) {
    return "<tu><prop type=\"x\">note</prop><tuv xml:lang=\"en-US\"><seg>%s</seg></tuv><tuv xml:lang=\"FR\"><seg>%s</seg></tuv></tu>"
        .formatted(english, french);
  }

  @Test
  void readsTheSegmentsOfTmxByThePrefixOfTheirLanguage() throws IOException {
    String doctype = "<!DOCTYPE tmx SYSTEM \"http://localhost:1/tmx14.dtd\">\n";
    String both = unit("bonjour", "hello");
    String third =
        "<tu><tuv xml:lang=\"frr\"><seg>no French</seg></tuv><tuv xml:lang=\"en\"><seg>x</seg></tuv></tu>";
    String codes =
        unit(
            "<bpt i=\"1\">&lt;b&gt;</bpt>le <hi>chat</hi><ept i=\"1\">&lt;/b&gt;</ept>\n",
            "the\n   c<ph>{1}<sub>left out</sub></ph>at");
    assertThat(read(file("a.tmx", tmx(doctype, both, third, codes)), "fr", "en"))
        .containsExactly(HELLO, new Pair("", "x"), CAT);
  }

  @Test
  void aVarietyThatIsNamedExactlyComesFirst() throws IOException {
    String unit =
        "<tu><tuv xml:lang=\"fr\"><seg>bonjour</seg></tuv><tuv xml:lang=\"en-GB\"><seg>colour</seg></tuv><tuv xml:lang=\"en_US\"><seg>color</seg></tuv></tu>";
    Path file = file("a.tmx", tmx("", unit));
    assertThat(read(file, "fr", "en")).containsExactly(new Pair("bonjour", "colour"));
    assertThat(read(file, "fr", "en-US")).containsExactly(new Pair("bonjour", "color"));
  }

  @Test
  void tmxIsUtf8WhateverItDeclares() throws IOException {
    String text = tmx("", unit("caf\u00E9", "coffee")).replace("UTF-8", "ISO-8859-1");
    assertThat(read(file("a.tmx", "\uFEFF" + text), "fr", "en"))
        .containsExactly(new Pair("caf\u00E9", "coffee"));
  }

  @Test
  void aLongTmxWithManyEscapesIsReadWhole() throws IOException {
    String[] units = new String[60_000];
    Arrays.fill(units, unit("a &amp; &lt;b&gt; &#233;", "&quot;c&quot; &apos;"));
    assertThat(read(file("a.tmx", tmx("", units)), "fr", "en"))
        .hasSize(units.length)
        .containsOnly(new Pair("a & <b> é", "\"c\" '"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          a.tsv   | bonjour;hello^no tab here     | , line 2: there is no tab in 'no tab here', but a source and its translation have one between them
          a.jsonl | {"source":"a","target":"b"}^[1] | , line 2: this is no JSON object; give one a line
          a.jsonl | {"source":"a","source":"b","target":"c"} | , line 1: an object has a key twice; keep one
          a.jsonl | {"source":"a"                 | , line 1: this is not valid JSON
          a.jsonl | {"fr":"a","en":"b"}           | , line 1: there is no text under the key 'source', and the keys are 'fr, en'; name two of them, as in --source-lang fr --target-lang en
          a.jsonl | {"source":"a","target":null}  | , line 1: there is no text under the key 'target', and the keys are 'source, target'; name two of them, as in --source-lang fr --target-lang en
          a.jsonl | {"source":"\\ud83d","target":""} | , line 1: the text of 'source' has half of a surrogate pair (\\uD800 to \\uDFFF), which is no character; remove it
          a.tmx   | <tmx/>                        | ~ is TMX, which holds any number of languages; name two of them, as in --source-lang fr --target-lang en~
          """)
  void refusesWhatIsNoPair(String name, String text, String message) throws IOException {
    Path file = file(name, text.replace(';', '\t').replace('^', '\n'));
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(JambicException.class)
        .hasMessage(file + message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      quoteCharacter = '~',
      textBlock =
          """
          a.tsv   ! de;en^a;b ! , line 1: --source-lang fr is not among the columns of the first line, 'de | en'; name one of them, or its number from 1
          a.tsv   ! x;fr;en^a;b ! , line 2: 'a\\u{9}b' has 2 columns, and column 3 is asked for
          a.jsonl ! {"translation":{"fr":"a"}} ! , line 1: there is no text under the key 'en', and the keys are 'fr'; every line needs both languages
          a.tmx   ! <tmx><body><tu><tuv xml:lang="fr"><seg>a</seg></tuv><tuv xml:lang="de"><seg>b</seg></tuv></tu></body></tmx> ! ~ has no segment in the language 'en'; it has 'de, fr'~
          a.tmx   ! <tmx><body/></tmx> ! ~ has no segment in the language 'fr'; it has no segments at all~
          """)
  void refusesLanguagesThatAreNotThere(String name, String text, String message)
      throws IOException {
    Path file = file(name, text.replace(';', '\t').replace('^', '\n'));
    assertThatThrownBy(() -> read(file, "fr", "en"))
        .isInstanceOf(JambicException.class)
        .hasMessage(file + message);
  }

  @Test
  void refusesAlignedFilesOfUnequalLengthAndOtherSuffixes() throws IOException {
    Path fr = file("corpus.fr", "a\nb\nc\n");
    Path en = file("corpus.en", "a\nb\n");
    assertThatThrownBy(() -> PairFile.of(fr + "," + en, Optional.empty()).read())
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "%s has 3 lines and %s has 2 lines, but line N of one must be the translation of line N of the other; line 3 of %s, 'c', is past the end of the other",
            fr, en, fr);
    assertThatThrownBy(
            () -> PairFile.of(fr + "," + en, Optional.of(new LanguagePair("fr", "de"))).read())
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "--source-lang fr and --target-lang de are not the suffixes of %s and %s; name these, or leave both out where the first file is the source",
            fr, en);
  }

  @Test
  void namesTheByteThatIsNotUtf8() throws IOException {
    byte[] latin = "caf\u00E9\tcoffee\n".getBytes(StandardCharsets.ISO_8859_1);
    Path tsv = Files.write(folder.resolve("a.tsv"), latin);
    assertThatThrownBy(() -> read(tsv))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            tsv
                + " is not UTF-8: malformed byte 0xe9 at offset 3; convert the file to UTF-8 first");
    Path packed = folder.resolve("a.tsv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
      out.write(latin);
    }
    assertThatThrownBy(() -> read(packed))
        .hasMessage(
            packed
                + " (unpacked) is not UTF-8: malformed byte 0xe9 at offset 3; convert the file to"
                + " UTF-8 first");
    byte[] xml = tmx("", unit("caf\u00E9", "coffee")).getBytes(StandardCharsets.ISO_8859_1);
    Path tmx = Files.write(folder.resolve("a.tmx"), xml);
    assertThatThrownBy(() -> read(tmx, "fr", "en"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(tmx + " is not UTF-8: malformed byte 0xe9 at offset ");
  }

  static Stream<Arguments> texts() {
    return Stream.of(
        Arguments.of("a.tsv.gz", "fr\ten\nbonjour\thello\n"),
        Arguments.of("a.jsonl.gz", "{\"fr\": \"bonjour\", \"en\": \"hello\"}\n"),
        Arguments.of("a.tmx.gz", tmx("", unit("bonjour", "hello"))));
  }

  @ParameterizedTest
  @MethodSource("texts")
  void saysThatAGzipFileIsCutShortOrDamaged(String name, String text) throws IOException {
    Path file = packed(name, text);
    assertThat(read(file, "fr", "en")).containsExactly(HELLO);
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {5, 12, whole.length / 2, whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> read(file, "fr", "en"))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("cannot read " + file)
          .hasMessageEndingWith(": it is cut short; copy or download it again");
    }
    whole[whole.length - 5] ^= 1; // of the checksum
    Files.write(file, whole);
    assertThatThrownBy(() -> read(file, "fr", "en"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "cannot read %s (unpacked): its compressed data is damaged; copy or download it again",
            file);
  }

  @Test
  void saysWhereTmxIsBroken() throws IOException {
    Path file = file("a.tmx", "<tmx>\n<body><tu></body>");
    assertThatThrownBy(() -> read(file, "fr", "en"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file + " is no valid TMX (line 2, column ")
        .hasMessageContaining("): the element")
        .hasMessageNotContaining("\n");
  }

  @Test
  void noEntityOfATmxOpensAFile() throws IOException {
    Path secret = file("secret.txt", "secret");
    String doctype = "<!DOCTYPE tmx [<!ENTITY x SYSTEM \"%s\">]>".formatted(secret.toUri());
    Path file = file("a.tmx", tmx(doctype, unit("&x;", "hello")));
    assertThatThrownBy(() -> read(file, "fr", "en"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file + " is no valid TMX");
  }

  @Test
  void refusesWhatIsNoFile() throws IOException {
    assertThatThrownBy(() -> PairFile.of("nowhere.tsv", Optional.empty()))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "there is no file 'nowhere.tsv' with pairs of texts; give TSV, TMX, JSON Lines, or two files as in --data corpus.fr,corpus.en");
    Path a = file("a", "x");
    assertThatThrownBy(() -> PairFile.of(a + "," + a + "," + a, Optional.empty()))
        .isInstanceOf(JambicException.class)
        .hasMessageEndingWith(" names 3 files; give one, or two with a comma between them");
    assertThatThrownBy(() -> read(folder))
        .isInstanceOf(JambicException.class)
        .hasMessage(folder + " is a folder; give a file with pairs of texts");
    Path broken = Files.write(folder.resolve("b.gz"), new byte[] {0x1F, (byte) 0x8B, 8, 0});
    assertThatThrownBy(() -> read(broken))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("cannot read " + broken);
  }

  @Test
  void isOneFileOrTwo() {
    Path a = folder.resolve("a");
    assertThatThrownBy(() -> new PairFile(List.of(a, a, a), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void refusesTheSameLanguageTwice() {
    assertThatThrownBy(() -> new LanguagePair("fr", "fr"))
        .isInstanceOf(JambicException.class)
        .hasMessage("the source and the target must have two different names, not 'fr' and 'fr'");
  }
}
