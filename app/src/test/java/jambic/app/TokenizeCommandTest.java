package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeCommandTest {
  @TempDir private Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("input"), text);
  }

  private static CommandLineCall withInput(String text, Object... args) {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    try {
      return CommandLineCall.of(args);
    } finally {
      System.setIn(before);
    }
  }

  private static void refused(String sentence, Object... args) {
    CommandLineCall call = CommandLineCall.of(args);
    assertThat(call.code()).isNotZero();
    assertThat(call.err()).startsWith("jambic: ").contains(sentence);
  }

  @Test
  void encodesAndDecodes() throws IOException {
    assertThat(withInput("Hello world\n", "tokenize").out()).isEqualTo("15496 995 198\n");
    assertThat(CommandLineCall.of("tokenize", file("Hello world")).out()).isEqualTo("15496 995\n");
    assertThat(CommandLineCall.of("tokenize", "--count", file("Hello world")).out())
        .isEqualTo("2\n");
    assertThat(CommandLineCall.of("tokenize", file("")).out()).isEqualTo("\n");
    assertThat(CommandLineCall.of("tokenize", "--decode", file("[15496, 995]\n198")).out())
        .isEqualTo("Hello world\n");
  }

  @Test
  void takesSpecialTokensOnRequest() throws IOException {
    Path text = file("a<|endoftext|>");
    assertThat(CommandLineCall.of("tokenize", text).out())
        .isEqualTo("64 27 91 437 1659 5239 91 29\n");
    assertThat(CommandLineCall.of("tokenize", "--allow-special", text).out())
        .isEqualTo("64 50256\n");
  }

  @Test
  void addsWhatTheTokenizerPutsAroundAPrompt() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"added_tokens":[{"id":2,"content":"<s>","special":true}],
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
         "post_processor":{"type":"TemplateProcessing",
          "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
          "special_tokens":{"<s>":{"id":"<s>","ids":[2],"tokens":["<s>"]}}},
         "model":{"vocab":{"a":0,"b":1},"merges":[]}}
        """);
    Path text = file("ab");
    assertThat(CommandLineCall.of("tokenize", "--tokenizer", folder, text).out())
        .isEqualTo("2 0 1\n");
    assertThat(CommandLineCall.of("tokenize", "--tokenizer", folder, "--count", text).out())
        .isEqualTo("3\n");
    assertThat(CommandLineCall.of("tokenize", "--tokenizer", folder, "--allow-special", text).out())
        .isEqualTo("2 0 1\n");
    assertThat(
            CommandLineCall.of("tokenize", "--tokenizer", folder, "--jsonl", file("\"ab\"")).out())
        .isEqualTo("[2,0,1]\n");
    CommandLineCall data =
        CommandLineCall.of(
            "prepare",
            "--tokenizer",
            folder,
            "--out",
            folder.resolve("data"),
            file("abbaabbaab".repeat(3)));
    assertThat(data.code()).isZero();
    assertThat(data.out() + data.err())
        .contains("tokens   27 to train on and 3 held back")
        .contains("what the tokenizer puts around a prompt is not in the data");
  }

  @Test
  void convertsLinesOfJson() throws IOException {
    Path texts = file("\"Hello world\"\n\"\"\r\n\"\\u00e9\\n\"");
    CommandLineCall ids = CommandLineCall.of("tokenize", "--jsonl", texts);
    assertThat(ids.out()).isEqualTo("[15496,995]\n[]\n[2634,198]\n");
    assertThat(CommandLineCall.of("tokenize", "--decode", "--jsonl", file(ids.out())).out())
        .isEqualTo("\"Hello world\"\n\"\"\n\"é\\n\"\n");
    assertThat(withInput("\"Hello\"", "tokenize", "--jsonl", "-").out()).isEqualTo("[15496]\n");
  }

  @Test
  void writesTheBytesOfHalfACharacter() throws IOException {
    Path out = folder.resolve("out");
    CommandLineCall call =
        CommandLineCall.of("tokenize", "--decode", "--out", out, file("8582")); // of 🙂
    assertThat(call.err()).isEmpty();
    assertThat(Files.readAllBytes(out)).containsExactly(0xf0, 0x9f);
  }

  @Test
  void usesTheVocabularyOfAFolder() throws IOException {
    Path data = folder.resolve("data");
    CommandLineCall.of("prepare", file("hello".repeat(3)), "--tokenizer", "char", "--out", data);
    assertThat(CommandLineCall.of("tokenize", "--tokenizer", data, file("hello")).out())
        .isEqualTo("1 0 2 2 3\n");
    refused("the character 'x'", "tokenize", "--tokenizer", data, file("hex"));
  }

  @Test
  void refusesWhatItCannotDo() throws IOException {
    refused(
        "give gpt2, a tokenizer.json, or the folder of a model",
        "tokenize",
        "--tokenizer",
        "gtp2",
        file("a"));
    refused("has no tokenizer", "tokenize", "--tokenizer", folder, file("a"));
    refused("token id 50257 is outside the vocabulary", "tokenize", "--decode", file("50257"));
    refused("'abc' is not a token id", "tokenize", "--decode", file("1 abc"));
    refused("line 2: this is not valid JSON", "tokenize", "--jsonl", file("\"a\"\n{\n"));
    refused("line 1: something follows the first value", "tokenize", "--jsonl", file("\"a\" 1"));
    refused("line 1: this is no JSON string", "tokenize", "--jsonl", file("1\n"));
    refused("line 1: this is no JSON array", "tokenize", "--decode", "--jsonl", file("[1.5]"));
    refused("line 1: token id -1", "tokenize", "--decode", "--jsonl", file("[-1]"));
    refused("does not exist", "tokenize", folder.resolve("none"));
    refused("--out is for --decode", "tokenize", "--out", folder.resolve("o"), file("a"));
    Path broken = Files.write(folder.resolve("broken"), new byte[] {'a', (byte) 0xe2, 'b'});
    refused("broken is not UTF-8: malformed byte 0xe2 at offset 1", "tokenize", broken);
  }
}
