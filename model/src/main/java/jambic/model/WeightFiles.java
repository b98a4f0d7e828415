package jambic.model;

import jambic.tensor.JambicException;
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

/**
 * The open safetensors files of a checkpoint: one, or the shards that {@code
 * model.safetensors.index.json} lists. All are mapped, so opening costs their headers only.
 */
final class WeightFiles implements Closeable {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = SINGLE + ".index.json";

  private static final String PICKLED = "pytorch_model.bin";

  private final Path path;
  private final List<Safetensors> files;
  private final Map<String, Safetensors.Entry> entries;

  private WeightFiles(Path path, List<Safetensors> files, Map<String, Safetensors.Entry> entries) {
    this.path = path;
    this.files = files;
    this.entries = entries;
  }

  /** Opens the weights of a folder; where it has both forms, the single file counts. */
  static WeightFiles open(Path folder) {
    Path single = folder.resolve(SINGLE);
    Path index = folder.resolve(INDEX);
    if (!Files.exists(single) && Files.exists(index)) {
      return openShards(folder, index);
    }
    if (!Files.exists(single) && Files.exists(folder.resolve(PICKLED))) {
      throw new JambicException(
          "%s has its weights as %s, which only Python can read; save them as %s"
              .formatted(folder, PICKLED, SINGLE));
    }
    Safetensors file = Safetensors.open(single);
    return new WeightFiles(single, List.of(file), file.entries());
  }

  private static WeightFiles openShards(Path folder, Path index) {
    JsonObject weightMap = JsonObject.read(index).object("weight_map");
    Map<String, Safetensors> byName = new LinkedHashMap<>();
    Map<String, Safetensors.Entry> entries = new LinkedHashMap<>();
    try {
      for (String tensor : weightMap.values().keySet()) {
        String name = weightMap.text(tensor);
        if (!byName.containsKey(name)) {
          byName.put(name, Safetensors.open(shard(folder, index, name)));
        }
        entries.put(tensor, byName.get(name).entry(tensor));
      }
    } catch (RuntimeException e) {
      byName.values().forEach(Safetensors::close);
      throw e;
    }
    return new WeightFiles(index, new ArrayList<>(byName.values()), entries);
  }

  private static Path shard(Path folder, Path index, String name) {
    Path shard =
        plain(name)
            .map(folder::resolve)
            .orElseThrow(() ->
                new JambicException(
                    "%s names the file %s, which is not one of its own folder"
                        .formatted(index, Wording.quote(name))));
    if (!Files.exists(shard)) {
      throw new JambicException(
          "%s is missing, one of the files that %s lists; fetch it as well"
              .formatted(shard, index.getFileName()));
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
  Path path() {
    return path;
  }

  /** All tensors by name. */
  Map<String, Safetensors.Entry> entries() {
    return Collections.unmodifiableMap(entries);
  }

  /** The SHA-256 of the files, one after another by name. */
  String sha256() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] chunk = new byte[1 << 20];
      for (Path part : files.stream().map(Safetensors::file).sorted().toList()) {
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
      throw new JambicException("cannot read %s: %s".formatted(path, Wording.reason(e)), e);
    }
  }

  @Override
  public void close() {
    files.forEach(Safetensors::close);
  }
}
