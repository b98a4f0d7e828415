package jambic.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.gpt.GptConfigTest;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.model.io.SafetensorsType;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  private static Backend backend;

  @TempDir Path parent;

  @BeforeAll
  static void openBackend() {
    backend = Backends.open("reference", 1);
  }

  @AfterAll
  static void closeBackend() {
    backend.close();
  }

  @Test
  void loadsWhatItSaved() {
    Path folder = parent.resolve("ckpt");
    CharTokenizer tokenizer = CharTokenizer.of("hello wörld");
    for (int flags : new int[] {0, 1, 2, 5, 8, 15}) {
      GptConfig config = GptConfigTest.small(flags);
      try (Gpt gpt = new Gpt(backend, config, new Initializer(0.02f, true, flags))) {
        fillBiases(gpt);
        Checkpoint.save(
            Gpt.FORMAT,
            folder,
            gpt,
            Optional.of(tokenizer),
            temporary -> Files.writeString(temporary.resolve("training.json"), "{}"));
        try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
            Gpt loaded = checkpoint.model(backend)) {
          assertThat(checkpoint.config()).isEqualTo(config);
          assertThat(checkpoint.tokenizer().orElseThrow().encode("löw"))
              .isEqualTo(tokenizer.encode("löw"));
          assertThat(floats(loaded)).usingRecursiveComparison().isEqualTo(floats(gpt));
        }
      }
      assertThat(folder.resolve("training.json")).hasContent("{}");
    }
  }

  @Test
  void storesWhatGpt2WouldStore() throws IOException {
    Path tiny = SafetensorsTest.resource("hf_gpt2_tiny/config.json").getParent();
    Path folder = parent.resolve("copy");
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, tiny);
        Gpt gpt = checkpoint.model(backend)) {
      assertThat(checkpoint.tokenizer()).isEmpty();
      Checkpoint.save(Gpt.FORMAT, folder, gpt, Optional.empty());
    }
    try (Safetensors theirs = Safetensors.open(tiny.resolve("model.safetensors"));
        Safetensors ours = Safetensors.open(folder.resolve("model.safetensors"))) {
      assertThat(ours.metadata()).isEqualTo(theirs.metadata());
      assertThat(ours.entries().keySet()).hasSameElementsAs(theirs.entries().keySet());
      for (Safetensors.Entry entry : theirs.entries().values()) {
        Safetensors.Entry own = ours.entry(entry.name());
        assertThat(own.shape()).isEqualTo(entry.shape());
        assertThat(own.data().mismatch(entry.data())).as(entry.name()).isEqualTo(-1);
      }
    }
  }

  @Test
  void loadsFilesWithoutPrefixAndWithMasksAndHead() throws IOException {
    Path folder = saved(GptConfigTest.small(7));
    float[] before = weight(folder);
    rewrite(
        folder,
        source ->
            source.name().equals("transformer.wte.weight")
                ? List.of(named(source, "wte.weight"), named(source, "lm_head.weight"))
                : List.of(named(source, source.name().replace("transformer.", ""))),
        floats("h.0.attn.bias", List.of(1L, 1L, 5L, 5L)),
        floats("h.1.attn.masked_bias", List.of()));
    assertThat(weight(folder)).isEqualTo(before);
  }

  @Test
  void aHeadOfItsOwnIsTheHeadThoughTheConfigTiesIt() throws IOException {
    Path folder = saved(GptConfigTest.small(7));
    rewrite(
        folder,
        source ->
            source.name().endsWith("wte.weight")
                ? List.of(source, floats("lm_head.weight", List.of(11L, 12L)))
                : List.of(source));
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend)) {
      assertThat(checkpoint.config()).isEqualTo(GptConfigTest.small(7).withTiedHead(false));
      assertThat(gpt.parameters().get("lm_head.weight").toFloats())
          .isNotEqualTo(gpt.parameters().get("wte.weight").toFloats());
    }
  }

  @Test
  void biasesThatAnotherProgramTrainedAreTheModels() throws IOException {
    GptConfig config = GptConfigTest.small(4); // without biases, stored as zeros
    for (String name : List.of("ln_f.bias", "h.1.mlp.c_fc.bias", "h.0.attn.c_attn.bias")) {
      Path folder = saved(config);
      rewrite(
          folder,
          source ->
              List.of(
                  source.name().equals("transformer." + name)
                      ? Safetensors.Source.ofFloats(
                          source.name(),
                          source.shape(),
                          filled(source.shape().getFirst().intValue(), 0.5f),
                          0)
                      : source));
      boolean ofQkv = name.contains("c_attn");
      try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
          Gpt gpt = checkpoint.model(backend)) {
        assertThat(checkpoint.config()).isEqualTo(config.withBias(!ofQkv, ofQkv));
        assertThat(gpt.parameters().get(name).toFloats()).containsOnly(0.5f);
      }
    }
  }

  @Test
  void refusesTensorsThatDoNotFit() throws IOException {
    GptConfig config = GptConfigTest.small(4); // tied, no biases: stored as zeros
    String fc = "transformer.h.1.mlp.c_fc.weight";
    refused(
        config,
        source -> source.name().equals(fc) ? List.of() : List.of(source),
        "lacks the tensor 'h.1.mlp.c_fc.weight', which the model of config.json has");
    refused(
        config,
        source -> List.of(source.name().equals(fc) ? floats(fc, List.of(48L, 12L)) : source),
        "tensor '" + fc + "' has the shape [48, 12], but config.json makes it [12, 48]");
    refused(
        config,
        source ->
            List.of(
                source.name().equals(fc)
                    ? new Safetensors.Source(
                        fc, SafetensorsType.I32, source.shape(), source.content())
                    : source),
        "tensor '" + fc + "' holds I32, not floating-point numbers of 16, 32 or 64 bits");
    refused(
        config,
        source ->
            source.name().equals(fc)
                ? List.of(source, floats("score.weight", List.of(2L, 12L)))
                : List.of(source),
        "holds the tensor 'score.weight', which the model of config.json does not have");
    refused(
        config,
        source ->
            source.name().equals(fc)
                ? List.of(source, named(source, "h.1.mlp.c_fc.weight"))
                : List.of(source),
        "holds 'h.1.mlp.c_fc.weight' both with and without the prefix 'transformer.'");
  }

  @Test
  void refusesAHugeConfigBeforeItAllocates() throws IOException {
    Path folder = saved(GptConfigTest.small(4));
    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    Files.writeString(config, text.replaceAll("\"n_layer\" : \\d+", "\"n_layer\" : 2147483647"));
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("too few for the 2147483647 layers of config.json");
  }

  @Test
  void refusesAForeignTokenizer() {
    CharTokenizer twelve = CharTokenizer.of("abcdefghijkl");
    try (Gpt gpt = new Gpt(backend, GptConfigTest.small(4), new Initializer(0.02f, true, 1))) {
      assertThatThrownBy(
              () -> Checkpoint.save(Gpt.FORMAT, parent.resolve("x"), gpt, Optional.of(twelve)))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("the tokenizer has 12 tokens and the model 11");
    }
    Path folder = saved(GptConfigTest.small(4));
    twelve.save(folder);
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .hasMessageContaining("the tokenizer has 12 tokens and the model 11");
  }

  @Test
  void keepsSomeonesDocuments() throws IOException {
    Path folder = Files.createDirectory(parent.resolve("thesis"));
    try (Gpt gpt = new Gpt(backend, GptConfigTest.small(4), new Initializer(0.02f, true, 1))) {
      Checkpoint.save(Gpt.FORMAT, folder, gpt, Optional.empty()); // an empty one may go
      Checkpoint.save(Gpt.FORMAT, folder, gpt, Optional.empty());
      Files.delete(folder.resolve("config.json"));
      assertThatThrownBy(() -> Checkpoint.save(Gpt.FORMAT, folder, gpt, Optional.empty()))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("holds files but no checkpoint");
    }
    assertThat(folder.resolve("model.safetensors")).exists();
  }

  @Test
  void namesWhatIsMissing() throws IOException {
    Path nowhere = parent.resolve("nowhere");
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, nowhere))
        .hasMessage(nowhere + ": there is no such folder");
    Path folder = saved(GptConfigTest.small(4));
    Files.delete(folder.resolve("model.safetensors"));
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .hasMessage(
            folder
                + " holds no weights: there is neither model.safetensors nor pytorch_model.bin, in"
                + " one file or in shards; put them there");
    Files.writeString(folder.resolve("model.safetensors.index.json"), "{}");
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .hasMessageContaining("index.json lacks the key 'weight_map'");
  }

  @Test
  void aClosedCheckpointSaysSo() {
    Path folder = parent.resolve("ckpt");
    try (Gpt gpt = new Gpt(backend, GptConfigTest.small(4), new Initializer(0.02f, true, 1))) {
      Checkpoint.save(Gpt.FORMAT, folder, gpt, Optional.empty());
    }
    Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
    checkpoint.close();
    checkpoint.close();
    assertThatThrownBy(() -> checkpoint.model(backend))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the checkpoint in %s is closed; open it again, or make its models before"
                .formatted(folder));
  }

  @Test
  void namesTheCheckpointsInAFolderThatIsNone() {
    Path best = saved(GptConfigTest.small(4));
    assertThatThrownBy(() -> Gpt.load(best.getParent(), backend))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "%s is no checkpoint but holds %s; name %s",
            best.getParent(), best.getFileName(), best);
  }

  /** Turns each stored tensor into those to store instead. */
  private interface Change {
    List<Safetensors.Source> apply(Safetensors.Source source);
  }

  private void refused(GptConfig config, Change change, String message) throws IOException {
    Path folder = saved(config);
    rewrite(folder, change);
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(folder.resolve("model.safetensors").toString())
        .hasMessageContaining(message);
  }

  private static void rewrite(Path folder, Change change, Safetensors.Source... more)
      throws IOException {
    Path file = folder.resolve("model.safetensors");
    List<Safetensors.Source> changed = new ArrayList<>();
    try (Safetensors opened = Safetensors.open(file)) {
      for (Safetensors.Entry entry : opened.entries().values()) {
        byte[] bytes = entry.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        changed.addAll(
            change.apply(
                new Safetensors.Source(
                    entry.name(),
                    entry.type(),
                    entry.shape(),
                    out -> out.write(ByteBuffer.wrap(bytes)))));
      }
    }
    changed.addAll(List.of(more));
    Safetensors.write(file, Map.of(), changed);
  }

  private Path saved(GptConfig config) {
    Path folder = parent.resolve("saved");
    try (Gpt gpt = new Gpt(backend, config, new Initializer(0.02f, true, 1))) {
      Checkpoint.save(Gpt.FORMAT, folder, gpt, Optional.empty());
    }
    return folder;
  }

  private static float[] weight(Path folder) {
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend)) {
      return gpt.parameters().get("h.1.mlp.c_fc.weight").toFloats();
    }
  }

  private static Safetensors.Source named(Safetensors.Source source, String name) {
    return new Safetensors.Source(name, source.type(), source.shape(), source.content());
  }

  private static Safetensors.Source floats(String name, List<Long> shape) {
    int size = shape.stream().mapToInt(Long::intValue).reduce(1, (a, b) -> a * b);
    return Safetensors.Source.ofFloats(name, shape, filled(size, 3), 0);
  }

  private static float[] filled(int size, float value) {
    float[] values = new float[size];
    java.util.Arrays.fill(values, value);
    return values;
  }

  private static void fillBiases(Gpt gpt) {
    gpt.parameters()
        .byName()
        .forEach((name, tensor) -> {
          if (name.endsWith(".bias")) {
            tensor.set(filled((int) tensor.size(), name.length()));
          }
        });
  }

  private static Map<String, float[]> floats(Gpt gpt) {
    Map<String, float[]> floats = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> entry : gpt.parameters().byName().entrySet()) {
      floats.put(entry.getKey(), entry.getValue().toFloats());
    }
    return floats;
  }
}
