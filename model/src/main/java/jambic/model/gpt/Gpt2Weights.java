package jambic.model.gpt;

import jambic.model.Model;
import jambic.model.io.ErrorText;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsType;
import jambic.model.io.StoredTensor;
import jambic.model.io.WeightFiles;
import jambic.model.io.WeightReader;
import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.ShapeException;
import jambic.tensor.Tensor;
import jambic.tensor.meta.MetaBackend;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * The parameters of a GPT, or of a classifier on its body, as Hugging Face's GPT-2 stores them: all
 * but the heads under {@code transformer.}, the weights of the blocks' linear layers as (in, out),
 * every bias present.
 *
 * <p>A bias that the model does not have is stored as zeros, so that other programs compute the
 * same. Where it is no longer zero when it is read back, another program trained it.
 */
public final class Gpt2Weights {
  private static final String PREFIX = "transformer.";

  /** What no prefix stands before: the heads of language models and of classifiers. */
  private static final Pattern HEAD = Pattern.compile("(lm_head|score)\\..*");

  private static final String HEAD_WEIGHT = "lm_head.weight"; // which a tied model does not have
  private static final String TOKENS = "wte.weight";
  private static final String POSITIONS = "wpe.weight";
  private static final String QKV_BIAS = "attn.c_attn.bias";

  /** The causal mask and its fill value, which old files carry along. */
  private static final Pattern MASK = Pattern.compile("h\\.\\d+\\.attn\\.(bias|masked_bias)");

  private static final Pattern TRANSPOSED =
      Pattern.compile("h\\.\\d+\\.(attn\\.c_attn|attn\\.c_proj|mlp\\.c_fc|mlp\\.c_proj)\\.weight");

  /** Knows the parameters of a model by the shape of its body. */
  @FunctionalInterface
  public interface Layout {
    /**
     * Lists the parameters.
     *
     * @param config the shape of the body
     * @return their shapes by their names, in the order in which the model makes them
     */
    Map<String, Shape> shapes(GptConfig config);
  }

  private final Layout layout;
  private final GptConfig config;
  private final Map<String, StoredTensor> parameters;

  private Gpt2Weights(Layout layout, GptConfig config, Map<String, StoredTensor> parameters) {
    this.layout = layout;
    this.config = config;
    this.parameters = parameters;
  }

