package jambic.model.translator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.model.io.StoredTensor;
import jambic.model.translator.BeamSearch.Hypothesis;
import jambic.model.translator.BeamSearch.LengthPenalty;
import jambic.model.translator.BeamSearch.Stopping;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Translators beside transformers' Marian, Pegasus and M2M100, computed in double precision. */
class TranslatorParityTest {
  private static final Path MODELS =
      SafetensorsTest.resource("marian_tiny/config.json").getParent().getParent();
  private static final ValueLayout.OfInt INTS =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Backend backend;
  private Safetensors expected;

  private void open(String model, String name) {
    backend = Backends.open(name, 2);
    expected = Safetensors.open(MODELS.resolve(model).resolve("expected.safetensors"));
  }

  @AfterEach
  void close() {
    expected.close();
    backend.close();
  }

  @ParameterizedTest
  @CsvSource({
    "marian_tiny,cpu",
    "marian_tiny,reference",
    "pegasus_tiny,cpu",
    "pegasus_tiny,reference",
    "m2m_tiny,cpu",
    "m2m_tiny,reference"
  })
  void encoderLogitsLossesAndGradients(String name, String backendName) {
    open(name, backendName);
    try (Translator model = start(name);
        Region region = backend.region();
        Region gradients = backend.region()) {
      Tensor source = ints(region, "src");
      Tensor lengths = ints(region, "src_lengths");
      Tensor target = ints(region, "decoder_input_ids");
      Tensor next = ints(region, "targets");
      InferenceOps ops = new InferenceOps(backend, region);
      Tensor encoded = model.encode(ops, source, lengths);
      int width = model.config().width();
      close("encoder", encoded.toFloats(), 1e-4, 1e-4, row -> inside(lengths, source, row / width));
      Tensor logits = model.logits(ops, source, lengths, target);
      int vocabulary = model.vocabSize();
      int[] targets = next.toInts();
      close("logits", logits.toFloats(), 1e-4, 1e-4, i -> targets[i / vocabulary] >= 0);
      close(
          "loss", model.loss(ops, source, lengths, target, next, 0).toFloats(), 1e-5, 0, i -> true);

      model.parameters().train(gradients, parameter -> !parameter.equals("final_logits.bias"));
      Tape tape = new Tape(backend, region, 1);
      Tensor loss = model.loss(tape, source, lengths, target, next, 0.1f);
      tape.backward(loss, 1);
      close("loss_smoothed", loss.toFloats(), 1e-5, 0, i -> true);
      Map<String, float[]> stored = gradients(model);
      int compared = 0;
      for (String key : expected.entries().keySet()) {
        if (key.startsWith("grad/")) {
          close(key, stored.get(key.substring(5)), 1e-4, 1e-3, i -> true);
          compared++;
        }
      }
      assertThat(compared).isGreaterThan(90);
    }
  }

  @ParameterizedTest
  @CsvSource({"marian_tiny,cpu", "marian_tiny,reference", "pegasus_tiny,cpu"})
  void crossAttentionWeightsAreThoseOfTransformers(String name, String backendName) {
    open(name, backendName);
    try (Translator model = start(name)) {
      float[] theirs = floats("cross_attention_last_layer"); // (B, H, T, S)
      int[] lengths = ints("src_lengths");
      int[] written = ints("tgt_lengths");
      int sources = ints("src").length / lengths.length;
      int targets = ints("decoder_input_ids").length / lengths.length;
      int heads = model.config().decoderHeads();
      assertThat(theirs).hasSize(lengths.length * heads * targets * sources);
      for (int b = 0; b < lengths.length; b++) {
        CrossAttentionWeights ours =
            model.crossAttention(
                Arrays.copyOfRange(ints("src"), b * sources, b * sources + lengths[b]),
                Arrays.copyOfRange(
                    ints("decoder_input_ids"), b * targets, b * targets + written[b]),
                model.config().decoderLayers() - 1);
        for (int h = 0; h < heads; h++) {
          for (int t = 0; t < written[b]; t++) {
            for (int s = 0; s < lengths[b]; s++) {
              int row = (b * heads + h) * targets + t;
              assertThat(ours.values()[(h * ours.targets() + t) * ours.sources() + s])
                  .as("sentence %d, head %d, target %d, source %d", b, h, t, s)
                  .isCloseTo(theirs[row * sources + s], within(1e-4f));
            }
          }
        }
      }
    }
  }

  /** The model with the random weights that the fixture starts with. */
  private Translator start(String name) {
    Map<String, StoredTensor> start = new HashMap<>();
    expected
        .entries()
        .forEach((key, entry) -> {
          if (key.startsWith("start/")) {
            start.put(key.substring(6), StoredTensor.of(entry));
          }
        });
    TranslatorConfig config = MarianConfig.read(MODELS.resolve(name));
    MarianWeights weights = MarianWeights.of("start", config, start);
    Translator model = new Translator(backend, weights.config());
    weights.readInto(model.parameters().byName());
    return model;
  }

