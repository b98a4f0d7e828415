package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.io.Safetensors;
import jambic.model.translator.Translator;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.config.TranslationPreset;
import jambic.train.data.Dataset.Split;
import jambic.train.objective.Objective;
import jambic.train.optim.GradientClip;
import jambic.train.optim.Optimizer;
import jambic.train.parallel.DataParallel;
import jambic.train.parallel.GradientSum;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Ten steps of Adam with batches of as many shapes, beside those of PyTorch in double precision.
 */
class TranslatorParityTest {
  private static final Path MODELS = Path.of("../model/src/test/resources/jambic/model");
  private static final ValueLayout.OfInt INTS =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final float SMOOTHING = 0.1f;

  @TempDir Path folder;

  /** The batches of a fixture, each with a shape of its own. */
  private record Batches(Translator model, Safetensors fixture) implements Objective {
    @Override
    public Object shape(int iteration, int micro) {
      return iteration;
    }

    private int[] dims(String side, int iteration) {
      return fixture.entry("train/" + side + (iteration + 1)).shape().stream()
          .mapToInt(Long::intValue)
          .toArray();
    }

    private int[] ids(String side, int iteration) {
      return fixture.entry("train/" + side + (iteration + 1)).data().toArray(INTS);
    }

    @Override
    public List<Tensor> allocate(Region region, Object shape) {
      Shape source = Shape.of(dims("src", (Integer) shape));
      Shape target = Shape.of(dims("tgt", (Integer) shape));
      return List.of(
          region.allocate(DType.I32, source),
          region.allocate(DType.I32, Shape.of(source.dim(0))),
          region.allocate(DType.I32, target),
          region.allocate(DType.I32, target));
    }

    @Override
    public int fill(List<Tensor> inputs, int iteration, int micro) {
      TranslatorConfig config = model.config();
      int width = dims("src", iteration)[1];
      int[] source = ids("src", iteration);
      int[] lengths = new int[source.length / width];
      for (int i = 0; i < source.length; i++) {
        lengths[i / width] += source[i] >= 0 ? 1 : 0;
        source[i] = source[i] >= 0 ? source[i] : config.padToken();
      }
      int steps = dims("tgt", iteration)[1];
      int[] next = ids("tgt", iteration);
      int[] target = new int[next.length];
      for (int i = 0; i < next.length; i++) {
        int before = i % steps == 0 ? config.startToken() : next[i - 1];
        target[i] = before >= 0 ? before : config.padToken();
      }
      inputs.get(0).set(source);
      inputs.get(1).set(lengths);
      inputs.get(2).set(target);
      inputs.get(3).set(next);
      return (int) Arrays.stream(next).filter(id -> id >= 0).count();
    }

    @Override
    public int fill(List<Tensor> inputs, Split split, int index) {
      throw new UnsupportedOperationException("only trained on");
    }

    @Override
    public long batchesInOrder(Split split) {
      return 0;
    }

    @Override
    public int fillInOrder(List<Tensor> inputs, Split split, long index) {
      throw new UnsupportedOperationException("only trained on");
    }

    @Override
    public Tensor loss(Ops ops, List<Tensor> inputs) {
      return model.loss(ops, inputs.get(0), inputs.get(1), inputs.get(2), inputs.get(3), SMOOTHING);
    }

    @Override
    public boolean hasEqualWeights() {
      return false;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "marian_tiny,cpu",
    "pegasus_tiny,cpu",
    "m2m_tiny,cpu",
    "marian_tiny,reference",
  })
  void tenStepsOfAdam(String name, String backendName) throws IOException {
    try (Backend backend = Backends.open(backendName, 2);
        Safetensors fixture =
            Safetensors.open(MODELS.resolve(name).resolve("expected.safetensors"));
        Translator model = start(name, fixture, backend);
        Region gradients = backend.region();
        Region state = backend.region();
        Region activations = backend.region()) {
      model.parameters().train(gradients, parameter -> !parameter.equals("final_logits.bias"));
      GradientClip clip = new GradientClip(backend, state, model.parameters().tensors(), 0);
      Optimizer adam =
          TranslationPreset.TRANSFORMER_BASE
              .config()
              .optimizer()
              .create(backend, state, model.parameters().byName(), clip.factor());
      GradientSum sum =
          new GradientSum(DataParallel.alone(), backend, gradients, clip.gradients(), 1);
      TrainingStep step =
          new TrainingStep(
              backend, new Batches(model, fixture), adam, clip, sum, /* seed= */ 1, activations);
      float[] rates = floats(fixture, "train/lr");
      for (int i = 0; i < rates.length; i++) {
        assertThat(step.run(i, rates[i]))
            .isCloseTo(floats(fixture, "train/losses")[i], within(1e-5));
        assertThat(clip.norm().toFloats()[0])
            .isCloseTo(floats(fixture, "train/grad_norms")[i], within(1e-4f));
      }
      Path saved = folder.resolve("saved");
      Checkpoint.save(Translator.FORMAT, saved, model, Optional.empty());
      requireParameters(saved.resolve("model.safetensors"), fixture);
    }
  }

  /** The model with the random weights that the fixture starts with. */
  private Translator start(String name, Safetensors fixture, Backend backend) throws IOException {
    Path start = Files.createDirectory(folder.resolve("start"));
    Files.copy(MODELS.resolve(name).resolve("config.json"), start.resolve("config.json"));
    List<Safetensors.Source> sources = new ArrayList<>();
    fixture
        .entries()
        .forEach((key, entry) -> {
          if (key.startsWith("start/")) {
            sources.add(
                Safetensors.Source.ofFloats(
                    key.substring("start/".length()), entry.shape(), floats(fixture, key), 0));
          }
        });
    Safetensors.write(start.resolve("model.safetensors"), Map.of(), sources);
    return Translator.load(start, backend);
  }

  private static void requireParameters(Path saved, Safetensors fixture) {
    try (Safetensors ours = Safetensors.open(saved)) {
      int compared = 0;
      for (String key : fixture.entries().keySet()) {
        String parameter = key.replace("train/param/", "");
        // A constant added to all keys changes no softmax, so that the gradient of their bias is
        // rounding alone, of which Adam makes whole steps.
        if (!key.startsWith("train/param/") || key.endsWith("k_proj.bias")) {
          continue;
        }
        float[] theirs = floats(fixture, key);
        float[] own = floats(ours, parameter);
        for (int i = 0; i < theirs.length; i++) {
          assertThat(own[i]).as("%s[%d]", parameter, i).isCloseTo(theirs[i], within(1e-4f));
        }
        compared++;
      }
      assertThat(compared).isGreaterThan(80);
    }
  }

  private static float[] floats(Safetensors file, String key) {
    float[] values = new float[Math.toIntExact(file.entry(key).size())];
    file.entry(key).readFloats(values, 0);
    return values;
  }
}
