package jambic.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.model.io.SafetensorsType;
import jambic.model.io.StoredTensor;
import jambic.model.io.TorchFile;
import jambic.model.text.Tokenizer;
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
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints that PyTorch wrote compute here what they compute there. */
class TorchCheckpointTest {
  private static final Path TORCH = SafetensorsTest.resource("torch/legacy.bin").getParent();
  private static final double LOGITS = 1e-5;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nanogpt",
        "nanogpt/ckpt.pt",
        "nanogpt_bias",
        "gpt2_float32",
        "gpt2_float64",
        "gpt2_float16",
        "gpt2_bfloat16",
        "gpt2_shards",
        "gpt2_views"
      })
  void logitsAreTheirs(String name) {
    Path path = TORCH.resolve(name);
    Path expected = Files.isDirectory(path) ? path : path.getParent();
    assertLogits(path, expected);
  }

  @Test
  void anExportOfNanoGptComputesTheSame() {
    Path exported = folder.resolve("exported");
    try (Backend backend = Backends.open("cpu", 1);
        Checkpoint<GptConfig, Gpt> checkpoint =
            Checkpoint.open(Gpt.FORMAT, TORCH.resolve("nanogpt"));
        Gpt gpt = checkpoint.model(backend)) {
      checkpoint.export(exported, gpt);
    }
    assertLogits(exported, TORCH.resolve("nanogpt"));
    assertVocabulary(Optional.of(Tokenizer.load(exported)));
  }

  @Test
  void nanoGptsShapeIsThatOfItsModelArgs() {
    try (Checkpoint<GptConfig, Gpt> checkpoint =
        Checkpoint.open(Gpt.FORMAT, TORCH.resolve("nanogpt"))) {
      GptConfig config = checkpoint.config();
      assertThat(config.vocabSize()).isEqualTo(11);
      assertThat(config.blockSize()).isEqualTo(16);
      assertThat(config.dropout()).isEqualTo(0.1f);
      assertThat(config.embeddingDropout()).isEqualTo(0.1f);
      assertThat(config.bias()).isFalse();
      assertVocabulary(checkpoint.tokenizer());
    }
  }

  @Test
  void nanoGptsVocabularyIsAlsoFoundAmongItsData() throws IOException {
    Path run = Files.createDirectories(folder.resolve("out"));
    Files.copy(TORCH.resolve("nanogpt_bias/ckpt.pt"), run.resolve("ckpt.pt"));
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, run)) {
      assertThat(checkpoint.tokenizer()).isEmpty();
    }
    Path data = Files.createDirectories(folder.resolve("data/shakespeare_char"));
    Files.copy(TORCH.resolve("nanogpt/meta.pkl"), data.resolve("meta.pkl"));
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, run)) {
      assertVocabulary(checkpoint.tokenizer());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "n_head,n_hEad,model_args: the key 'n_hEad' is not one of nanoGPT's",
    "n_head,n_embd,model_args: 'n_head' is missing",
    "iter_num,ema_step,the key 'ema_step' is not one of nanoGPT's",
    "model_args,model_argz,it has no 'model_args'"
  })
  void keysOfNanoGptThatAreUnknownAreRefused(String key, String other, String sentence)
      throws IOException {
    Path file = TorchFiles.edited(TORCH.resolve("nanogpt/ckpt.pt"), folder, key, other);
    refused(file, sentence);
  }

  @Test
  void biasesThatNanoGptsModelArgsDenyAreRefused() throws IOException {
    byte[] bytes =
        TorchFiles.withoutChecksums(Files.readAllBytes(TORCH.resolve("nanogpt_bias/ckpt.pt")));
    int bias = TorchFiles.find(bytes, new byte[] {'X', 4, 0, 0, 0, 'b', 'i', 'a', 's', 'r'});
    int value = bias + 14; // behind the text and where the pickle remembers it
    assertThat(bytes[value]).isEqualTo((byte) 0x88); // pickle's True
    bytes[value] = (byte) 0x89;
    Path file = Files.write(folder.resolve("ckpt.pt"), bytes);
    refused(file, "ln_1.bias", "'bias' in model_args is False");
  }

  @Test
  void weightsInsideOfAnotherDictionaryAreRefusedByItsName() throws IOException {
    Files.copy(TORCH.resolve("gpt2_float32/config.json"), folder.resolve("config.json"));
    Files.copy(TORCH.resolve("nanogpt/ckpt.pt"), folder.resolve("pytorch_model.bin"));
    refused(folder, "'model' is a dictionary of its own", "save them alone");
  }

  @Test
  void aFolderWithoutAModelSaysWhatToName() throws IOException {
    Files.writeString(folder.resolve("train.bin"), "tokens");
    refused(folder, "holds no model, as it has no config.json", "name the folder of a checkpoint");
  }

  @Test
  void safetensorsGoFirst() throws IOException {
    copy("gpt2_float32");
    Files.writeString(folder.resolve("model.safetensors"), "broken");
    refused(folder, "model.safetensors: a safetensors file has at least 8 bytes");
  }

  @Test
  void aMissingShardIsNamed() throws IOException {
    copy("gpt2_shards");
    Files.delete(folder.resolve("b.bin"));
    refused(folder, "b.bin is missing, one of the files that pytorch_model.bin.index.json lists");
  }

  @Test
  void theFormBefore16IsNamed() throws IOException {
    copy("gpt2_float32");
    Files.copy(
        TORCH.resolve("legacy.bin"),
        Files.createDirectory(folder.resolve("old")).resolve("ckpt.pt"));
    refused(folder.resolve("old"), "has the form that PyTorch wrote before 1.6; write it again");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"model.gguf", "model.onnx", "tf_model.h5", "flax_model.msgpack", "m.ckpt.index"})
  void otherFormatsAreNamed(String name) throws IOException {
    Path file = Files.writeString(folder.resolve(name), "GGUF");
    String sentence = ", which is not read; supported are model.safetensors and pytorch_model.bin";
    refused(folder, sentence);
    refused(file, sentence);
    Files.copy(TORCH.resolve("gpt2_float32/config.json"), folder.resolve("config.json"));
    refused(folder, sentence);
    Path weights = TORCH.resolve("gpt2_float32/pytorch_model.bin");
    Files.copy(weights, folder.resolve("pytorch_model.bin"));
    Checkpoint.open(Gpt.FORMAT, folder).close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"pytorch_model.bin", "model.safetensors", "tokenizer.json", "notes.txt"})
  void aFileOfAModelIsNoModel(String name) throws IOException {
    Path file = Files.writeString(folder.resolve(name), "{}");
    refused(file, name + " is a file; name the folder that it and the model's other files lie in");
  }

  @Test
  void wrappersAroundTheWholeModelAreIgnoredAlsoInSafetensors() throws IOException {
    Files.copy(TORCH.resolve("gpt2_float32/config.json"), folder.resolve("config.json"));
    Map<String, StoredTensor> plain;
    try (TorchFile torch = TorchFile.open(TORCH.resolve("gpt2_float32/pytorch_model.bin"))) {
      plain = torch.tensors(torch.root());
      for (String prefix : new String[] {"module.", "_orig_mod.", "module._orig_mod."}) {
        Safetensors.write(
            folder.resolve("model.safetensors"),
            Map.of(),
            plain.values().stream()
                .filter(tensor -> tensor.type() == SafetensorsType.F32)
                .map(tensor -> source(prefix, tensor))
                .toList());
        assertLogits(folder, TORCH.resolve("gpt2_float32"));
      }
    }
  }

  private static Safetensors.Source source(String prefix, StoredTensor tensor) {
    float[] values = new float[(int) tensor.size()];
    tensor.readFloats(values, 0, 0, values.length);
    return Safetensors.Source.ofFloats(prefix + tensor.name(), tensor.shape(), values, 0);
  }

  @Test
  void aClosedCheckpointMakesNoModel() {
    Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, TORCH.resolve("nanogpt"));
    checkpoint.close();
    try (Backend backend = Backends.open("reference", 1)) {
      assertThatThrownBy(() -> checkpoint.model(backend).close())
          .isInstanceOf(JambicException.class)
          .hasMessage(
              "the checkpoint in "
                  + TORCH.resolve("nanogpt")
                  + " is closed; open it again, or make its models before");
    }
  }

  @ParameterizedTest
  @CsvSource({"nanogpt,ckpt.pt", "gpt2_views,pytorch_model.bin"})
  void damageIsRefusedOrChangesNothing(String name, String weights) throws IOException {
    copy(name);
    Path file = folder.resolve(weights);
    byte[] sound = Files.readAllBytes(file);
    Random random = new Random(7);
    int opened = 0;
    try (Backend backend = Backends.open("reference", 1)) {
      Map<String, float[]> whole = parameters(backend);
      for (int i = 0; i < 1_000; i++) {
        byte[] damaged =
            i % 4 == 0 ? Arrays.copyOf(sound, random.nextInt(sound.length)) : sound.clone();
        for (int changes = random.nextInt(3); changes >= 0 && damaged.length > 0; changes--) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
        }
        Files.write(file, damaged);
        try {
          Map<String, float[]> now = parameters(backend);
          whole.forEach((key, values) -> assertThat(now.get(key)).isEqualTo(values));
          opened++;
        } catch (JambicException e) {
          assertThat(e).hasMessageContaining(weights);
        }
      }
    }
    assertThat(opened).isPositive(); // what lies between the storages does not matter
  }

  @Test
  void aDamagedPickleWithoutChecksumIsAtMostRefused() throws IOException {
    copy("nanogpt");
    byte[] sound = TorchFiles.withoutChecksums(Files.readAllBytes(folder.resolve("ckpt.pt")));
    int[] pickle = TorchFiles.pickle(sound);
    Random random = new Random(8);
    int opened = 0;
    for (int i = 0; i < 2_000; i++) {
      byte[] damaged = sound.clone();
      for (int changes = random.nextInt(4); changes >= 0; changes--) {
        damaged[pickle[0] + random.nextInt(pickle[1])] = (byte) random.nextInt();
      }
      Files.write(folder.resolve("ckpt.pt"), damaged);
      try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder)) {
        assertThat(checkpoint.config().nEmbd()).isEqualTo(8); // or the shapes would not fit
        opened++;
      } catch (JambicException e) {
        assertThat(e.getMessage()).contains("ckpt.pt").doesNotContain("\n");
      }
    }
    assertThat(opened).isBetween(1, 1_999);
  }

  private Map<String, float[]> parameters(Backend backend) {
    Map<String, float[]> values = new LinkedHashMap<>();
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend)) {
      gpt.parameters().byName().forEach((name, tensor) -> values.put(name, tensor.toFloats()));
    }
    return values;
  }

  private void copy(String name) throws IOException {
    try (Stream<Path> files = Files.list(TORCH.resolve(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private static void assertVocabulary(Optional<Tokenizer> tokenizer) {
    assertThat(tokenizer.orElseThrow().decode(IntStream.range(0, 11).toArray()))
        .isEqualTo("\n !aé語🙂bcde");
  }

  private static void refused(Path path, String... sentences) {
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, path).close())
        .isInstanceOf(JambicException.class)
        .hasMessageContainingAll(sentences);
  }

  private static void assertLogits(Path model, Path expected) {
    try (Backend backend = Backends.open("cpu", 1);
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, model);
        Gpt gpt = checkpoint.model(backend);
        Region region = backend.region();
        Safetensors file = Safetensors.open(expected.resolve("expected.safetensors"))) {
      var ints = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
      Tensor ids = region.allocate(DType.I32, Shape.of(2, 12));
      ids.set(file.entry("ids").data().toArray(ints));
      float[] theirs = new float[(int) file.entry("logits").size()];
      file.entry("logits").readFloats(theirs, 0);
      float[] ours = gpt.logits(new InferenceOps(backend, region), ids).toFloats();
      assertThat(ours).hasSameSizeAs(theirs);
      for (int i = 0; i < ours.length; i++) {
        assertThat((double) ours[i]).isCloseTo(theirs[i], within(LOGITS));
      }
    }
  }
}
