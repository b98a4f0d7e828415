package jambic.model.translator;

import jambic.model.checkpoint.ModelFormat;
import jambic.model.io.ErrorText;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsType;
import jambic.model.io.StoredTensor;
import jambic.model.io.WeightFiles;
import jambic.model.io.WeightReader;
import jambic.model.nn.SinusoidalPositions;
import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.meta.MetaBackend;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A translator's parameters as transformers stores Marian's: under {@code model.}, with queries,
 * keys and values apart, and a bias of the logits that a model without one has as zeros.
 */
record MarianWeights(String where, TranslatorConfig config, Map<String, List<StoredTensor>> parts) {
  private static final String PREFIX = "model.";
  private static final String LOGITS_BIAS = "final_logits_bias";
  private static final String SHARED = "model.shared.weight";

  /** Other names of the shared embeddings. */
  private static final List<String> COPIES =
      List.of(
          "model.encoder.embed_tokens.weight",
          "model.decoder.embed_tokens.weight",
          "lm_head.weight");

  /** Tables of positions, which are computed. */
  private static final List<String> POSITIONS =
      List.of("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight");

  /** How far a stored position may be from the computed one: it may be stored in 16 bits. */
  private static final float POSITION_ERROR = 4e-3f;

  /**
   * Finds every parameter of a model and checks its shape.
   *
   * @param where how errors name the file
   * @param described the model that config.json describes
   * @param stored all tensors of the file
   */
  static MarianWeights of(
      String where, TranslatorConfig described, Map<String, StoredTensor> stored) {
    if (described.encoderLayers() > stored.size() || described.decoderLayers() > stored.size()) {
      throw new JambicException( // before a list of that many names is made
          Text.format(
              "%s holds %d tensors, too few for the layers of config.json", where, stored.size()));
    }
    TranslatorConfig config = described;
    StoredTensor bias = stored.get(LOGITS_BIAS);
    if (described.logitsBias() && (bias == null || bias.isZero())) {
      config = described.withLogitsBias(false);
    }
    Map<String, List<StoredTensor>> parts = new LinkedHashMap<>();
    Set<String> spare = new LinkedHashSet<>(stored.keySet());
    spare.remove(LOGITS_BIAS);
    shapes(config)
        .forEach((name, shape) -> {
          List<StoredTensor> found = new ArrayList<>();
          for (String part : storedNames(name)) {
            found.add(
                WeightFiles.require(
                    where, ModelFormat.CONFIG, part, partShape(name, shape), stored));
            spare.remove(part);
          }
          parts.put(name, found);
        });
    requireCopies(where, stored, spare);
    requirePositions(where, config, stored, spare);
    if (!spare.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s holds the tensor %s, which the model of config.json does not have",
              where, ErrorText.quote(spare.iterator().next())));
    }
    return new MarianWeights(where, config, parts);
  }

  private static void requireCopies(
      String where, Map<String, StoredTensor> stored, Set<String> spare) {
    for (String copy : COPIES) {
      if (spare.remove(copy) && !stored.get(copy).sameAs(stored.get(SHARED))) {
        throw new JambicException(
            Text.format(
                "%s: tensor '%s' differs from '%s'; embeddings that both sides and the head share are"
                    + " supported",
                where, copy, SHARED));
      }
    }
  }

  private static void requirePositions(
      String where, TranslatorConfig config, Map<String, StoredTensor> stored, Set<String> spare) {
    for (String name : POSITIONS) {
      if (!spare.remove(name)) {
        continue;
      }
      StoredTensor table =
          WeightFiles.require(
              where,
              ModelFormat.CONFIG,
              name,
              List.of((long) config.maxLength(), (long) config.width()),
              stored);
      float[] values = new float[Math.toIntExact(table.size())];
      table.readFloats(values, 0, 0, values.length);
      float[] computed = config.positions().table(0, config.maxLength(), config.width());
      for (int i = 0; i < values.length; i++) {
        if (!(Math.abs(values[i] - computed[i]) <= POSITION_ERROR)) {
          throw new JambicException(
              Text.format(
                  "%s: tensor '%s' holds positions that were learned; computed ones are supported",
                  where, name));
        }
      }
    }
  }

  /** The shapes of a model's parameters, by their names in the order in which it makes them. */
  static Map<String, Shape> shapes(TranslatorConfig config) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    try (Translator model = new Translator(new MetaBackend(DType.F32), config)) {
      model.parameters().byName().forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    } catch (ArithmeticException overflow) {
      throw new JambicException(
          Text.format("a width of %d makes a model of more than 2^63 bytes", config.width()),
          overflow);
    }
    return shapes;
  }

  /** What a parameter is stored as: one tensor, or those that are side by side in it. */
  static List<String> storedNames(String name) {
    if (name.equals("final_logits.bias")) {
      return List.of(LOGITS_BIAS);
    }
    for (String fused : List.of("qkv_proj", "kv_proj")) {
      if (name.contains("." + fused + ".")) {
        String kinds = fused.substring(0, fused.indexOf('_'));
        return kinds
            .chars()
            .mapToObj(kind -> PREFIX + name.replace(fused, (char) kind + "_proj"))
            .toList();
      }
    }
    return List.of(PREFIX + name);
  }

  /** The shape of each of them. */
  private static List<Long> partShape(String name, Shape shape) {
    if (name.equals("final_logits.bias")) {
      return List.of(1L, shape.size());
    }
    long[] dims = Arrays.stream(shape.toArray()).asLongStream().toArray();
    dims[0] /= storedNames(name).size();
    return Arrays.stream(dims).boxed().toList();
  }

  /** Copies the stored parameters into a model's tensors. */
  void readInto(Map<String, Tensor> targets) {
    WeightReader reader = new WeightReader();
    parts.forEach((name, stored) -> {
      Tensor target = targets.get(name);
      if (stored.size() == 1) {
        reader.read(target, stored.getFirst());
        return;
      }
      float[] values = new float[Math.toIntExact(target.size())];
      int at = 0;
      for (StoredTensor part : stored) {
        part.readFloats(values, at, 0, Math.toIntExact(part.size()));
        at += Math.toIntExact(part.size());
      }
      target.set(values);
    });
  }

  /** What to store of a model; values are read when they are written. */
  static List<Safetensors.Source> sources(Translator model) {
    List<Safetensors.Source> sources = new ArrayList<>();
    TranslatorConfig config = model.config();
    if (!config.logitsBias() && storesBias(config)) {
      List<Long> shape = List.of(1L, (long) config.vocabSize());
      sources.add(
          Safetensors.Source.ofFloats(LOGITS_BIAS, shape, new float[config.vocabSize()], 0));
    }
    model
        .parameters()
        .byName()
        .forEach((name, tensor) -> {
          List<Long> shape = partShape(name, tensor.shape());
          int size = Math.toIntExact(shape.stream().reduce(1L, (a, b) -> a * b));
          List<String> names = storedNames(name);
          for (int i = 0; i < names.size(); i++) {
            String stored = names.get(i);
            int first = i * size;
            sources.add(
                new Safetensors.Source(
                    stored,
                    SafetensorsType.F32,
                    shape,
                    out ->
                        Safetensors.Source.ofFloats(stored, shape, tensor.toFloats(), first)
                            .content()
                            .writeTo(out)));
          }
        });
    return sources;
  }

  private static boolean storesBias(TranslatorConfig config) {
    return config.positions() == SinusoidalPositions.MARIAN;
  }
}
