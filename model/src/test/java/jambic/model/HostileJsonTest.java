package jambic.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfigTest;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.meta.MetaBackend;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Broken descriptions: each is refused with one sentence, or means something possible. */
class HostileJsonTest {
  private static final int FILES = 2_000;
  private static final String[] FRAGMENTS = {
    "null",
    "-1",
    "1e999",
    "9".repeat(2_000),
    "2147483647",
    "{}",
    "[]",
    "\"",
    "true",
    "{\"a\":".repeat(2_000),
    "\\ud800",
    "\u0000",
    "\u0085",
    "\n"
  };

  @TempDir Path folder;

  @Test
  void survivesMutatedFiles() throws IOException {
    try (Gpt gpt = new Gpt(new MetaBackend(DType.F32), GptConfigTest.small(5))) {
      Gpt.FORMAT.describe(folder, gpt, Optional.empty());
    }
    CharTokenizer.of("hello wörld\n😀").save(folder);
    Path config = folder.resolve("config.json");
    Path tokenizer = folder.resolve("tokenizer.json");
    byte[] soundConfig = Files.readAllBytes(config);
    byte[] soundTokenizer = Files.readAllBytes(tokenizer);
    int sound = 0;
    for (int seed = 0; seed < FILES; seed++) {
      Random random = new Random(seed);
      try {
        if (seed % 2 == 0) {
          rewrite(config, mutate(soundConfig, random));
          assertThat(Gpt.FORMAT.readConfig(folder).parameterCount()).isPositive();
        } else {
          rewrite(tokenizer, mutate(soundTokenizer, random));
          assertThat(Tokenizer.load(folder).vocabSize()).isPositive();
        }
        sound++;
      } catch (JambicException e) {
        assertThat(e.getMessage())
            .as("seed %d", seed)
            .contains(folder.toString())
            .doesNotContain("Source:")
            .hasSizeLessThan(folder.toString().length() + 400)
            .matches(message -> message.chars().noneMatch(Character::isISOControl), "one line");
      }
    }
    assertThat(sound).as("some mutations are harmless").isBetween(1, FILES / 2);
    Files.writeString(config, "null");
    assertThatThrownBy(() -> Gpt.FORMAT.readConfig(folder))
        .hasMessage(config + " is not a valid JSON object: it holds null");
  }

  /** Some file systems take ten times as long to cut a file as to make another. */
  private static void rewrite(Path file, byte[] bytes) throws IOException {
    Files.delete(file);
    Files.write(file, bytes);
  }

  private static byte[] mutate(byte[] sound, Random random) {
    if (random.nextBoolean()) {
      byte[] bytes = sound.clone();
      for (int n = 1 + random.nextInt(4); n > 0; n--) {
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      }
      return bytes;
    }
    String text = new String(sound, StandardCharsets.UTF_8);
    int from = random.nextInt(text.length());
    int to = Math.min(text.length(), from + random.nextInt(8));
    String fragment = FRAGMENTS[random.nextInt(FRAGMENTS.length)];
    return (text.substring(0, from) + fragment + text.substring(to))
        .getBytes(StandardCharsets.UTF_8);
  }
}
