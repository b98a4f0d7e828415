package jambic.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.checkpoint.ModelFormat;
import jambic.model.io.JsonObject;
import jambic.model.text.CharTokenizer;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of resources are what transformers 5 writes. */
class GenerationConfigTest {
  @TempDir Path folder;

  private GenerationConfig of(String config) throws IOException {
    Files.writeString(folder.resolve(ModelFormat.CONFIG), config);
    return GenerationConfig.read(folder, folder);
  }

  private GenerationConfig of(String config, String generation) throws IOException {
    Files.writeString(folder.resolve(GenerationConfig.NAME), generation);
    return of(config);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{'eos_token_id': 5}; 5",
        "{'eos_token_id': [7, 0]}; 0,7",
        "{'eos_token_id': []}; ''",
        "{'eos_token_id': null}; ''",
        "{}; 50256"
      },
      quoteCharacter = '"')
  void withoutAFileOfItsOwnConfigJsonNamesTheEndTokens(String config, String ends)
      throws IOException {
    assertThat(of(config.replace('\'', '"')).endTokens()).isEqualTo(ids(ends));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{'eos_token_id': 5}; 5",
        "{'eos_token_id': [7, 0]}; 0,7",
        "{'eos_token_id': null}; ''",
        "{}; ''"
      },
      quoteCharacter = '"')
  void generationConfigJsonAloneNamesTheEndTokensWhereItIs(String generation, String ends)
      throws IOException {
    GenerationConfig both = of("{\"eos_token_id\": 3}", generation.replace('\'', '"'));
    assertThat(both.endTokens()).isEqualTo(ids(ends));
    assertThat(both.withoutFile().endTokens()).containsExactly(3);
  }

  private static Set<Integer> ids(String text) {
    String bare = text.replace("'", "");
    return bare.isEmpty()
        ? Set.of()
        : Set.copyOf(Arrays.stream(bare.split(",")).map(Integer::valueOf).toList());
  }

  @Test
  void adaptersAreGeneratedWithAsTheirModelIs() throws IOException {
    Path base = Files.createDirectory(folder.resolve("base"));
    Files.writeString(base.resolve(ModelFormat.CONFIG), "{\"eos_token_id\": 1}");
    Files.writeString(base.resolve(GenerationConfig.NAME), "{\"eos_token_id\": [2]}");
    assertThat(GenerationConfig.read(folder, base).endTokens()).containsExactly(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"<eos>\"", "1.5", "[1, \"a\"]", "{}"})
  void refusesAnEndTokenThatIsNoIdWhenAskedForIt(String eos) throws IOException {
    GenerationConfig generation = of("{}", "{\"eos_token_id\": " + eos + "}");
    assertThatThrownBy(generation::endTokens)
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(
            folder.resolve("generation_config.json")
                + ": 'eos_token_id' must be a token's id or an array of them, got '");
  }

  @Test
  void aBrokenFileIsNoticedWhenAskedAndNotBefore() throws IOException {
    GenerationConfig generation = of("{\"eos_token_id\": 3}", "{\"eos_token_id\"");
    assertThatThrownBy(generation::endTokens).hasMessageContaining("is not a valid JSON object");
    assertThatThrownBy(generation::requireSupported).isInstanceOf(JambicException.class);
    assertThat(generation.withoutFile().endTokens()).containsExactly(3);
    CharTokenizer noEnd = CharTokenizer.of("ab");
    assertThat(generation.endTokensOr(Optional.of(noEnd))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"keys", "defaults", "saved"})
  void acceptsWhatTransformersWritesUnasked(String name) throws IOException {
    assertThatCode(of("{}", resource(name))::requireSupported).doesNotThrowAnyException();
  }

  @Test
  void knowsEveryKeyOfTransformers() throws IOException {
    for (String key : JsonObject.read(written("keys")).values().keySet()) {
      GenerationConfig generation = of("{}", "{\"" + key + "\": \"?\"}");
      try {
        generation.requireSupported();
      } catch (JambicException e) {
        assertThat(e).hasMessageContaining("'" + key + "'");
        assertThat(e.getMessage()).doesNotContain("is not known");
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "num_beams; 4",
        "suppress_tokens; [1]",
        "begin_suppress_tokens; [1]",
        "bad_words_ids; [[1]]",
        "forced_bos_token_id; 0",
        "forced_eos_token_id; 1",
        "no_repeat_ngram_size; 2",
        "min_new_tokens; 3",
        "min_length; 3",
        "min_p; 0.1",
        "typical_p; 0.9",
        "stop_strings; [\"a\"]",
        "exponential_decay_length_penalty; [1, 2.0]",
        "sequence_bias; [[[1], 2.0]]",
        "guidance_scale; 1.5",
        "max_time; 1.0",
        "invented; 1"
      },
      quoteCharacter = '\'')
  void refusesByNameWhatWouldChangeTheTokens(String key, String value) throws IOException {
    GenerationConfig generation = of("{}", "{\"%s\": %s}".formatted(key, value));
    assertThatThrownBy(generation::requireSupported)
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("'" + key + "'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"temperature\": -1",
        "\"top_k\": -3",
        "\"top_k\": 1.5",
        "\"top_p\": 2",
        "\"repetition_penalty\": 0",
        "\"do_sample\": 1",
        "\"max_new_tokens\": 0",
        "\"max_length\": -1"
      })
  void refusesASettingOutOfItsRangeAndNamesTheFile(String member) throws IOException {
    assertThatThrownBy(of("{}", "{" + member + "}")::requireSupported)
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(folder.resolve("generation_config.json") + ": ");
  }

  @Test
  void theLengthOfTheWholeCountsThePrompt() throws IOException {
    GenerationConfig generation = of("{}", "{\"max_length\": 20}");
    assertThat(generation.maxNewTokens(5)).contains(15);
    assertThatThrownBy(() -> generation.maxNewTokens(20))
        .hasMessageContaining("'max_length' is 20 and the prompt has 20 tokens");
    GenerationConfig both = of("{}", "{\"max_length\": 20, \"max_new_tokens\": 7}");
    assertThat(both.maxNewTokens(20)).contains(7);
  }

  private Path written(String name) throws IOException {
    return Files.writeString(folder.resolve(name), resource(name));
  }

  private static String resource(String name) throws IOException {
    String file = "generation_config-" + name + ".json";
    try (InputStream in = GenerationConfigTest.class.getResourceAsStream("/jambic/model/" + file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
