package jambic.model.io;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The open files of a checkpoint's weights: one, or the shards that an index lists, as safetensors
 * or, where these are missing, as PyTorch's own. All are mapped, so opening costs their headers
 * only.
 */
public final class WeightFiles implements Closeable {
  public static final String SINGLE = "model.safetensors";

  private static final String INDEX = SINGLE + ".index.json";
  private static final String TORCH_SINGLE = "pytorch_model.bin";
  private static final String TORCH_INDEX = TORCH_SINGLE + ".index.json";

  /** What torch.compile and DistributedDataParallel put before every name. */
  private static final List<String> WRAPPERS = List.of("_orig_mod.", "module.");

  private final Path path;
  private final List<Part> parts;
  private final Map<String, StoredTensor> entries;

  private WeightFiles(Path path, List<Part> parts, Map<String, StoredTensor> entries) {
    this.path = path;
    this.parts = parts;
    this.entries = entries;
  }

  /** One open file. */
  private record Part(
      Path file, Map<String, StoredTensor> tensors, Runnable check, Runnable closing) {

    static Part open(Path file) {
      if (file.getFileName().toString().endsWith(".safetensors")) {
        Safetensors safetensors = Safetensors.open(file);
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        safetensors.entries().forEach((name, entry) -> tensors.put(name, StoredTensor.of(entry)));
        return new Part(file, tensors, () -> {}, safetensors::close);
      }
      TorchFile torch = TorchFile.open(file);
      try {
        return of(torch, torch.tensors(torch.root()));
      } catch (RuntimeException e) {
        torch.close();
        throw e;
      }
    }

    static Part of(TorchFile torch, Map<String, StoredTensor> tensors) {
      return new Part(torch.file(), tensors, torch::requireIntact, torch::close);
    }

    StoredTensor tensor(String name) {
      StoredTensor tensor = tensors.get(name);
      if (tensor == null) {
        throw new JambicException(file + ": there is no tensor " + ErrorText.quote(name));
      }
      return tensor;
    }
  }

  /** Whether a folder has weights of a whole model. */
  public static boolean areIn(Path folder) {
    return Stream.of(SINGLE, INDEX, TORCH_SINGLE, TORCH_INDEX)
        .anyMatch(name -> Files.exists(folder.resolve(name)));
  }

  /**
   * Finds a tensor that a model has and checks that it can be read into it.
   *
   * @param where how errors name the file
   * @param description how errors name what describes the model
   * @param name the tensor
   * @param shape what the model makes it
   * @param stored all tensors of the file
   * @throws JambicException if it is missing, of another shape, or holds no numbers
   */
  public static StoredTensor require(
      String where,
      String description,
      String name,
      List<Long> shape,
      Map<String, StoredTensor> stored) {
    StoredTensor entry = stored.get(name);
    if (entry == null) {
      throw new JambicException(
          Text.format(
              "%s lacks the tensor '%s', which the model of %s has", where, name, description));
    }
    if (!entry.shape().equals(shape)) {
      throw new JambicException(
          Text.format(
              "%s: tensor '%s' has the shape %s, but %s makes it %s",
              where, entry.name(), entry.shape(), description, shape));
    }
    if (!entry.type().isReadableAsFloat()) {
      throw new JambicException(
          Text.format(
              "%s: tensor '%s' holds %s, not floating-point numbers of 16, 32 or 64 bits",
              where, entry.name(), entry.type()));
    }
    return entry;
  }

  /** Opens the weights of a folder, in the order in which transformers looks for them. */
  public static WeightFiles open(Path folder) {
    for (String single : List.of(SINGLE, TORCH_SINGLE)) {
      Path file = folder.resolve(single);
      Path index = folder.resolve(single + ".index.json");
      if (Files.exists(file)) {
        Part part = Part.open(file);
        return new WeightFiles(file, List.of(part), withoutWrappers(part.tensors()));
      }
      if (Files.exists(index)) {
        return openShards(folder, index);
      }
    }
    if (!Files.isDirectory(folder)) {
      throw new JambicException("cannot read " + folder + ": there is no such file or folder");
    }
    throw new JambicException(
        Text.format(
            "%s holds no weights: there is neither %s nor %s, in one file or in shards; put them there",
            folder, SINGLE, TORCH_SINGLE));
  }

  /** The weights of an open file that holds more than these. */
  public static WeightFiles of(TorchFile torch, Map<String, StoredTensor> tensors) {
    return new WeightFiles(torch.file(), List.of(Part.of(torch, tensors)), tensors);
  }

  private static WeightFiles openShards(Path folder, Path index) {
    JsonObject weightMap = JsonObject.read(index).object("weight_map");
    Map<String, Part> byName = new LinkedHashMap<>();
    Map<String, StoredTensor> entries = new LinkedHashMap<>();
    try {
      for (String tensor : weightMap.values().keySet()) {
        String name = weightMap.text(tensor);
        if (!byName.containsKey(name)) {
          byName.put(name, Part.open(shard(folder, index, name)));
        }
        entries.put(tensor, byName.get(name).tensor(tensor));
      }
    } catch (RuntimeException e) {
      byName.values().forEach(part -> part.closing().run());
      throw e;
    }
    return new WeightFiles(index, new ArrayList<>(byName.values()), withoutWrappers(entries));
  }

  /** The tensors without the names of modules that were wrapped around the whole model. */
  public static Map<String, StoredTensor> withoutWrappers(Map<String, StoredTensor> tensors) {
    for (String wrapper : WRAPPERS) {
      if (!tensors.isEmpty()
          && tensors.keySet().stream().allMatch(name -> name.startsWith(wrapper))) {
        Map<String, StoredTensor> plain = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> plain.put(name.substring(wrapper.length()), tensor));
        return withoutWrappers(plain);
      }
    }
    return tensors;
  }

  private static Path shard(Path folder, Path index, String name) {
    Path shard =
        plain(name)
            .map(folder::resolve)
            .orElseThrow(() ->
                new JambicException(
                    Text.format(
                        "%s names the file %s, which is not one of its own folder",
                        index, ErrorText.quote(name))));
    if (!Files.exists(shard)) {
      throw new JambicException(
          Text.format(
              "%s is missing, one of the files that %s lists; fetch it as well",
              shard, index.getFileName()));
    }
    return shard;
  }

  /** An index comes from elsewhere: it must not lead out of its folder. */
  private static Optional<Path> plain(String name) {
    try {
      Path path = Path.of(name);
      boolean inside = path.getNameCount() == 1 && !path.isAbsolute() && !name.matches("\\.*");
      return Optional.of(path).filter(p -> inside);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  /** What errors name: the single file, or the index. */
  public Path path() {
    return path;
  }

  /** All tensors by name. */
  public Map<String, StoredTensor> entries() {
    return Collections.unmodifiableMap(entries);
  }

  /** The SHA-256 of the files, one after another by name. */
  public String sha256() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] chunk = new byte[1 << 20];
      for (Path part : parts.stream().map(Part::file).sorted().toList()) {
        try (InputStream in = Files.newInputStream(part)) {
          for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
            digest.update(chunk, 0, count);
          }
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", path, ErrorText.reason(e)), e);
    }
  }

  /** Refuses files that were damaged, where their format can tell; reads all of them. */
  public void requireIntact() {
    parts.forEach(part -> part.check().run());
  }

  @Override
  public void close() {
    parts.forEach(part -> part.closing().run());
  }
}
