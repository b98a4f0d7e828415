package jambic.model.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.generate.GenerationConfig;
import jambic.model.io.JsonObject;
import jambic.model.io.SafetensorsTest;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Gpt2ConfigTest {
  private static final String SOUND =
      """
      {"model_type": "gpt2", "vocab_size": 65, "n_positions": 8, "n_layer": 2, "n_head": 2, "n_embd": 4}
      """;

  @TempDir Path folder;

  @Test
  void readsWhatItWrote() {
    for (int flags = 0; flags < 16; flags++) {
      GptConfig config = GptConfigTest.small(flags).withDropout(0.2f, 0.1f);
      Gpt2Config.write(
          folder, config, Gpt2Config.textEnds(Optional.empty(), GenerationConfig.NONE));
      assertThat(Gpt2Config.read(folder)).isEqualTo(config);
    }
  }

  @Test
  void readsTheWholeShapeThatItWrote() {
    GptConfig config =
        new GptConfig(
            65,
            8,
            2,
            2,
            4,
            .1f,
            .2f,
            Activation.SILU,
            true,
            true,
            true,
            false,
            1e-6f,
            .3f,
            7,
            false,
            true);
    Gpt2Config.write(folder, config, Map.of());
    assertThat(Gpt2Config.read(folder)).isEqualTo(config);
  }

  @Test
  void readsTheOtherNamesOfTheShape() throws IOException {
    write(
        """
        {"model_type": "gpt2", "vocab_size": 65, "max_position_embeddings": 8,
         "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 4}
        """);
    GptConfig config = Gpt2Config.read(folder);
    write(SOUND);
    assertThat(config).isEqualTo(Gpt2Config.read(folder));
  }

  @ParameterizedTest
  @CsvSource({
    "gelu_new, GELU_TANH",
    "gelu_pytorch_tanh, GELU_TANH",
    "gelu_python_tanh, GELU_TANH",
    "gelu_fast, GELU_TANH",
    "gelu_accurate, GELU_TANH",
    "gelu, GELU_ERF",
    "gelu_python, GELU_ERF",
    "relu, RELU",
    "silu, SILU",
    "swish, SILU"
  })
  void knowsTheActivationsOfTransformers(String name, Activation activation) throws IOException {
    write(SOUND.replace("}", ", \"activation_function\": \"" + name + "\"}"));
    assertThat(Gpt2Config.read(folder).activation()).isEqualTo(activation);
  }

  /** What transformers 4 and 5 write for GPT-2, every key there is among it. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "transformers4", "transformers5", "transformers5_saved"})
  void acceptsEveryKeyThatTransformersWrites(String name) throws IOException {
    Path file = SafetensorsTest.resource("config_keys/" + name + ".json");
    Files.copy(file, folder.resolve("config.json"));
    assertThat(Gpt2Config.read(folder))
        .isEqualTo(
            new GptConfig(
                50257,
                1024,
                12,
                12,
                768,
                .1f,
                .1f,
                Activation.GELU_TANH,
                true,
                true,
                true,
                false,
                1e-5f));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "transformers4", "transformers5", "transformers5_saved"})
  void knowsEveryKeyThatTransformersLeavesAtNull(String name) {
    Path file = SafetensorsTest.resource("config_keys/" + name + ".json");
    Map<String, Object> values = new LinkedHashMap<>(JsonObject.read(file).values());
    values.replaceAll((key, value) -> value == null ? 1 : value);
    Gpt2ConfigKeys.MODEL.check(new JsonObject("config.json", values));
  }

  @Test
  void readsAFileOfTransformers() {
    GptConfig config =
        Gpt2Config.read(SafetensorsTest.resource("hf_gpt2_tiny/config.json").getParent());
    assertThat(config)
        .isEqualTo(
            new GptConfig(
                503, 48, 3, 4, 48, .1f, .1f, Activation.GELU_TANH, true, true, true, false, 1e-5f));
  }

  @Test
  void speaksOfGpt2OnlyWhereGpt2ComputesTheSame() throws IOException {
    for (int flags = 0; flags < 16; flags++) {
      GptConfig config = GptConfigTest.small(flags);
      Gpt2Config.write(
          folder, config, Gpt2Config.textEnds(Optional.empty(), GenerationConfig.NONE));
      assertThat(Files.readString(folder.resolve("config.json")).contains("\"gpt2\""))
          .isEqualTo(!config.headBias());
    }
  }

  @Test
  void fillsInWhatGpt2LeavesOut() throws IOException {
    write(SOUND);
    assertThat(Gpt2Config.read(folder))
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
          `"n_layer": 2, `    | ``                                        | ` lacks the key 'n_layer'`
          "n_layer"           | "layers"                                  | `: the key 'layers' is not known, so what it asks for cannot be obeyed; remove it if it changes no result`
          65                  | "65"                                      | `: 'vocab_size' must be an integer of 32 bits, got '65'`
          65                  | 65.5                                      | `: 'vocab_size' must be an integer of 32 bits, got '65.5'`
          65                  | 99999999999                               | `: 'vocab_size' must be an integer of 32 bits, got '99999999999'`
          65                  | null                                      | ` lacks the key 'vocab_size'`
          65                  | -65                                       | `: vocab_size must be at least 1, got -65`
          65                  | 65, "resid_pdrop": true                   | `: 'resid_pdrop' must be a number, got 'true'`
          65                  | 65, "bias": 1                             | `: 'bias' must be true or false, got '1'`
          65                  | 65, "activation_function": "quick_gelu"   | `: the activation_function 'quick_gelu' is not supported; gelu_new, gelu_fast, gelu, relu and silu are`
          65                  | 65, "n_inner": 0                          | `: n_inner must be at least 1, got 0`
          65                  | 65, "n_inner": "16"                       | `: 'n_inner' must be an integer of 32 bits, got '16'`
          65                  | 65, "attn_pdrop": 1.5                     | `: attn_pdrop must be 0 or more and below 1, got 1.5`
          65                  | 65, "resid_pdrop": -1                     | `: resid_pdrop must be 0 or more and below 1, got -1.0`
          65                  | 65, "scale_attn_weights": 1               | `: 'scale_attn_weights' must be true or false, got '1'`
          65                  | 65, "add_cross_attention": true           | `: 'add_cross_attention' is 'true', which is not supported; false is`
          65                  | 65, "is_encoder_decoder": true            | `: 'is_encoder_decoder' is 'true', which is not supported; false is`
          65                  | 65, "pruned_heads": {"0": [1]}            | `: 'pruned_heads' is '{0=[1]}', which is not supported;`
          65                  | 65, "quantization_config": {"bits": 4}    | `: 'quantization_config' is '{bits=4}', which is not supported; its weights are in another program`
          65                  | 65, "eos_token_id": 65                    | `: 'eos_token_id' is 65, beyond the vocabulary of 65 tokens; correct it, or write null if no token ends a text`
          65                  | 65, "eos_token_id": [1, 70]               | `: 'eos_token_id' is 70, beyond the vocabulary of 65 tokens;`
          65                  | 65, "n_ctx": 16                           | `: 'n_ctx' is 16 and 'n_positions', which says the same, 8; remove 'n_ctx' or correct it`
          65                  | 65, "layer_norm_epsilon": 1e30            | `: layer_norm_epsilon must be above 0 and at most 1, got 1.0E30`
          65                  | 65, "layer_norm_epsilon": 1e999           | ` is not a valid JSON object (line 1, column`
          65                  | 65, "rotary_dim": 8                       | `: the key 'rotary_dim' is not known, so what it asks for cannot be obeyed; remove it if it changes no result`
          65                  | 65, "hidden_size": 8                      | `: 'n_embd' is 4 and 'hidden_size', another name of it, 8; remove one of them`
          65                  | 65, "architectures": ["GPT2ForSequenceClassification"] | ` describes a classifier or a reward model, which writes no text; name a language model, such as the one that it was trained from`
          "gpt2"              | null, "architectures": ["LlamaForCausalLM"] | ` describes a model of the architecture '[LlamaForCausalLM]', which is not supported; 'gpt2' is`
          "gpt2"              | "gpt_neox"                                | ` describes a model of the architecture 'gpt_neox', which is not supported; 'gpt2' is`
          "gpt2"              | "t5"                                      | ` describes a model of the architecture 't5', which is not supported; 'gpt2' is`
          65                  | 65, "vocab_size": 65                      | ` is not a valid JSON object`
          "n_embd": 4         | "n_embd": 5                               | `: n_embd 5 cannot be split over 2 heads; use a multiple of n_head`
          }                   | ``                                        | ` is not a valid JSON object (line`
          """)
  void refusesAWrongFile(String from, String to, String message) throws IOException {
    Path file = write(SOUND.replace(from, to));
    assertThatThrownBy(() -> Gpt2Config.read(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file + message)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void aNumberThatIsTooLargeIsNamedAsItStands() throws IOException {
    write(SOUND.replace("65", "65, \"layer_norm_epsilon\": 1e999"));
    assertThatThrownBy(() -> Gpt2Config.read(folder))
        .message()
        .endsWith("the number 1e999 is larger than any of 64 bits")
        .doesNotContain("Infinity");
    write(SOUND.replace("65", "65, \"layer_norm_epsilon\": Infinity")); // as Python has it
    assertThatThrownBy(() -> Gpt2Config.read(folder))
        .message()
        .endsWith("layer_norm_epsilon must be above 0 and at most 1, got Infinity");
  }

  @Test
  void endsWithinTheVocabularyOrAtGpt2sOwnAreRead() throws IOException {
    for (String ends : List.of("64", "[0, 64]", "50256", "null")) {
      write(SOUND.replace("65", "65, \"n_ctx\": 8, \"eos_token_id\": " + ends));
      assertThat(Gpt2Config.read(folder).vocabSize()).isEqualTo(65);
    }
  }

  @Test
  void theContextOfTheFirstYearsIsNotKept() throws IOException {
    write(SOUND.replace("65", "65, \"n_ctx\": 8, \"summary_type\": \"mean\""));
    assertThat(Gpt2Config.kept(folder)).containsKey("summary_type").doesNotContainKey("n_ctx");
  }

  @Test
  void refusesAnAbsentAndAHostileFile() throws IOException {
    Path file = folder.resolve("config.json");
    assertThatThrownBy(() -> Gpt2Config.read(folder))
        .hasMessage("cannot read " + file + ": there is no such file or folder");
    Files.write(file, new byte[] {'{', (byte) 0xFF, '}'});
    assertThatThrownBy(() -> Gpt2Config.read(folder))
        .hasMessage("cannot read " + file + ": it is not valid UTF-8");
    Files.writeString(file, "{\"a\": 1,\n \"b\": [2\n");
    assertThatThrownBy(() -> Gpt2Config.read(folder))
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
      assertThatThrownBy(() -> Gpt2Config.read(folder))
          .hasMessage(file + " is not a valid JSON object: it " + is);
    }
    Files.writeString(file, "{\"a\":" + "[".repeat(200_000));
    assertThatThrownBy(() -> Gpt2Config.read(folder)).isInstanceOf(JambicException.class);
  }

  private Path write(String json) throws IOException {
    return Files.writeString(folder.resolve("config.json"), json);
  }
}
