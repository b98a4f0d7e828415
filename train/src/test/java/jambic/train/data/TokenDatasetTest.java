package jambic.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import jambic.model.text.BpeTokenizer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.TokenDecoder;
import jambic.model.text.TokenEncoder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenDatasetTest {
  private static final String TEXT = "añ🙂c\n".repeat(20); // 100 characters

  private static final String META =
      """
      80049560000000000000007d94288c0a766f6361625f73697a65944b058c0469746f73947d94284b
      008c010a944b018c0161944b028c0163944b038c02c3b1944b048c04f09f998294758c0473746f69
      947d942868044b0068054b0168064b0268074b0368084b0475752e
      """;

  @TempDir private Path temporary;
  private Path text;
  private TokenDataset folder;

  @BeforeEach
  void writeText() throws IOException {
    text = Files.writeString(temporary.resolve("text.txt"), TEXT);
    folder = new TokenDataset(temporary.resolve("data"));
  }

  private Dataset write(Tokenizer tokenizer) {
    return folder.write(Texts.of(text), 100, tokenizer, OptionalInt.empty(), part -> {});
  }

  private static int[] all(TokenSource tokens) {
    int[] ids = new int[(int) tokens.length()];
    tokens.copy(0, ids, 0, ids.length);
    return ids;
  }

  @Test
  void holdsTheIdsOfBothParts() {
    Tokenizer tokenizer = CharTokenizer.of(TEXT);
    write(tokenizer);
    TokenDataset again = new TokenDataset(folder.path());
    assertThat(again.requireTokenizer()).isEqualTo(tokenizer);
    Dataset data = again.open(tokenizer);
    assertThat(tokenizer.decode(all(data.train()))).isEqualTo("añ🙂c\n".repeat(18));
    assertThat(tokenizer.decode(all(data.val()))).isEqualTo("añ🙂c\n".repeat(2));
    assertThat(data.train().slice(1, 3).length()).isEqualTo(2);
  }

  @Test
  void documentsEndWithTheirTokenAndDoNotMelt() throws IOException {
    Tokenizer gpt2 = BpeTokenizer.gpt2();
    int end = gpt2.endOfText().orElseThrow();
    Texts files =
        Texts.of(
            Files.writeString(temporary.resolve("a"), "Hel"),
            Files.writeString(temporary.resolve("b"), "lo world, lo world"),
            Files.writeString(temporary.resolve("c"), ""),
            Files.writeString(temporary.resolve("d"), "a.b"));
    Dataset data = folder.write(files, 24, gpt2, OptionalInt.of(end), part -> {}); // cut after 21
    assertThat(all(data.train()))
        .containsExactly(ids(gpt2.encode("Hel"), end, gpt2.encode("lo world, lo world"), end, end));
    assertThat(all(data.val())).containsExactly(ids(gpt2.encode("a.b"), end));
    Dataset one = folder.write(files, 24, gpt2, OptionalInt.empty(), part -> {});
    assertThat(gpt2.decode(all(one.train()))).isEqualTo("Hello world, lo world");
    assertThat(all(one.train())).startsWith(gpt2.encode("Hello")).doesNotContain(end);
  }

  private static int[] ids(Object... parts) {
    return Arrays.stream(parts)
        .flatMapToInt(
            part -> part instanceof int[] ids ? Arrays.stream(ids) : IntStream.of((int) part))
        .toArray();
  }

  @Test
  void aFileThatIsCutWhileItIsReadIsNamed() throws IOException {
    Dataset data = write(CharTokenizer.of(TEXT));
    Path file = folder.path().resolve("train.bin");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(0);
    }
    assertThatThrownBy(() -> all(data.train()))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(file + " was cut or replaced while it was read");
  }

  @Test
  void writesSixteenBitsLittleEndian() throws IOException {
    write(BpeTokenizer.gpt2());
    int[] ids = BpeTokenizer.gpt2().encode("añ🙂c\n".repeat(2));
    byte[] bytes = Files.readAllBytes(folder.path().resolve("val.bin"));
    assertThat(bytes).hasSize(2 * ids.length);
    for (int i = 0; i < ids.length; i++) {
      assertThat((bytes[2 * i] & 0xFF) | (bytes[2 * i + 1] & 0xFF) << 8).isEqualTo(ids[i]);
    }
  }

  @Test
  void writesThirtyTwoBitsForALargeVocabulary() throws IOException {
    Tokenizer large = new CodePoints(65_536);
    write(large);
    assertThat(Files.size(folder.path().resolve("val.bin"))).isEqualTo(4 * 10);
    assertThat(large.decode(all(folder.open(large).val()))).isEqualTo("añ🙂c\n".repeat(2));
    assertThat(TokenFile.width(65_535)).isEqualTo(2);
  }

  @Test
  void splitsWherePythonDoes() throws IOException {
    // int(14 * 0.9) is 12
    Files.writeString(text, "abcdefghijklmn");
    Tokenizer tokenizer = CharTokenizer.of("abcdefghijklmn");
    Dataset data = folder.write(Texts.of(text), 14, tokenizer, OptionalInt.empty(), part -> {});
    assertThat(tokenizer.decode(all(data.train()))).isEqualTo("abcdefghijkl");
    assertThat(tokenizer.decode(all(data.val()))).isEqualTo("mn");
  }

  @Test
  void takesSeveralFilesForOneText() throws IOException {
    Path hello = Files.writeString(temporary.resolve("hello.txt"), "Hel");
    Path rest = Files.writeString(temporary.resolve("rest.txt"), "lo world" + " ".repeat(2));
    BpeTokenizer gpt2 = BpeTokenizer.gpt2();
    Dataset data = folder.write(Texts.of(hello, rest), 13, gpt2, OptionalInt.empty(), part -> {});
    assertThat(all(data.train())).startsWith(15_496, 995);
  }

  @Test
  void encodesTinyShakespeareAsNanoGptDoes() {
    String data = System.getenv().getOrDefault("JAMBIC_DATA", "");
    Assumptions.assumeFalse(data.isEmpty(), "JAMBIC_DATA names no folder with tiny Shakespeare");
    Path input = Path.of(data, "tinyshakespeare", "input.txt");
    Assumptions.assumeTrue(Files.exists(input), input + " does not exist");
    BpeTokenizer gpt2 = BpeTokenizer.gpt2();
    Dataset written =
        folder.write(Texts.of(input), 1_115_394, gpt2, OptionalInt.empty(), part -> {});
    assertThat(written.train().length()).isEqualTo(301_966);
    assertThat(written.val().length()).isEqualTo(36_059);
  }

  @Test
  void refusesDamagedFiles() throws IOException {
    Tokenizer tokenizer = CharTokenizer.of(TEXT);
    write(tokenizer);
    Path train = folder.path().resolve("train.bin");
    Files.write(train, new byte[] {0, 0, 9, 0});
    TokenSource tokens = folder.open(tokenizer).train();
    refused(() -> all(tokens), train + ": token 1 has the id 9, but the vocabulary ends at 4");
    Files.write(train, new byte[3]);
    refused(() -> folder.open(tokenizer), train + " has 3 bytes, which is no number of ids");
    Files.delete(train);
    refused(() -> folder.open(tokenizer), folder.path() + " is a folder without a train.bin");
  }

  @Test
  void opensNanoGptsFolderOfCharacters() throws IOException {
    Dataset data = write(CharTokenizer.of(TEXT));
    Files.delete(folder.path().resolve("tokenizer.json"));
    refused(folder::requireTokenizer, "has neither a tokenizer.json nor a meta.pkl; if its ids");
    // pickle.dump({'vocab_size': 5, 'itos': {0: '\n', ...}, 'stoi': {'\n': 0, ...}}) of Python 3.11
    byte[] pickle = HexFormat.of().parseHex(META.replace("\n", ""));
    Files.write(folder.path().resolve("meta.pkl"), pickle);
    Tokenizer tokenizer = folder.requireTokenizer();
    assertThat(tokenizer.decode(all(folder.open(tokenizer).val()))).isEqualTo("añ🙂c\n".repeat(2));
    assertThat(all(data.val())).isEqualTo(all(folder.open(tokenizer).val()));
  }

  @Test
  void deletesNobodysFiles() throws IOException {
    write(CharTokenizer.of(TEXT));
    write(BpeTokenizer.gpt2()); // its own files it replaces
    Path mine = Files.writeString(folder.path().resolve("prepare.py"), "");
    refused(() -> write(BpeTokenizer.gpt2()), "holds prepare.py, which preparing would delete");
    assertThat(mine).exists();
  }

  @Test
  void saysThatAFolderMayNotBeRead() throws IOException {
    Path closed = Files.createDirectory(temporary.resolve("closed"));
    Files.setPosixFilePermissions(closed, Set.of());
    assumeFalse(Files.isReadable(closed), "the superuser may read everything");
    refused(() -> new TokenDataset(closed).requireTokenizer(), "cannot read " + closed + ": perm");
  }

  @Test
  void keepsTheOldFolderIfTheTextIsBroken() throws IOException {
    Tokenizer tokenizer = CharTokenizer.of(TEXT);
    write(tokenizer);
    Files.write(text, new byte[] {'a', 'b', (byte) 0xff, 'c'});
    refused(() -> write(tokenizer), text + " is not UTF-8: malformed byte 0xff at offset 2");
    assertThat(folder.open(tokenizer).train().length()).isEqualTo(90);
    Files.writeString(text, "a");
    refused(() -> write(tokenizer), "the text changed while it was encoded");
    refused(
        () -> folder.write(Texts.of(temporary), 1, tokenizer, OptionalInt.empty(), part -> {}),
        temporary + " is a folder");
    refused(
        () ->
            folder.write(
                Texts.of(temporary.resolve("no")), 1, tokenizer, OptionalInt.empty(), part -> {}),
        "no does not exist");
  }

  @Test
  void aTextOfWhichAPartWouldHoldNoWindowIsRefused() throws IOException {
    Tokenizer tokenizer = CharTokenizer.of("abcdefghijk");
    Files.writeString(text, "abcdefghij");
    refused(
        () -> folder.write(Texts.of(text), 10, tokenizer, OptionalInt.empty(), part -> {}),
        "the text: 9 tokens to train on and 1 held back are too few, a context of 1 needs 2 of each");
    assertThat(folder.path()).doesNotExist();
    Files.writeString(text, "abcdefghijk");
    assertThat(
            folder
                .write(Texts.of(text), 11, tokenizer, OptionalInt.empty(), part -> {})
                .val()
                .length())
        .isEqualTo(2);
  }

  @Test
  void readsCharactersThatLieAcrossTwoReads() throws IOException {
    String long_ = "🙂é文a".repeat(300_001); // three million bytes, ten to a round
    Files.writeString(text, long_);
    StringBuilder read = new StringBuilder();
    Utf8Reader.read(List.of(text), read::append);
    assertThat(read.toString().equals(long_)).isTrue();
    byte[] cut = Files.readAllBytes(text);
    Files.write(text, Arrays.copyOf(cut, cut.length - 8));
    refused(
        () -> Utf8Reader.read(List.of(text), part -> {}),
        "malformed byte 0xf0 at offset " + (cut.length - 10));
  }

  @Test
  void aMarkAtTheBeginningIsDroppedHoweverTheBytesCome() {
    byte[] bytes = "\uFEFFa\uFEFFb".getBytes(StandardCharsets.UTF_8);
    InputStream oneByOne =
        new ByteArrayInputStream(bytes) {
          @Override
          public int read(byte[] target, int offset, int length) {
            return super.read(target, offset, Math.min(1, length));
          }
        };
    StringBuilder read = new StringBuilder();
    Utf8Reader.read(oneByOne, "text", read::append);
    assertThat(read).hasToString("a\uFEFFb");
    byte[] utf16 = "ab".getBytes(StandardCharsets.UTF_16);
    refused(
        () -> Utf8Reader.read(new ByteArrayInputStream(utf16), "standard input", part -> {}),
        "standard input is UTF-16, not UTF-8; convert the file to UTF-8 first");
  }

  private static void refused(Runnable action, String sentence) {
    assertThatThrownBy(action::run)
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(sentence);
  }

  /** Every code point its own id, counted down from the end of a vocabulary of any size. */
  private record CodePoints(int vocabSize) implements Tokenizer {
    @Override
    public int[] encode(String text) {
      return text.codePoints().map(c -> vocabSize - 1 - (c & 0xFFFF)).toArray();
    }

    @Override
    public TokenEncoder encoder() {
      return new TokenEncoder() {
        @Override
        public int[] next(String part) {
          return encode(part);
        }

        @Override
        public int[] end() {
          return new int[0];
        }
      };
    }

    @Override
    public String decode(int... ids) {
      StringBuilder text = new StringBuilder();
      for (int id : ids) {
        int c = vocabSize - 1 - id;
        text.appendCodePoint(c == 0xF642 ? 0x1F642 : c);
      }
      return text.toString();
    }

    @Override
    public TokenDecoder decoder() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void save(Path folder) {}
  }
}
