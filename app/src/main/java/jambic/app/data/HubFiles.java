package jambic.app.data;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The files that a model has on a hub, by which a folder holds the whole of it or not. */
final class HubFiles {
  static final String CONFIG = "config.json";
  static final String ADAPTER_CONFIG = "adapter_config.json";

  /**
   * The weights in one file, the best form first; each may be cut into shards, which an index
   * lists.
   */
  static final List<String> WEIGHTS = List.of("model.safetensors", "pytorch_model.bin");

  /** The weights of adapters, the best form first. */
  static final List<String> ADAPTERS = List.of("adapter_model.safetensors", "adapter_model.bin");

  static final String TOKENIZER = "tokenizer.json";

  /** A tokenizer in GPT-2's own form, where there is no {@link #TOKENIZER}. */
  static final List<String> GPT2_TOKENIZER = List.of("vocab.json", "merges.txt");

  /** The tokenizers of OPUS-MT's translators, one for each language. */
  static final List<String> SENTENCE_PIECES = List.of("source.spm", "target.spm", "vocab.json");

  /** What else changes what a model writes; most models lack some of them. */
  static final List<String> SETTINGS =
      List.of(
          "generation_config.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json");

  private HubFiles() {}

  /** The index of weights that are cut into shards. */
  static String index(String weights) {
    return weights + ".index.json";
  }

  /** A file that a folder lacks; the weights are fetched last, so with them the rest is there. */
  static Optional<String> missing(Path folder) throws IOException {
    if (!has(folder, CONFIG) && !has(folder, ADAPTER_CONFIG)) {
      return Optional.of(CONFIG);
    }
    if (Stream.concat(WEIGHTS.stream(), ADAPTERS.stream()).anyMatch(name -> has(folder, name))) {
      return Optional.empty();
    }
    for (String weights : WEIGHTS) {
      if (has(folder, index(weights))) {
        return shards(folder, weights).stream().filter(shard -> !has(folder, shard)).findFirst();
      }
    }
    return Optional.of(WEIGHTS.getFirst());
  }

  /** Whether texts can be turned into tokens with a folder's files, or with those of a base. */
  static boolean hasTokenizer(Path folder) {
    return has(folder, TOKENIZER)
        || GPT2_TOKENIZER.stream().allMatch(name -> has(folder, name))
        || SENTENCE_PIECES.stream().allMatch(name -> has(folder, name))
        || has(folder, ADAPTER_CONFIG);
  }

  /** The files that an index lists; it comes from elsewhere and must not lead out of its folder. */
  static Set<String> shards(Path folder, String weights) throws IOException {
    Path index = folder.resolve(index(weights));
    Map<String, Object> json = JSON.std.mapFrom(Files.readString(index));
    Set<String> shards = new LinkedHashSet<>();
    if (json.get("weight_map") instanceof Map<?, ?> weightMap) {
      weightMap.values().forEach(name -> shards.add(String.valueOf(name)));
    }
    for (String shard : shards) {
      if (!shard.matches("[\\w-]+\\.(safetensors|bin)")) {
        throw new JambicException(
            index + " names the file \"" + shard + "\", which is not one of the model's");
      }
    }
    return shards;
  }

  private static boolean has(Path folder, String name) {
    return Files.exists(folder.resolve(name));
  }
}
