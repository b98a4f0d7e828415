package jambic.model.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.gpt.GptConfigTest;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoraConfigTest {
  private static final List<String> EVERYWHERE = List.of("c_attn", "c_proj", "c_fc");
  private static final int[] IDS = {1, 10, 3, 7, 0};
  private static final int[] TARGETS = {10, 3, 7, 0, 4};

  @TempDir Path parent;
  private Backend backend;
  private Path base;

  @BeforeEach
  void saveBase() {
    backend = Backends.open("reference", 1);
    base = parent.resolve("base");
    try (Gpt gpt = new Gpt(backend, GptConfigTest.small(7), new Initializer(0.2f, true, 1))) {
      Checkpoint.save(Gpt.FORMAT, base, gpt, Optional.empty());
    }
  }

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  @Test
  void freshAdaptersChangeNothing() {
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Gpt plain = checkpoint.model(backend);
        Gpt adapted = checkpoint.adapted(backend, checkpoint.config(), lora(EVERYWHERE), 1)) {
      assertThat(adapted.adapters().byName()).hasSize(2 * 4 * 2);
      for (float a : adapted.adapters().get("h.1.mlp.c_fc.lora_A.weight").toFloats()) {
        assertThat(Math.abs(a)).isBetween(1e-6f, (float) (1 / Math.sqrt(12)));
      }
      assertThat(logits(adapted)).isEqualTo(logits(plain));
    }
  }

  @Test
  void mergedAdaptersComputeWhatAdaptersBesideTheWeightsDo() throws IOException {
    Path folder = parent.resolve("adapters");
    float[] beside;
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Gpt adapted = checkpoint.adapted(backend, checkpoint.config(), lora(EVERYWHERE), 1)) {
      float[] before = logits(adapted);
      randomize(adapted);
      beside = logits(adapted);
      assertThat(distance(beside, before)).isGreaterThan(0.1);
      Checkpoint.save(Gpt.FORMAT, folder, adapted, Optional.empty());
    }
    assertThat(folder.resolve("model.safetensors")).doesNotExist();
    assertThat(Files.size(folder.resolve("adapter_model.safetensors"))).isLessThan(20_000);
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt merged = checkpoint.model(backend);
        Gpt resumed = checkpoint.resumed(backend)) {
      assertThat(merged.lora()).isEmpty();
      assertThat(distance(logits(merged), beside)).isLessThan(1e-5);
      assertThat(resumed.lora()).isPresent();
      assertThat(logits(resumed)).isEqualTo(beside);
      LoraConfig more = lora(List.of("c_attn"));
      assertThatThrownBy(() -> checkpoint.adapted(backend, checkpoint.config(), more, 1))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("holds adapters, which cannot have others");
    }
  }

  @Test
  void aBaseWithOtherWeightsIsRefused() throws IOException {
    Path folder = parent.resolve("adapters");
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Gpt adapted = checkpoint.adapted(backend, checkpoint.config(), lora(EVERYWHERE), 1)) {
      Checkpoint.save(Gpt.FORMAT, folder, adapted, Optional.empty());
    }
    Path moved = Files.move(base, parent.resolve("moved"));
    refused(
        () -> Checkpoint.open(Gpt.FORMAT, folder),
        "which is not there; put it back, or name its new folder as base_model_name_or_path");
    Path config = folder.resolve("adapter_config.json");
    Files.writeString(config, Files.readString(config).replace(base.toString(), moved.toString()));
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt merged = checkpoint.model(backend)) {
      assertThat(logits(merged)).isNotEmpty();
    }
    try (Gpt other = new Gpt(backend, GptConfigTest.small(7), new Initializer(0.2f, true, 2))) {
      Checkpoint.save(Gpt.FORMAT, moved, other, Optional.empty());
    }
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder)) {
      String sentence =
          "the adapters in %s belong to other weights than %s holds now; put those back"
              .formatted(folder, moved.resolve("model.safetensors"));
      refused(() -> checkpoint.model(backend), sentence);
      refused(() -> checkpoint.resumed(backend), sentence);
    }
  }

  @Test
  void gradientsOfTheAdaptersAreTheSlopeOfTheLoss() {
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Gpt adapted = checkpoint.adapted(backend, checkpoint.config(), lora(EVERYWHERE), 1);
        Region gradients = backend.region();
        Region region = backend.region()) {
      randomize(adapted);
      adapted.adapters().train(gradients);
      adapted.adapters().tensors().forEach(t -> t.grad().set(new float[(int) t.size()]));
      Tape tape = new Tape(backend, region, 1);
      tape.backward(loss(adapted, tape, region), 1);
      adapted
          .adapters()
          .byName()
          .forEach((name, tensor) -> {
            float[] values = tensor.toFloats();
            int i = values.length / 2;
            double slope = (lossAt(adapted, tensor, i, 0.01f) - lossAt(adapted, tensor, i, -0.01f));
            assertThat((double) tensor.grad().toFloats()[i])
                .as(name)
                .isCloseTo(slope / 0.02, within(2e-4));
          });
      assertThat(adapted.parameters().tensors()).allMatch(weight -> weight.grad().isNone());
    }
  }

  @Test
  void dropoutOfTheAdaptersChangesTheLossInTrainingOnly() {
    LoraConfig plain = lora(EVERYWHERE);
    LoraConfig dropping =
        new LoraConfig(withDropout(plain.layers(), 0.5f), base, Optional.empty(), Optional.empty());
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Gpt without = checkpoint.adapted(backend, checkpoint.config(), plain, 1);
        Gpt with = checkpoint.adapted(backend, checkpoint.config(), dropping, 1);
        Region region = backend.region()) {
      randomize(without);
      randomize(with);
      assertThat(logits(with)).isEqualTo(logits(without));
      float calm = loss(without, new Tape(backend, region, 1), region).toFloats()[0];
      float dropped = loss(with, new Tape(backend, region, 1), region).toFloats()[0];
      assertThat(Math.abs(dropped - calm)).isGreaterThan(1e-3f);
    }
  }

  private static LoraLayers withDropout(LoraLayers layers, float dropout) {
    return new LoraLayers(
        layers.rank(),
        layers.alpha(),
        layers.rankStabilized(),
        dropout,
        layers.targets(),
        layers.excluded(),
        layers.blocks(),
        layers.blocksNames(),
        layers.ranks(),
        layers.alphas());
  }

  @Test
  void aFolderSaysWhatIsWrongWithIt() throws IOException {
    Path folder = parent.resolve("adapters");
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Gpt adapted =
            checkpoint.adapted(backend, checkpoint.config(), lora(List.of("c_attn")), 1)) {
      Checkpoint.save(Gpt.FORMAT, folder, adapted, Optional.empty());
    }
    Path config = folder.resolve("adapter_config.json");
    String text = Files.readString(config);
    Files.writeString(config, text.replace("\"LORA\"", "\"IA3\""));
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessage(config + " describes adapters of the kind 'IA3'; LORA is supported");
    Files.writeString(config, text.replaceFirst("\"r\" : 3", "\"r\" : 4"));
    refused(
        () -> Checkpoint.open(Gpt.FORMAT, folder),
        "h.0.attn.c_attn.lora_A.weight has the shape [3, 12], but adapter_config.json makes its");
    Files.writeString(config, text);
    Files.move(base, parent.resolve("moved"));
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "%s belongs to the model in %s, which is not there; put it back, or name its new folder as base_model_name_or_path in that file"
                .formatted(config, base));
  }

  @Test
  void adaptersOfANamedModelFindItByTheNameWhereverItIs() throws IOException {
    Path folder = parent.resolve("adapters");
    float[] expected;
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base);
        Gpt adapted =
            checkpoint.adapted(
                backend, checkpoint.config(), lora(EVERYWHERE).withBaseName("tiny"), 1)) {
      randomize(adapted);
      expected = logits(adapted);
      Checkpoint.save(Gpt.FORMAT, folder, adapted, Optional.empty());
    }
    Path config = folder.resolve("adapter_config.json");
    assertThat(Files.readString(config)).contains("\"base_model_name_or_path\" : \"tiny\"");
    Path moved = Files.move(base, parent.resolve("moved"));
    BaseModelResolver bases = name -> Optional.of(moved).filter(found -> name.equals("tiny"));
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder, bases);
        Gpt adapted = checkpoint.resumed(backend)) {
      assertThat(logits(adapted)).isEqualTo(expected);
      Checkpoint.save(Gpt.FORMAT, folder, adapted, Optional.empty());
    }
    assertThat(Files.readString(config)).contains("\"base_model_name_or_path\" : \"tiny\"");
    assertThatThrownBy(() -> Checkpoint.open(Gpt.FORMAT, folder))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(" or " + folder.resolve("tiny") + ", which is not there");
    try (Gpt other = new Gpt(backend, GptConfigTest.small(7), new Initializer(0.2f, true, 2))) {
      Checkpoint.save(Gpt.FORMAT, moved, other, Optional.empty());
    }
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder, bases)) {
      assertThatThrownBy(() -> checkpoint.model(backend).close())
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("belong to other weights than");
    }
  }

  @Test
  void refusesWhatIsNoAdapter() {
    refused(() -> new LoraConfig(0, 1, EVERYWHERE, base), "rank of LoRA must be at least 1, got 0");
    refused(() -> new LoraConfig(1, 0, EVERYWHERE, base), "alpha of LoRA must be above 0, got 0.0");
    refused(() -> new LoraConfig(1, 1, List.of(), base), "LoRA needs at least one layer");
    refused(
        () -> new LoraConfig(1, 1, List.of("lm_head"), base),
        "LoRA has no layer 'lm_head' to adapt");
  }

  private static void refused(Runnable attempt, String message) {
    assertThatThrownBy(attempt::run)
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(message);
  }

  private LoraConfig lora(List<String> targets) {
    return new LoraConfig(3, 5, targets, base);
  }

  private static void randomize(Gpt gpt) {
    Random random = new Random(5);
    for (Tensor tensor : gpt.adapters().tensors()) {
      float[] values = new float[(int) tensor.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian() * 0.3f;
      }
      tensor.set(values);
    }
  }

  private double lossAt(Gpt gpt, Tensor tensor, int i, float step) {
    float[] values = tensor.toFloats();
    float[] moved = values.clone();
    moved[i] += step;
    tensor.set(moved);
    try (Region region = backend.region()) {
      return loss(gpt, new InferenceOps(backend, region), region).toFloats()[0];
    } finally {
      tensor.set(values);
    }
  }

  private static Tensor loss(Gpt gpt, Ops ops, Region region) {
    Tensor targets = region.allocate(DType.I32, Shape.of(1, TARGETS.length));
    targets.set(TARGETS);
    return gpt.loss(ops, ids(region), targets);
  }

  private float[] logits(Gpt gpt) {
    try (Region region = backend.region()) {
      return gpt.logits(new InferenceOps(backend, region), ids(region)).toFloats();
    }
  }

  private static Tensor ids(Region region) {
    Tensor ids = region.allocate(DType.I32, Shape.of(1, IDS.length));
    ids.set(IDS);
    return ids;
  }

  private static double distance(float[] a, float[] b) {
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
    }
    return largest;
  }
}