  /** Gradients by the names of stored tensors: the model's are several side by side. */
  private static Map<String, float[]> gradients(Translator model) {
    Map<String, float[]> gradients = new HashMap<>();
    model
        .parameters()
        .byName()
        .forEach((name, tensor) -> {
          if (tensor.grad().isNone()) {
            return;
          }
          float[] all = tensor.grad().toFloats();
          List<String> names = MarianWeights.storedNames(name);
          int size = all.length / names.size();
          for (int i = 0; i < names.size(); i++) {
            gradients.put(names.get(i), Arrays.copyOfRange(all, i * size, (i + 1) * size));
          }
        });
    return gradients;
  }

  @ParameterizedTest
  @CsvSource({"marian_tiny,cpu", "pegasus_tiny,cpu", "m2m_tiny,cpu", "marian_tiny,reference"})
  void translationsAreThoseOfGenerate(String name, String backendName) {
    open(name, backendName);
    try (Translator model = Translator.load(MODELS.resolve(name), backend)) {
      int compared = 0;
      for (String rule : new TreeSet<>(expected.entries().keySet())) {
        if (rule.matches("(generate|truncated)/(greedy|beam4_[^/]*)")) {
          compare(model, rule);
          compared++;
        }
      }
      assertThat(compared).isGreaterThan(20);
    }
  }

  private void compare(Translator model, String key) {
    String group = key.substring(0, key.indexOf('/'));
    String rule = key.substring(key.indexOf('/') + 1);
    int[] lengths = ints(group + "/src_lengths");
    int[] all = ints(group + "/src");
    int width = all.length / lengths.length;
    List<int[]> sources =
        IntStream.range(0, lengths.length)
            .mapToObj(i -> Arrays.copyOfRange(all, i * width, i * width + lengths[i]))
            .toList();
    boolean greedy = rule.equals("greedy");
    TranslationSettings settings =
        new TranslationSettings(
            greedy ? 1 : 4,
            penalty(rule),
            stopping(rule),
            ints(group + "/max_new_tokens")[0],
            List.of(model.config().padToken(), model.config().startToken()));
    int[] theirs = ints(key);
    int longest = theirs.length / (sources.size() * settings.beams());
    float[] scores = greedy ? new float[0] : floats(key + "/scores");
    try (TranslationDecoder decoder = new TranslationDecoder(model, settings)) {
      List<List<Hypothesis>> ours = decoder.decode(sources);
      for (int i = 0; i < sources.size(); i++) {
        for (int h = 0; h < ours.get(i).size(); h++) {
          int row = i * settings.beams() + h;
          assertThat(ours.get(i).get(h).tokens())
              .as("%s of sentence %d, hypothesis %d", key, i, h)
              .isEqualTo(row(theirs, row, longest, model.config()));
          if (!greedy) {
            assertThat(ours.get(i).get(h).score()).isCloseTo(scores[row], within(1e-4));
          }
        }
        assertThat(ours.get(i)).hasSize(settings.beams());
      }
    }
  }

  /** A hypothesis without its start token and what fills it up. */
  private static List<Integer> row(int[] all, int row, int longest, TranslatorConfig config) {
    List<Integer> tokens = new ArrayList<>();
    for (int i = 0; i < longest && all[row * longest + i] >= 0; i++) {
      if (i > 0 || all[row * longest] != config.startToken()) {
        tokens.add(all[row * longest + i]);
      }
    }
    return tokens;
  }

  private static LengthPenalty penalty(String rule) {
    if (rule.equals("greedy")) {
      return new LengthPenalty(1, false);
    }
    return rule.contains("gnmt")
        ? LengthPenalty.parse("gnmt:" + rule.substring(rule.indexOf("gnmt") + 4))
        : LengthPenalty.parse(rule.replaceAll(".*_lp([-.0-9]+)_.*", "$1"));
  }

  private static Stopping stopping(String rule) {
    if (rule.contains("gnmt")) {
      return Stopping.BOUND;
    }
    return rule.endsWith("true")
        ? Stopping.FIRST
        : rule.endsWith("never") ? Stopping.GREATEST_LENGTH : Stopping.PRESENT_LENGTH;
  }

  private static boolean inside(Tensor lengths, Tensor source, int token) {
    return token % source.dim(1) < lengths.toInts()[token / source.dim(1)];
  }

  private void close(
      String key,
      float[] ours,
      double absolute,
      double relative,
      java.util.function.IntPredicate counts) {
    float[] theirs = floats(key);
    assertThat(ours).as(key).hasSameSizeAs(theirs);
    for (int i = 0; i < theirs.length; i++) {
      if (counts.test(i)) {
        assertThat((double) ours[i])
            .as("%s[%d]", key, i)
            .isCloseTo(theirs[i], within(absolute + relative * Math.abs(theirs[i])));
      }
    }
  }

  private Tensor ints(Region region, String key) {
    int[] dims = expected.entry(key).shape().stream().mapToInt(Long::intValue).toArray();
    Tensor tensor = region.allocate(DType.I32, Shape.of(dims));
    tensor.set(ints(key));
    return tensor;
  }

  private int[] ints(String key) {
    return expected.entry(key).data().toArray(INTS);
  }

  private float[] floats(String key) {
    float[] values = new float[Math.toIntExact(expected.entry(key).size())];
    expected.entry(key).readFloats(values, 0);
    return values;
  }
}
