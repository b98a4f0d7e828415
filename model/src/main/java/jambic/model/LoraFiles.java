package jambic.model;

import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Adapters as Hugging Face's PEFT stores them: {@code adapter_config.json} and {@code
 * adapter_model.safetensors}, small files that name the model they belong to.
 */
final class LoraFiles {
  static final String CONFIG = "adapter_config.json";
  private static final String WEIGHTS = "adapter_model.safetensors";
  private static final String BASE_SHA256 = "base_sha256"; // among the metadata, as PEFT has none
  private static final String PREFIX = "base_model.model.transformer.";

  private LoraFiles() {}

  /** The adapters of a folder; one with weights of its own is a model and has none. */
  static Optional<Lora> find(Path folder, BaseModels bases) {
    boolean whole =
        Files.exists(folder.resolve(WeightFiles.SINGLE))
            || Files.exists(folder.resolve(WeightFiles.INDEX));
    Path file = folder.resolve(CONFIG);
    return whole || !Files.exists(file) ? Optional.empty() : Optional.of(read(file, bases));
  }

  private static Lora read(Path file, BaseModels bases) {
    JsonObject json = JsonObject.read(file);
    if (!json.text("peft_type").equals("LORA")) {
      throw new JambicException(
          "%s describes adapters of the kind %s; LORA is supported"
              .formatted(file, Wording.quote(json.text("peft_type"))));
    }
    for (String key : List.of("use_dora", "use_rslora")) {
      if (json.optionalBoolean(key).orElse(false)) {
        throw new JambicException("%s: '%s' is true, which is not supported".formatted(file, key));
      }
    }
    for (String key : List.of("alpha_pattern", "rank_pattern")) {
      if (json.values().get(key) instanceof Map<?, ?> pattern && !pattern.isEmpty()) {
        throw new JambicException(
            "%s: '%s' differs by layer, which is not supported".formatted(file, key));
      }
    }
    List<String> targets =
        json.optionalList("target_modules").orElse(List.of()).stream()
            .map(String::valueOf)
            .toList();
    String name = json.text("base_model_name_or_path");
    Path beside = file.resolveSibling(name).normalize();
    boolean isFolder = Files.exists(beside.resolve(ConfigFile.NAME));
    Optional<Path> found = isFolder ? Optional.of(beside) : bases.find(name);
    Path base =
        found.orElseThrow(() ->
            new JambicException(
                "%s belongs to the model in %s, which is not there; put it back, or name"
                        .formatted(file, beside)
                    + " its new folder as base_model_name_or_path in that file"));
    float alpha = json.optionalFloat("lora_alpha").orElse(8f); // PEFT's default
    int rank = json.integer("r");
    try {
      Lora lora = new Lora(rank, alpha, targets, base);
      Lora named = isFolder ? lora : lora.withBaseName(name);
      return baseSha256(file).map(named::withBaseSha256).orElse(named);
    } catch (JambicException e) {
      throw new JambicException(file + ": " + e.getMessage(), e);
    }
  }

  private static Optional<String> baseSha256(Path config) {
    Path weights = config.resolveSibling(WEIGHTS);
    if (!Files.exists(weights)) {
      return Optional.empty(); // reading them will say so
    }
    try (Safetensors file = Safetensors.open(weights)) {
      return Optional.ofNullable(file.metadata().get(BASE_SHA256));
    }
  }

  /** Refuses another base than the one that the adapters were trained beside. */
  static void requireBase(Path folder, Lora lora, WeightFiles base) {
    if (lora.baseSha256().isPresent() && !lora.baseSha256().get().equals(base.sha256())) {
      throw new JambicException(
          "the adapters in %s belong to other weights than %s holds now; put those back, or name the"
                  .formatted(folder, base.path())
              + " folder that has them as base_model_name_or_path in "
              + CONFIG);
    }
  }

  /** Writes a model's adapters into a checkpoint's folder. */
  static void write(Path folder, Lora lora, Parameters adapters) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("peft_type", "LORA");
    json.put("task_type", "CAUSAL_LM");
    json.put(
        "base_model_name_or_path",
        lora.baseName().orElseGet(() -> lora.base().toAbsolutePath().normalize().toString()));
    json.put("r", lora.rank());
    json.put("lora_alpha", lora.alpha());
    json.put("lora_dropout", 0.0);
    json.put("target_modules", lora.targets());
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
                    StoredType.F32,
                    shape(tensor),
                    out ->
                        Safetensors.Source.ofFloats(name, shape(tensor), tensor.toFloats(), 0)
                            .content()
                            .writeTo(out))));
    Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));
    lora.baseSha256().ifPresent(sha256 -> metadata.put(BASE_SHA256, sha256));
    Safetensors.write(folder.resolve(WEIGHTS), metadata, sources);
  }

  /** Reads stored adapters into those of a model, which must be the same. */
  static void readInto(Path folder, Parameters adapters) {
    Path path = folder.resolve(WEIGHTS);
    try (Safetensors file = Safetensors.open(path)) {
      adapters
          .byName()
          .forEach((name, tensor) -> {
            Safetensors.Entry entry = file.entry(PREFIX + name);
            if (!entry.shape().equals(shape(tensor))) {
              throw new JambicException(
                  "%s: %s has the shape %s, but %s makes it %s"
                      .formatted(path, name, entry.shape(), CONFIG, shape(tensor)));
            }
            float[] values = new float[Math.toIntExact(entry.size())];
            entry.readFloats(values, 0);
            tensor.set(values);
          });
      if (file.entries().size() != adapters.byName().size()) {
        throw new JambicException(
            "%s holds %d tensors, but %s describes %d"
                .formatted(path, file.entries().size(), CONFIG, adapters.byName().size()));
      }
    }
  }

  private static List<Long> shape(Tensor tensor) {
    return Arrays.stream(tensor.shape().toArray()).asLongStream().boxed().toList();
  }
}
