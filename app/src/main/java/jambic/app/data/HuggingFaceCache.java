package jambic.app.data;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds models that Hugging Face's own tools have fetched: in the folder {@code models--user--name}
 * of their cache, {@code refs/main} has the commit that is the newest, and {@code snapshots/COMMIT}
 * its files. Nothing is written there.
 *
 * @param root the cache; need not exist
 */
public record HuggingFaceCache(Path root) {
  private static final String SNAPSHOTS = "snapshots";

  /** The cache that the environment names in the way Hugging Face's tools have it. */
  static HuggingFaceCache of(Map<String, String> environment, Path home) {
    return new HuggingFaceCache(
        named(environment, "HF_HUB_CACHE", home)
            .or(() -> named(environment, "HUGGINGFACE_HUB_CACHE", home)) // its older name
            .or(() -> named(environment, "HF_HOME", home).map(path -> path.resolve("hub")))
            .orElseGet(() ->
                named(environment, "XDG_CACHE_HOME", home)
                    .orElse(home.resolve(".cache"))
                    .resolve("huggingface")
                    .resolve("hub")));
  }

  private static Optional<Path> named(Map<String, String> environment, String name, Path home) {
    return Optional.of(environment.getOrDefault(name, ""))
        .filter(value -> !value.isEmpty())
        .map(value -> value.replaceFirst("^~(?=/|$)", home.toString().replace("\\", "\\\\")))
        .map(Path::of);
  }

  /** The folder of a model, empty if the cache has not all of its files. */
  Optional<Path> find(ModelId model) throws IOException {
    List<String> names =
        model.hasShortName()
            ? List.of("models--" + model.owner() + "--" + model.name(), "models--" + model.name())
            : List.of("models--" + model.owner() + "--" + model.name());
    for (String name : names) {
      Optional<Path> snapshot = snapshot(root.resolve(name), model.revision());
      if (snapshot.isPresent()
          && HubFiles.missing(snapshot.get()).isEmpty()
          && HubFiles.hasTokenizer(snapshot.get())) {
        return snapshot;
      }
    }
    return Optional.empty();
  }

  private static Optional<Path> snapshot(Path folder, String revision) throws IOException {
    Path ref = folder.resolve("refs").resolve(revision);
    String commit = Files.isRegularFile(ref) ? Files.readString(ref).strip() : revision;
    return Optional.of(commit)
        .filter(hash -> hash.matches("\\w+")) // what a file says must not lead out of the folder
        .map(hash -> folder.resolve(SNAPSHOTS).resolve(hash))
        .filter(Files::isDirectory);
  }

  /**
   * Takes a model's folder in such a cache for the snapshot of its newest version.
   *
   * @param folder any folder
   * @return the snapshot's, or the folder itself if it is not of such a cache
   * @throws JambicException if it is, and has no snapshot or none that is known to be the newest
   */
  public static Path resolve(Path folder) {
    Path snapshots = folder.resolve(SNAPSHOTS);
    if (!Files.isDirectory(snapshots) || Files.exists(folder.resolve(HubFiles.CONFIG))) {
      return folder;
    }
    try (Stream<Path> inside = Files.list(snapshots)) {
      Optional<Path> newest = snapshot(folder, ModelId.MAIN);
      List<Path> all = inside.filter(Files::isDirectory).sorted().toList();
      if (newest.isPresent() || all.size() == 1) {
        return newest.orElseGet(all::getFirst);
      }
      throw new JambicException(
          folder
              + (all.isEmpty()
                  ? " is of Hugging Face's cache and holds no snapshot of the model; fetch it again"
                  : " is of Hugging Face's cache and does not say which snapshot is the newest; name"
                      + " one, such as "
                      + all.getFirst()));
    } catch (IOException e) {
      throw new JambicException("cannot read " + folder + ": " + ErrorText.reason(e), e);
    }
  }
}
