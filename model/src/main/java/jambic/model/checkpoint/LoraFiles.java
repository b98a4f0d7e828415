package jambic.model.checkpoint;

import jambic.model.ModelConfig;
import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsType;
import jambic.model.io.WeightFiles;
import jambic.model.nn.LoraAdapter;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.LoraLayers;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Adapters as Hugging Face's PEFT stores them: {@code adapter_config.json} and {@code
 * adapter_model.safetensors}, small files that name the model they belong to.
 */
public final class LoraFiles {
  /** The name of the file that describes them. */
  public static final String CONFIG = "adapter_config.json";

  private static final String WEIGHTS = "adapter_model.safetensors";
  private static final String PICKLED = "adapter_model.bin";
  private static final String BASE = "base_model_name_or_path";
  private static final String BASE_SHA256 = "base_sha256"; // among the metadata, as PEFT has none
  private static final String PREFIX = "base_model.model.transformer.";

  private static final String CONVERT =
      "that changes the base's weights too; save it in PEFT with"
          + " path_initial_model_for_weight_conversion, which makes plain LoRA of it, or save what"
          + " merge_and_unload() of the trained model returns, and take that folder";

  private static final KeyRules RULES =
      new KeyRules()
          .obeys("peft_type", BASE, "revision")
          .obeys("r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "lora_dropout")
          .obeys("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern")
          .supports("task_type", "CAUSAL_LM")
          .supportsOr(
              CONVERT, "init_lora_weights", true, false, "gaussian", "eva", "orthogonal", "mica")
          .supportsOr(LoraLayers.MERGE, "bias", "none")
          .supportsOr(LoraLayers.MERGE, "lora_bias", false)
          .supportsOr(LoraLayers.MERGE, "modules_to_save", List.of())
          .supportsOr(LoraLayers.MERGE, "trainable_token_indices", List.of(), Map.of())
          .supportsOr(LoraLayers.MERGE, "target_parameters", List.of())
          .supportsOr(LoraLayers.MERGE, "layer_replication", List.of())
          .supportsOr(LoraLayers.MERGE, "use_dora", false)
          .supportsOr(LoraLayers.MERGE, "use_qalora", false)
          .supportsOr(LoraLayers.MERGE, "use_bdlora", false)
          .supportsOr(LoraLayers.MERGE, "kasa_config")
          .supportsOr(LoraLayers.MERGE, "velora_config")
          .supportsOr(LoraLayers.MERGE, "monteclora_config")
          .supportsOr(
              "its adapters act on some tokens only; train plain LoRA", "alora_invocation_tokens")
          .supportsOr("it mixes several adapters; merge one of them in PEFT", "arrow_config")
          .supportsOr("its layers are not GPT-2's; train plain LoRA", "megatron_config")
          // how training began; what came of it is stored, and init_lora_weights says whether all
          .ignores("corda_config", "eva_config", "loftq_config", "lora_ga_config")
          // which matter with others only, which are refused
          .ignores("megatron_core", "qalora_group_size", "ensure_weight_tying")
          // what PEFT finds out itself: that GPT-2 stores its linear weights as (in, out)
          .ignores("fan_in_fan_out")
          // about the file, or how it is run
          .ignores("auto_mapping", "inference_mode", "peft_version", "runtime_config");

  private LoraFiles() {}

  /**
   * The adapters of a folder; one with weights of its own is a model and has none.
   *
   * @throws JambicException if it has both, or adapters that are more than {@code B A}
   */
  static Optional<LoraConfig> find(ModelFormat<?, ?> format, Path folder, BaseModelResolver bases) {
    Path file = folder.resolve(CONFIG);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    if (!WeightFiles.areIn(folder)) {
      return Optional.of(read(format, file, bases));
    }
    if (Files.exists(folder.resolve(WEIGHTS)) || Files.exists(folder.resolve(PICKLED))) {
      throw new JambicException(
          folder
              + " holds a whole model and adapters; move the one that is not meant to another"
              + " folder");
    }
    return Optional.empty();
  }

  private static LoraConfig read(ModelFormat<?, ?> format, Path file, BaseModelResolver bases) {
    JsonObject json = JsonObject.read(file);
    if (!json.text("peft_type").equals("LORA")) {
      throw new JambicException(
          Text.format(
              "%s describes adapters of the kind %s; LORA is supported",
              file, ErrorText.quote(json.text("peft_type"))));
    }
    RULES.check(json);
    LoraLayers layers = LoraLayers.read(json);
    String name = json.optionalText(BASE).map(String::strip).orElse("");
    if (name.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s names no base model; write the folder of the model that the adapters belong to as %s into that file",
              file, BASE));
    }
    Optional<Path> folder = folder(format, file, name);
    Path base = folder.or(() -> named(json, name, bases)).orElseThrow(() -> noBase(file, name));
    if (!WeightFiles.areIn(base) && Files.exists(base.resolve(CONFIG))) {
      throw new JambicException(
          Text.format(
              "%s belongs to %s, which holds adapters itself; export that, and name the new folder as %s",
              file, base, BASE));
    }
    return new LoraConfig(
        layers, base, folder.isPresent() ? Optional.empty() : Optional.of(name), baseSha256(file));
  }

  /**
   * The folder of a base. A relative one is meant from the working directory, as PEFT means it; one
   * beside the adapters' folder counts where there is none, so that both can be moved together.
   */
  private static Optional<Path> folder(ModelFormat<?, ?> format, Path file, String name) {
    return candidates(file, name).stream()
        .filter(path -> format.isAt(path) || Files.exists(path.resolve(CONFIG)))
        .findFirst();
  }

  private static List<Path> candidates(Path file, String name) {
    try {
      return Stream.of(Path.of(name).toAbsolutePath(), file.resolveSibling(name))
          .map(Path::normalize)
          .distinct()
          .toList();
    } catch (InvalidPathException e) {
      return List.of(); // a name with characters that no folder has
    }
  }

  private static Optional<Path> named(JsonObject json, String name, BaseModelResolver bases) {
    Optional<Path> found = bases.find(name);
    Optional<String> revision = json.optionalText("revision").filter(r -> !r.equals("main"));
    if (found.isPresent() && revision.isPresent()) {
      throw new JambicException(
          Text.format(
              "%s: 'revision' is %s, and of a named model only main is known; fetch that revision, and name its folder as %s",
              json.where(), ErrorText.quote(revision.get()), BASE));
    }
    return found;
  }

  private static JambicException noBase(Path file, String name) {
    List<Path> tried = candidates(file, name);
    String places = tried.stream().map(Path::toString).collect(Collectors.joining(" or "));
    return new JambicException(
        Text.format(
            "%s belongs to the model in %s, which is not there; put it back, or name its new folder as %s in that file",
            file, tried.isEmpty() ? ErrorText.quote(name) : places, BASE));
  }

  private static Optional<String> baseSha256(Path config) {
    try (Safetensors file = open(config.resolveSibling(WEIGHTS))) {
      return Optional.ofNullable(file.metadata().get(BASE_SHA256));
    }
  }

  private static Safetensors open(Path weights) {
    if (!Files.exists(weights) && Files.exists(weights.resolveSibling(PICKLED))) {
      throw new JambicException(
          Text.format(
              "%s holds its adapters as a pickle, %s; open it in PEFT and save it again, which writes %s",
              weights.getParent(), PICKLED, WEIGHTS));
    }
    return Safetensors.open(weights);
  }

  /** Refuses weights other than the A and B that the configuration gives the layers of a model. */
  static <C extends ModelConfig> void requireFit(
      ModelFormat<C, ?> format, Path folder, LoraLayers layers, C config) {
    Path path = folder.resolve(WEIGHTS);
    List<String> adapted = format.adaptedLayers(folder.resolve(CONFIG).toString(), layers, config);
    try (Safetensors file = open(path)) {
      Set<String> others = new TreeSet<>(file.entries().keySet());
      for (String layer : adapted) {
        int rank = layers.rank(layer);
        requireRank(path, file.entry(PREFIX + layer + LoraAdapter.A), 0, rank);
        requireRank(path, file.entry(PREFIX + layer + LoraAdapter.B), 1, rank);
        others.removeAll(List.of(PREFIX + layer + LoraAdapter.A, PREFIX + layer + LoraAdapter.B));
      }
      if (!others.isEmpty()) {
        throw new JambicException(
            Text.format(
                "%s holds %s, which is not of an adapter that %s describes; %s",
                path, ErrorText.quote(others.iterator().next()), CONFIG, LoraLayers.MERGE));
      }
    }
  }

  private static void requireRank(Path path, Safetensors.Entry entry, int dimension, int rank) {
    List<Long> shape = entry.shape();
    if (shape.size() != 2 || shape.get(dimension) != rank) {
      throw new JambicException(
          Text.format(
              "%s: %s has the shape %s, but %s makes its rank %d; correct the rank there",
              path, entry.name(), shape, CONFIG, rank));
    }
  }

  /** Refuses another base than the one that the adapters were trained beside. */
  static void requireBase(Path folder, LoraConfig lora, WeightFiles base) {
    if (lora.baseSha256().isPresent() && !lora.baseSha256().get().equals(base.sha256())) {
      throw new JambicException(
          Text.format(
                  "the adapters in %s belong to other weights than %s holds now; put those back, or name the",
                  folder, base.path())
              + " folder that has them as base_model_name_or_path in "
              + CONFIG);
    }
  }

  /** Writes a model's adapters into a checkpoint's folder. */
  static void write(Path folder, LoraConfig lora, Parameters adapters) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("peft_type", "LORA");
    json.put("task_type", "CAUSAL_LM");
    json.put(
        BASE, lora.baseName().orElseGet(() -> lora.base().toAbsolutePath().normalize().toString()));
    lora.layers().writeTo(json);
    json.put("fan_in_fan_out", true); // GPT-2 stores its linear weights as (in, out)
    json.put("bias", "none");
    json.put("inference_mode", true);
    JsonObject.write(folder.resolve(CONFIG), json);
    List<Safetensors.Source> sources = new ArrayList<>();
    adapters
        .byName()
        .forEach((name, tensor) ->
            sources.add(
                new Safetensors.Source(
                    PREFIX + name,
                    SafetensorsType.F32,
                    shape(tensor),
                    out ->
                        Safetensors.Source.ofFloats(name, shape(tensor), tensor.toFloats(), 0)
                            .content()
                            .writeTo(out))));
    Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));
    lora.baseSha256().ifPresent(sha256 -> metadata.put(BASE_SHA256, sha256));
    Safetensors.write(folder.resolve(WEIGHTS), metadata, sources);
  }

  /** Reads stored adapters into those of a model, which {@link #requireFit} found in the file. */
  static void readInto(Path folder, Parameters adapters) {
    Path path = folder.resolve(WEIGHTS);
    try (Safetensors file = Safetensors.open(path)) {
      adapters
          .byName()
          .forEach((name, tensor) -> {
            Safetensors.Entry entry = file.entry(PREFIX + name);
            if (!entry.shape().equals(shape(tensor))) {
              throw new JambicException(
                  Text.format(
                      "%s: %s has the shape %s, but %s makes it %s",
                      path, name, entry.shape(), CONFIG, shape(tensor)));
            }
            float[] values = new float[Math.toIntExact(entry.size())];
            entry.readFloats(values, 0);
            tensor.set(values);
          });
    }
  }

  private static List<Long> shape(Tensor tensor) {
    return Arrays.stream(tensor.shape().toArray()).asLongStream().boxed().toList();
  }
}
