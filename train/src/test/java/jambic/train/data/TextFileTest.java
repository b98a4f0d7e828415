package jambic.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextFileTest {
  @TempDir Path folder;

  @Test
  void readsEveryPlaneOfUnicodeUnchanged() throws IOException {
    String text = "a\uFEFF\r\n\u00e9 \u65e5\u672c \uD83D\uDE00\u0000end";
    Path file = Files.writeString(folder.resolve("text"), text);
    assertThat(TextFile.read(file)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "efbbbf61    | a",
        "efbbbfefbbbf61 | \uFEFFa",
      })
  void aByteOrderMarkAtTheBeginningIsNoText(String hex, String text) {
    assertThat(TextFile.decode(HexFormat.of().parseHex(hex), "text")).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "efbbbf      | text is empty; give a file with text in it",
        "fffe6100    | text is UTF-16, not UTF-8; convert the file to UTF-8 first",
        "feff0061    | text is UTF-16, not UTF-8; convert the file to UTF-8 first",
        "1f8b0800    | text is compressed by gzip; unpack it first",
      })
  void otherFormsOfTextAreNamed(String hex, String sentence) {
    assertThatThrownBy(() -> TextFile.decode(HexFormat.of().parseHex(hex), "text"))
        .isInstanceOf(JambicException.class)
        .hasMessage(sentence);
  }

  @ParameterizedTest
  @CsvSource({
    "6162ff63, 2, 0xff", // never a UTF-8 byte
    "6162c3, 2, 0xc3", // cut inside a character
    "e697a5e697, 3, 0xe6", // cut inside the second of two
    "61c0af, 1, 0xc0", // an overlong slash
    "61eda080, 1, 0xed", // a lone surrogate
    "80, 0, 0x80", // a continuation byte with nothing to continue
  })
  void malformedBytesAreNamedByOffset(String hex, int offset, String value) throws IOException {
    Path file = folder.resolve("bad.txt");
    Files.write(file, HexFormat.of().parseHex(hex));
    assertThatThrownBy(() -> TextFile.read(file))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("malformed byte " + value + " at offset " + offset + ";");
  }

  @Test
  void aMalformedByteFarInsideIsNamedByOffset() throws IOException {
    byte[] bytes = "\u00e9".repeat(100_000).getBytes(StandardCharsets.UTF_8);
    bytes[150_000] = 'x'; // its continuation byte is now alone
    assertThatThrownBy(() -> TextFile.decode(bytes, "text"))
        .hasMessage(
            "text is not UTF-8: malformed byte 0xa9 at offset 150001;"
                + " convert the file to UTF-8 first");
  }

  @Test
  void whatIsNotATextIsSaidInOneSentence() throws IOException {
    Path missing = folder.resolve("missing");
    Path empty = Files.createFile(folder.resolve("empty"));
    assertThatThrownBy(() -> TextFile.read(missing)).hasMessage(missing + " does not exist");
    assertThatThrownBy(() -> TextFile.read(folder))
        .hasMessage(folder + " is a folder; give a text file");
    assertThatThrownBy(() -> TextFile.read(empty))
        .hasMessage(empty + " is empty; give a file with text in it");
    Path loop = folder.resolve("loop");
    Files.createSymbolicLink(loop, loop);
    assertThatThrownBy(() -> TextFile.read(loop))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("cannot read " + loop + ": ");
  }
}
