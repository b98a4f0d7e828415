package jambic.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.JsonObject;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.model.io.SafetensorsType;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A GPT-2 that transformers saved computes here what it computes there. */
class HuggingFaceParityTest {
  private static final Path TINY = SafetensorsTest.resource("hf_gpt2_tiny/config.json").getParent();
  private static final double LOGITS = 1e-4;
  private static final int GREEDY = 24;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "reference"})
  void logitsAndGreedyTokensAreTheirs(String name) {
    requireTheirs(name, TINY, LOGITS, GREEDY);
  }

  /**
   * {@code scaled_attention}: unscaled scores, divided by the layer's number, gelu_fast. {@code
   * silu}: an MLP 17 wide, an untied head. {@code finetuned}: exported here without biases, then
   * trained on by transformers, which trained the biases too.
   */
  @ParameterizedTest
  @CsvSource({
    "hf_gpt2_scaled_attention, cpu", "hf_gpt2_scaled_attention, reference",
    "hf_gpt2_silu, cpu", "hf_gpt2_silu, reference",
    "hf_gpt2_finetuned, cpu", "hf_gpt2_finetuned, reference"
  })
  void everySettingIsObeyedThereAndBack(String model, String name) {
    Path theirs = SafetensorsTest.resource(model + "/config.json").getParent();
    requireTheirs(name, theirs, 1e-5, 6);
    Path exported = folder.resolve("exported");
    try (Backend backend = Backends.open(name, 2);
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, theirs);
        Gpt gpt = checkpoint.model(backend)) {
      checkpoint.export(exported, gpt);
      try (Checkpoint<GptConfig, Gpt> again = Checkpoint.open(Gpt.FORMAT, exported)) {
        assertThat(again.config()).isEqualTo(checkpoint.config());
      }
    }
    assertThat(logits(exported)).isEqualTo(logits(theirs));
  }

  @Test
  void exportKeepsWhatOnlyOtherProgramsRead() {
    Path theirs = SafetensorsTest.resource("hf_gpt2_silu/config.json").getParent();
    Path exported = folder.resolve("exported");
    try (Backend backend = Backends.open("reference", 1);
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, theirs);
        Gpt gpt = checkpoint.model(backend)) {
      checkpoint.export(exported, gpt);
    }
    Map<String, Object> kept = json(theirs.resolve("config.json"));
    kept.remove("transformers_version");
    assertThat(kept).containsEntry("pad_token_id", 3).containsEntry("initializer_range", 0.03);
    assertThat(json(exported.resolve("config.json"))).containsAllEntriesOf(kept);
    assertThat(json(exported.resolve("generation_config.json")))
        .isEqualTo(json(theirs.resolve("generation_config.json")));
  }

  @Test
  void exportGeneratesByTheIdsOfTheConfig() throws IOException {
    Path theirs = SafetensorsTest.resource("hf_gpt2_silu/config.json").getParent();
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(theirs.resolve(file), folder.resolve(file));
    }
    Path exported = folder.resolve("exported");
    try (Backend backend = Backends.open("reference", 1);
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend)) {
      checkpoint.export(exported, gpt);
    }
    assertThat(json(exported.resolve("generation_config.json")))
        .isEqualTo(
            Map.of(
                "_from_model_config", true,
                "bos_token_id", 1,
                "eos_token_id", 2,
                "pad_token_id", 3));
  }

  private static Map<String, Object> json(Path file) {
    return new LinkedHashMap<>(JsonObject.read(file).values());
  }

  private static void requireTheirs(String name, Path folder, double tolerance, int count) {
    try (Backend backend = Backends.open(name, 2);
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend);
        Safetensors expected = Safetensors.open(folder.resolve("expected.safetensors"))) {
      int[][] ids = rows(expected.entry("ids"));
      assertThat(distance(logits(gpt, ids), floats(expected.entry("logits"))))
          .isLessThan(tolerance);
      int[][] greedy = rows(expected.entry("greedy"));
      try (Generator generator = new Generator(gpt, ids.length)) {
        int[][] added = generator.generate(ids, count, SamplingParams.GREEDY, (row, token) -> true);
        for (int row = 0; row < ids.length; row++) {
          int length = ids[row].length;
          assertThat(added[row]).isEqualTo(Arrays.copyOfRange(greedy[row], length, length + count));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"F16", "BF16"})
  void halfPrecisionsGiveWhatTheirRoundedWeightsGive(String type) throws IOException {
    copyConfig();
    Path rounded = Files.createDirectory(folder.resolve("rounded"));
    Files.copy(TINY.resolve("config.json"), rounded.resolve("config.json"));
    SafetensorsType stored = SafetensorsType.named(type).orElseThrow();
    List<Safetensors.Source> halves = new ArrayList<>();
    List<Safetensors.Source> singles = new ArrayList<>();
    try (Safetensors theirs = Safetensors.open(TINY.resolve("model.safetensors"))) {
      for (Safetensors.Entry entry : theirs.entries().values()) {
        float[] values = floats(entry);
        ByteBuffer bytes = ByteBuffer.allocate(values.length * 2).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
          short half =
              stored == SafetensorsType.F16
                  ? Float.floatToFloat16(values[i])
                  : (short) (Float.floatToRawIntBits(values[i]) >>> 16);
          bytes.putShort(half);
          values[i] =
              stored == SafetensorsType.F16
                  ? Float.float16ToFloat(half)
                  : Float.intBitsToFloat(half << 16);
        }
        halves.add(
            new Safetensors.Source(
                entry.name(), stored, entry.shape(), out -> out.write(bytes.rewind())));
        singles.add(Safetensors.Source.ofFloats(entry.name(), entry.shape(), values, 0));
      }
    }
    Safetensors.write(folder.resolve("model.safetensors"), Map.of(), halves);
    Safetensors.write(rounded.resolve("model.safetensors"), Map.of(), singles);
    assertThat(logits(folder)).isEqualTo(logits(rounded));
  }

  @Test
  void shardsGiveWhatTheSingleFileGives() throws IOException {
    shard();
    assertThat(logits(folder)).isEqualTo(logits(TINY));
  }

  @Test
  void aMissingOrForeignShardIsOneSentence() throws IOException {
    shard();
    Path second = folder.resolve("model-00002-of-00002.safetensors");
    Path elsewhere = folder.resolve("elsewhere");
    Files.move(second, elsewhere);
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            second
                + " is missing, one of the files that model.safetensors.index.json lists; fetch it"
                + " as well");
    Files.copy(folder.resolve("model-00001-of-00002.safetensors"), second);
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(second + ": there is no tensor 'transformer.");
    Path index = folder.resolve("model.safetensors.index.json");
    Files.writeString(index, Files.readString(index).replace("model-00002", "../model-00002"));
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            index
                + " names the file '../model-00002-of-00002.safetensors', which is not one of its"
                + " own folder");
  }

  @Test
  void aHalfDownloadedFileIsOneSentence() throws IOException {
    copyConfig();
    byte[] whole = Files.readAllBytes(TINY.resolve("model.safetensors"));
    Path file = folder.resolve("model.safetensors");
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file + ": tensor '")
        .hasMessageContaining("it is truncated or corrupt");
  }

  @Test
  void aShorterContextKeepsTheFirstPositions() {
    try (Backend backend = Backends.open("reference", 1);
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, TINY)) {
      GptConfig whole = checkpoint.config();
      try (Gpt cropped = checkpoint.model(backend, whole.withBlockSize(17));
          Gpt all = checkpoint.model(backend);
          Safetensors expected = Safetensors.open(TINY.resolve("expected.safetensors"))) {
        int[][] ids = rows(expected.entry("ids"));
        assertThat(cropped.parameters().get("wpe.weight").shape()).isEqualTo(Shape.of(17, 48));
        assertThat(logits(cropped, ids)).isEqualTo(logits(all, ids));
      }
      assertThatThrownBy(() -> checkpoint.model(backend, whole.withBlockSize(49)).close())
          .isInstanceOf(JambicException.class)
          .hasMessage(
              "the model was trained for a context of 48 tokens, which can be made shorter but not"
                  + " 49");
      assertThatThrownBy(() -> checkpoint.model(backend, whole.withVocabSize(65)).close())
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("the stored model is GptConfig[");
    }
  }

  /** The tiny model in two shards, as transformers cuts a large one. */
  private void shard() throws IOException {
    copyConfig();
    Map<String, List<Safetensors.Source>> shards = new LinkedHashMap<>();
    StringBuilder index = new StringBuilder();
    try (Safetensors theirs = Safetensors.open(TINY.resolve("model.safetensors"))) {
      int i = 0;
      for (Safetensors.Entry entry : theirs.entries().values()) {
        String shard = "model-0000%d-of-00002.safetensors".formatted(1 + i++ % 2);
        byte[] bytes = entry.data().toArray(ValueLayout.JAVA_BYTE);
        shards
            .computeIfAbsent(shard, name -> new ArrayList<>())
            .add(
                new Safetensors.Source(
                    entry.name(),
                    entry.type(),
                    entry.shape(),
                    out -> out.write(ByteBuffer.wrap(bytes))));
        index.append(index.isEmpty() ? "" : ",");
        index.append("\"%s\": \"%s\"".formatted(entry.name(), shard));
      }
    }
    shards.forEach((name, tensors) ->
        Safetensors.write(folder.resolve(name), Map.of("format", "pt"), tensors));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"metadata\": {\"total_size\": 449000}, \"weight_map\": {" + index + "}}");
  }

  private void copyConfig() throws IOException {
    Files.copy(TINY.resolve("config.json"), folder.resolve("config.json"));
  }

  private static float[] logits(Path folder) {
    try (Backend backend = Backends.open("reference", 1);
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend)) {
      return logits(gpt, new int[][] {{5, 40, gpt.config().vocabSize() - 1, 0, 7}});
    }
  }

  private static float[] logits(Gpt gpt, int[][] rows) {
    try (Region region = gpt.backend().region()) {
      Tensor ids = region.allocate(DType.I32, Shape.of(rows.length, rows[0].length));
      ids.set(Arrays.stream(rows).flatMapToInt(Arrays::stream).toArray());
      return gpt.logits(new InferenceOps(gpt.backend(), region), ids).toFloats();
    }
  }

  private static double distance(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
    }
    return largest;
  }

  private static float[] floats(Safetensors.Entry entry) {
    float[] values = new float[(int) entry.size()];
    entry.readFloats(values, 0);
    return values;
  }

  private static int[][] rows(Safetensors.Entry entry) {
    int[] flat =
        entry.data().toArray(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    int columns = entry.shape().get(1).intValue();
    int[][] rows = new int[flat.length / columns][];
    for (int row = 0; row < rows.length; row++) {
      rows[row] = Arrays.copyOfRange(flat, row * columns, (row + 1) * columns);
    }
    return rows;
  }
}
