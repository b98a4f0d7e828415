package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.io.SafetensorsTest;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles that Python wrote as nanoGPT's {@code prepare.py} does. */
class NanoGptMetaTest {
  @TempDir Path folder;

  private Path write(byte[] pickle) throws IOException {
    return Files.write(folder.resolve("meta.pkl"), pickle);
  }

  private static byte[] pickle(int protocol) throws IOException {
    String name = "nanogpt_meta/protocol%d.pkl".formatted(protocol);
    return Files.readAllBytes(SafetensorsTest.resource(name));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void readsTheCharactersInTheirOrder(int protocol) throws IOException {
    write(pickle(protocol));
    assertThat(Tokenizer.load(folder)).isEqualTo(CharTokenizer.of("\n !aé語🙂"));
  }

  @Test
  void readsIdsBeyondAByte() throws IOException {
    write(pickle(4));
    Tokenizer tokenizer = Tokenizer.load(folder);
    assertThat(tokenizer.vocabSize()).isEqualTo(300);
    assertThat(tokenizer.encode("一丁")).containsExactly(0, 1);
    assertThat(tokenizer.decode(299)).isEqualTo(Character.toString(0x4e00 + 299));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          cos%system%(.      | it calls for Python's 'os.system', which weights do not need
          }.                 | it has no 'itos' and 'stoi'
          K%.                | it has no 'itos' and 'stoi'
          ``                 | it is cut short or damaged
          .                  | it is cut short or damaged
          u.                 | it is cut short or damaged
          K%s.               | it is cut short or damaged
          }q%h%h%s.          | it is cut short or damaged
          h%.                | it is cut short or damaged
          (K%K%u.            | it is cut short or damaged
          XMMMM.             | it is cut short or damaged
          }K%K%s.            | it has no 'itos' and 'stoi'
          """)
  void refusesWhatIsNoVocabulary(String program, String sentence) throws IOException {
    Path file = write(program.replace('%', '\n').getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file + " is no vocabulary of nanoGPT's characters: " + sentence);
  }

  @Test
  void noDamageIsMoreThanOneSentence() throws IOException {
    byte[] sound = pickle(2);
    for (int length = 0; length < sound.length; length++) {
      write(Arrays.copyOf(sound, length));
      assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(JambicException.class);
    }
    Random random = new Random(1);
    for (int i = 0; i < 2_000; i++) {
      byte[] damaged = sound.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      write(damaged);
      try {
        assertThat(Tokenizer.load(folder).vocabSize()).isEqualTo(7);
      } catch (JambicException e) {
        assertThat(e).hasMessageContaining("meta.pkl");
      }
    }
  }

  @Test
  void aCheckpointsOwnVocabularyGoesFirst() throws IOException {
    write(pickle(2));
    CharTokenizer.of("ab").save(folder);
    assertThat(Tokenizer.load(folder).vocabSize()).isEqualTo(2);
  }
}