  /**
   * Finds every parameter of a model and checks its shape.
   *
   * @param where how errors name the file
   * @param description how errors name what describes the model, mostly {@code config.json}
   * @param layout which parameters the model has
   * @param described the model that it describes
   * @param stored all tensors of the file
   * @return the parameters
   * @throws JambicException if one is missing or of another shape, or there are others
   */
  @SuppressWarnings("exports") // for formats; applications see checkpoints
  public static Gpt2Weights of(
      String where,
      String description,
      Layout layout,
      GptConfig described,
      Map<String, StoredTensor> stored) {
    if (described.nLayer() > stored.size()) { // before a list of that many names is made
      throw new JambicException(
          Text.format(
              "%s holds %d tensors, too few for the %d layers of %s",
              where, stored.size(), described.nLayer(), description));
    }
    Map<String, StoredTensor> byName = new LinkedHashMap<>();
    stored.forEach((name, entry) -> {
      String plain = name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
      if (byName.put(plain, entry) != null) {
        throw new JambicException(
            Text.format(
                "%s holds %s both with and without the prefix '%s'",
                where, ErrorText.quote(plain), PREFIX));
      }
    });
    GptConfig config = stored(where, description, layout, described, byName);
    Map<String, StoredTensor> parameters = new LinkedHashMap<>();
    layout
        .shapes(config)
        .forEach((name, shape) ->
            parameters.put(
                name,
                WeightFiles.require(where, description, name, storedShape(name, shape), byName)));
    Set<String> spare = new LinkedHashSet<>(byName.keySet());
    spare.removeAll(layout.shapes(config.withBias(true, true)).keySet());
    spare.removeIf(name -> MASK.matcher(name).matches());
    if (config.tiedHead() && hasHead(layout, config)) {
      spare.remove(HEAD_WEIGHT); // some programs store the shared weight twice
    }
    if (!spare.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s holds the tensor %s, which the model of %s does not have",
              where, ErrorText.quote(spare.iterator().next()), description));
    }
    return new Gpt2Weights(layout, config, parameters);
  }

  /**
   * The model that the tensors are of. transformers writes every bias and leaves the keys of {@link
   * Gpt2Config} about them as they were, so the biases are those that are not zero. Where a file
   * has another head than the embedding, that is the head, as in transformers 5.
   */
  private static GptConfig stored(
      String where,
      String description,
      Layout layout,
      GptConfig described,
      Map<String, StoredTensor> byName) {
    Map<String, Shape> known = layout.shapes(described);
    boolean bias = described.bias();
    boolean qkvBias = described.qkvBias();
    for (var possible : layout.shapes(described.withBias(true, true)).entrySet()) {
      String name = possible.getKey();
      if (!known.containsKey(name)
          && byName.containsKey(name)
          && !WeightFiles.require(
                  where, description, name, storedShape(name, possible.getValue()), byName)
              .isZero()) {
        boolean ofQkv = name.endsWith(QKV_BIAS);
        qkvBias |= ofQkv;
        bias |= !ofQkv;
      }
    }
    boolean tied = described.tiedHead() && !(hasHead(layout, described) && hasOwnHead(byName));
    return described.withBias(bias, qkvBias).withTiedHead(tied);
  }

  /** Whether the models have a head for the next token, which classifiers do not. */
  private static boolean hasHead(Layout layout, GptConfig config) {
    return layout.shapes(config.withTiedHead(false)).containsKey(HEAD_WEIGHT);
  }

  /** The {@link Layout} of a {@link Gpt}. */
  static Map<String, Shape> shapes(GptConfig config) {
    return shapes(config, backend -> new Gpt(backend, config));
  }

  /**
   * Lists the parameters of a model that is made without memory for them.
   *
   * @param config the shape of its body
   * @param model makes it
   * @return their shapes by their names, in the order in which the model makes them
   * @throws JambicException if it is too large
   */
  public static Map<String, Shape> shapes(GptConfig config, Function<Backend, Model> model) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    try (Model made = model.apply(new MetaBackend(DType.F32))) {
      made.parameters().byName().forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    } catch (ArithmeticException overflow) {
      throw new JambicException(
          Text.format(
              "nLayer %d and nEmbd %d make a model of more than 2^63 bytes",
              config.nLayer(), config.nEmbd()),
          overflow);
    }
    return shapes;
  }

  private static boolean hasOwnHead(Map<String, StoredTensor> byName) {
    StoredTensor head = byName.get(HEAD_WEIGHT);
    StoredTensor tokens = byName.get(TOKENS);
    return head != null && tokens != null && !head.sameAs(tokens);
  }

  /**
   * Returns the shape of the model's body that the tensors are of.
   *
   * @return the shape
   */
  public GptConfig config() {
    return config;
  }

  /**
   * Returns those of the same model with a shorter context: the first positions' embeddings.
   *
   * @param blockSize the context
   * @return the parameters
   */
  public Gpt2Weights cropped(int blockSize) {
    Map<String, StoredTensor> cropped = new LinkedHashMap<>(parameters);
    cropped.computeIfPresent(POSITIONS, (name, entry) -> entry.first(blockSize));
    return new Gpt2Weights(layout, config.withBlockSize(blockSize), cropped);
  }

  /**
   * Copies the stored parameters into a model's tensors.
   *
   * @param targets all of them, by name
   */
  public void readInto(Map<String, Tensor> targets) {
    requireSame(layout.shapes(config), targets);
    WeightReader reader = new WeightReader();
    parameters.forEach((name, entry) -> {
      if (isTransposed(name)) {
        reader.readTransposed(targets.get(name), entry);
      } else {
        reader.read(targets.get(name), entry);
      }
    });
  }

  /**
   * Lists what to store of a model; values are read when they are written.
   *
   * @param layout which parameters it has
   * @param config the shape of its body
   * @param parameters all of them, by name
   * @return the tensors of its file
   */
  @SuppressWarnings("exports") // for formats; applications see checkpoints
  public static List<Safetensors.Source> sources(
      Layout layout, GptConfig config, Map<String, Tensor> parameters) {
    requireSame(layout.shapes(config), parameters);
    List<Safetensors.Source> sources = new ArrayList<>();
    layout
        .shapes(config.withBias(true, true))
        .forEach((name, shape) -> {
          String storedName = HEAD.matcher(name).matches() ? name : PREFIX + name;
          List<Long> storedShape = storedShape(name, shape);
          sources.add(
              new Safetensors.Source(
                  storedName,
                  SafetensorsType.F32,
                  storedShape,
                  out ->
                      Safetensors.Source.ofFloats(
                              storedName, storedShape, values(name, shape, parameters), 0)
                          .content()
                          .writeTo(out)));
        });
    return sources;
  }

  private static float[] values(String name, Shape shape, Map<String, Tensor> parameters) {
    if (!parameters.containsKey(name)) {
      return new float[Math.toIntExact(shape.size())];
    }
    float[] values = parameters.get(name).toFloats();
    return isTransposed(name) ? transpose(values, shape.dim(0), shape.dim(1)) : values;
  }

  private static void requireSame(Map<String, Shape> expected, Map<String, Tensor> tensors) {
    if (!tensors.keySet().equals(expected.keySet())) {
      throw new IllegalArgumentException(
          "expected the parameters " + expected.keySet() + ", got " + tensors.keySet());
    }
    expected.forEach((name, shape) -> {
      if (!tensors.get(name).shape().equals(shape)) {
        throw new ShapeException(
            Text.format("%s must be %s, got %s", name, shape, tensors.get(name)));
      }
    });
  }

  private static boolean isTransposed(String name) {
    return TRANSPOSED.matcher(name).matches();
  }

  private static List<Long> storedShape(String name, Shape shape) {
    int[] dims = shape.toArray();
    return isTransposed(name)
        ? List.of((long) dims[1], (long) dims[0])
        : Arrays.stream(dims).asLongStream().boxed().toList();
  }

  /** The transpose of a (rows, columns) matrix. */
  private static float[] transpose(float[] from, int rows, int columns) {
    int block = 32; // both sides' cache lines stay in the first-level cache
    float[] to = new float[from.length];
    for (int r0 = 0; r0 < rows; r0 += block) {
      for (int c0 = 0; c0 < columns; c0 += block) {
        int rEnd = Math.min(rows, r0 + block);
        int cEnd = Math.min(columns, c0 + block);
        for (int c = c0; c < cEnd; c++) {
          for (int r = r0; r < rEnd; r++) {
            to[c * rows + r] = from[r * columns + c];
          }
        }
      }
    }
    return to;
  }
}
