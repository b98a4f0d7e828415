package jambic.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigFileTest {
  private static final String SOUND =
      """
      {"model_type": "gpt2", "vocab_size": 65, "n_positions": 8, "n_layer": 2, "n_head": 2, "n_embd": 4}
      """;

  @TempDir Path folder;

  @Test
  void readsWhatItWrote() {
    for (int flags = 0; flags < 16; flags++) {
      GptConfig config = GptConfigTest.small(flags).withDropout(0.2f, 0.1f);
      ConfigFile.write(folder, config, ConfigFile.textEnds(Optional.empty()));
      assertThat(ConfigFile.read(folder)).isEqualTo(config);
    }
  }

  @Test
  void readsAFileOfTransformers() {
    GptConfig config =
        ConfigFile.read(SafetensorsTest.resource("hf_gpt2_tiny/config.json").getParent());
    assertThat(config)
        .isEqualTo(
            new GptConfig(
                503, 48, 3, 4, 48, .1f, .1f, Activation.GELU_TANH, true, true, true, false, 1e-5f));
  }

  @Test
  void speaksOfGpt2OnlyWhereGpt2ComputesTheSame() throws IOException {
    for (int flags = 0; flags < 16; flags++) {
      GptConfig config = GptConfigTest.small(flags);
      ConfigFile.write(folder, config, ConfigFile.textEnds(Optional.empty()));
      assertThat(Files.readString(folder.resolve("config.json")).contains("\"gpt2\""))
          .isEqualTo(!config.headBias());
    }
  }

  @Test
  void fillsInWhatGpt2LeavesOut() throws IOException {
    write(SOUND);
    assertThat(ConfigFile.read(folder))
        .isEqualTo(
            new GptConfig(
                65, 8, 2, 2, 4, .1f, .1f, Activation.GELU_TANH, true, true, true, false, 1e-5f));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "gpt2"              | "llama"                                   | ` describes a model of the architecture 'llama', which is not supported; 'gpt2' is`
          "model_type"        | "type"                                    | ` names no architecture: it lacks the key 'model_type'`
          "n_layer"           | "layers"                                  | ` lacks the key 'n_layer'`
          65                  | "65"                                      | `: 'vocab_size' must be an integer of 32 bits, got '65'`
          65                  | 65.5                                      | `: 'vocab_size' must be an integer of 32 bits, got '65.5'`
          65                  | 99999999999                               | `: 'vocab_size' must be an integer of 32 bits, got '99999999999'`
          65                  | null                                      | ` lacks the key 'vocab_size'`
          65                  | -65                                       | `: vocab_size must be at least 1, got -65`
          65                  | 65, "resid_pdrop": true                   | `: 'resid_pdrop' must be a number, got 'true'`
          65                  | 65, "bias": 1                             | `: 'bias' must be true or false, got '1'`
          65                  | 65, "activation_function": "silu"         | `: the activation_function 'silu' is not supported; gelu_new, gelu and relu are`
          65                  | 65, "n_inner": 17                         | `: 'n_inner' must be 4 x n_embd, got 17`
          65                  | 65, "scale_attn_weights": false           | `: 'scale_attn_weights' is false, which is not supported`
          65                  | 65, "scale_attn_by_inverse_layer_idx": true | `: 'scale_attn_by_inverse_layer_idx' is true, which is not supported`
          65                  | 65, "vocab_size": 65                      | ` is not a valid JSON object`
          "n_embd": 4         | "n_embd": 5                               | `: n_embd 5 cannot be split over 2 heads; use a multiple of n_head`
          }                   | ``                                        | ` is not a valid JSON object (line`
          """)
  void refusesAWrongFile(String from, String to, String message) throws IOException {
    Path file = write(SOUND.replace(from, to));
    assertThatThrownBy(() -> ConfigFile.read(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file + message)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void refusesAnAbsentAndAHostileFile() throws IOException {
    Path file = folder.resolve("config.json");
    assertThatThrownBy(() -> ConfigFile.read(folder))
        .hasMessage("cannot read " + file + ": there is no such file or folder");
    Files.write(file, new byte[] {'{', (byte) 0xFF, '}'});
    assertThatThrownBy(() -> ConfigFile.read(folder))
        .hasMessage("cannot read " + file + ": it is not valid UTF-8");
    Files.writeString(file, "{\"a\": 1,\n \"b\": [2\n");
    assertThatThrownBy(() -> ConfigFile.read(folder))
        .hasMessage(
            file
                + " is not a valid JSON object (line 3, column 1): unexpected end-of-input: expected"
                + " close marker for Array");
    for (String other : List.of("", " \n", "[]", "[{}]", "null", "7", "\"{}\"")) {
      Files.writeString(file, other);
      String is =
          switch (other.strip()) {
            case "" -> "is empty";
            case "null" -> "holds null";
            case "7" -> "holds a number";
            case "\"{}\"" -> "holds a text";
            default -> "holds an array";
          };
      assertThatThrownBy(() -> ConfigFile.read(folder))
          .hasMessage(file + " is not a valid JSON object: it " + is);
    }
    Files.writeString(file, "{\"a\":" + "[".repeat(200_000));
    assertThatThrownBy(() -> ConfigFile.read(folder)).isInstanceOf(JambicException.class);
  }

  private Path write(String json) throws IOException {
    return Files.writeString(folder.resolve("config.json"), json);
  }
}
