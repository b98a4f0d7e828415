package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Special tokens that a tokenizer is given later stand behind all others and are stored. */
class AddedSpecialTokensTest {
  @TempDir Path folder;

  @Test
  void charactersGetThemBehindTheLast() throws Exception {
    Tokenizer plain = CharTokenizer.of("abc<|>");
    Tokenizer more = plain.withSpecialTokens(List.of("<|a|>", "<|endoftext|>"));
    assertThat(more.vocabSize()).isEqualTo(8);
    assertThat(more.specialTokens()).isEqualTo(Map.of("<|a|>", 6, "<|endoftext|>", 7));
    assertThat(more.endOfText()).hasValue(7);
    assertThat(more.encode("a<|a|>")).isEqualTo(plain.encode("a<|a|>"));
    assertThat(more.encodeWithSpecialTokens("b<|a|>c"))
        .containsExactly(plain.encode("b")[0], 6, plain.encode("c")[0]);
    assertThat(more.decode(6, plain.encode("b")[0], 7)).isEqualTo("<|a|>b<|endoftext|>");
    assertThat(more.decoder().next(7)).isEqualTo("<|endoftext|>");
    assertThatThrownBy(() -> more.decode(8)).isInstanceOf(JambicException.class);
    more.save(folder);
    assertThat(Tokenizer.load(folder)).isEqualTo(more).isNotEqualTo(plain);
    assertThat(Files.readString(folder.resolve("tokenizer_config.json")))
        .contains("\"eos_token\" : \"<|endoftext|>\"");
    Tokenizer again = Tokenizer.load(folder).withSpecialTokens(List.of("<|a|>", "<|pad|>"));
    assertThat(again.specialTokens()).containsEntry("<|pad|>", 8).containsEntry("<|a|>", 6);
    again.save(folder);
    assertThat(Tokenizer.load(folder)).isEqualTo(again);
    assertThat(Files.readString(folder.resolve("tokenizer_config.json")))
        .contains("\"eos_token\" : \"<|endoftext|>\"", "\"pad_token\" : \"<|pad|>\"");
  }

  @Test
  void byteLevelBpeGetsThemBehindTheLast() {
    Tokenizer gpt2 = BpeTokenizer.gpt2();
    Tokenizer more =
        gpt2.withSpecialTokens(List.of("<|im_start|>", "<|endoftext|>", " hello", "ing"));
    assertThat(more.specialTokens())
        .isEqualTo(
            Map.of(
                "<|im_start|>",
                50257,
                "<|endoftext|>",
                50256,
                " hello",
                50258,
                "ing",
                gpt2.encode("ing")[0]));
    assertThat(more.encode("a<|im_start|>")).isEqualTo(gpt2.encode("a<|im_start|>"));
    assertThat(more.encodeWithSpecialTokens("<|im_start|>a"))
        .containsExactly(50257, gpt2.encode("a")[0]);
    more.save(folder);
    assertThat(Tokenizer.load(folder)).isEqualTo(more);
  }

  @Test
  void aTextThatCannotBeATokenIsOneSentence() {
    Tokenizer letters = CharTokenizer.of("ab");
    assertThat(letters.withSpecialTokens(List.of())).isEqualTo(letters);
    assertThatThrownBy(() -> letters.withSpecialTokens(List.of("")))
        .isInstanceOf(JambicException.class)
        .hasMessage("a special token must not be empty; give it a text");
    assertThatThrownBy(() -> letters.withSpecialTokens(List.of("a")))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("a single character, 'a', cannot be a special token");
  }
}
