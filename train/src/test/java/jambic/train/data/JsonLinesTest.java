package jambic.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonLinesTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "x.txt    | {\"id\":1,\"text\":\"a\"}~{\"id\":2,\"text\":\"b\"}~ | text",
        "x        | {\"content\":\"a\"}~~{\"content\":\"b\"}                | content",
        "x        | \uFEFF{\"q\":\"a\",\"text\":\"b\"}~{\"q\":\"c\",\"text\":\"d\"} | text",
        "x.JSONL  | {\"story\":\"a\"}~{\"story\":\"a\"}                     | story",
        "a.ndjson | plain words                                           | NAME",
      })
  void isNoticedWithTheFieldToName(String name, String lines, String field) {
    assertThatThrownBy(
            () -> JsonLines.requirePlain(new StringReader(lines.replace('~', '\n')), name))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(name + " is JSON Lines")
        .hasMessageEndingWith(
            "; choose the field that is the text with Texts.field, such as '%s', or '' to take the lines as they stand"
                .formatted(field));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "words",
        "{ is a brace",
        "{\n  \"a\": \"b\"\n}\n{\n  \"a\": \"b\"\n}\n", // objects over several lines
        "{\"a\": \"b\"}\nis how JSON writes an object",
        "{\"a\": \"b\"}", // a file of JSON
        "{\"a\": \"b\"} {\"a\": \"c\"}\n", // two in a line
        "{\"a\": 1}\n{\"a\": 2}\n", // no text
        "\"a\"\n\"b\"\n",
        "{}\n{}\n",
      })
  void otherTextsArePlain(String text) {
    JsonLines.requirePlain(new StringReader(text), "x.txt");
  }

  @Test
  void aLineLongerThanAnyBufferIsNoticedToo() {
    String lines = "{\"text\":\"%s\"}\n".formatted("a".repeat(30_000_000)).repeat(2);
    assertThatThrownBy(() -> JsonLines.requirePlain(new StringReader(lines), "x"))
        .isInstanceOf(JambicException.class);
  }

  @Test
  void aLineIsATextWhateverItHolds() throws IOException {
    String lines =
        "{\"n\":1,\"t\":\"a\\nb\"}\r\n\n{\"t\":\"\"}\n{\"t\":\"é\\u00e9\\n\",\"o\":[{}]}";
    assertThat(read(lines, false)).containsExactly("a\nb", "|", "", "|", "éé\n", "|");
    assertThat(read(lines, true)).containsExactly("a\nb\n", "|", "\n", "|", "éé\n", "|");
    assertThat(read("{\"t\":\"%s\"}".formatted("x".repeat(25_000_000)), false).getFirst())
        .hasSize(25_000_000);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"t\":\"a | this is not valid JSON",
        "words | this is not valid JSON",
        "[\"t\"] | this is no JSON object; give one a line, with the field t",
        "{\"t\":\"a\"} {} | something follows the first value; give one a line",
        "{\"id\":1,\"text\":\"a\"} | there is no field 't', but id, text",
        "{} | there is no field 't', but none at all",
        "{\"t\":5} | the field 't' is no text but a number",
        "{\"t\":null} | the field 't' is no text but null",
        "{\"t\":[\"a\"]} | the field 't' is no text but a list",
        "{\"t\":\"a\",\"t\":\"b\"} | the field 't' comes 2 times; keep one",
        "{\"t\":\"a\\ud800b\"} | the field 't' has half of a surrogate pair (\\uD800 to \\uDFFF), which is no character; remove it",
      })
  void aLineWithoutTheTextIsNamed(String line, String why) {
    assertThatThrownBy(() -> read("{\"t\":\"a\"}\n\n" + line + "\n", false))
        .isInstanceOf(JambicException.class)
        .hasMessage("my.jsonl, line 3: " + why);
  }

  @Test
  void fieldsThatAreNotTheTextMayHoldAnything() throws IOException {
    List<String> values =
        List.of("NaN", "-Infinity", "9".repeat(5000), "[".repeat(2000) + "]".repeat(2000));
    for (String value : values) {
      assertThat(read("{\"t\":\"a\",\"x\":%s}".formatted(value), false)).containsExactly("a", "|");
    }
    String name = "k".repeat(60_000);
    assertThat(read("{\"%s\":1,\"%s\":2,\"t\":\"a\"}".formatted(name, name), false))
        .containsExactly("a", "|");
  }

  @Test
  void aByteOrderMarkOfAFileThatWasJoinedToAnotherIsDropped() throws IOException {
    String line = "\uFEFF{\"t\":\"a\"}\n";
    assertThat(read(line + line, false)).containsExactly("a", "|", "a", "|");
  }

  /** The texts, each with a bar behind it. */
  private List<String> read(String lines, boolean lineBreaks) throws IOException {
    Path file = Files.writeString(folder.resolve("x"), lines);
    List<String> read = new ArrayList<>();
    new Texts(List.of(new Texts.Source(file, "my.jsonl")), Optional.of("t"), lineBreaks)
        .read(read::add, () -> read.add("|"));
    return read;
  }
}
