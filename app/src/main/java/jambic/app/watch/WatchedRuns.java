package jambic.app.watch;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The runs of a folder, those included that begin later. For any number of threads. */
final class WatchedRuns {
  private final Path folder;
  private final Map<Path, WatchedRun> known = new LinkedHashMap<>();

  WatchedRuns(Path folder) {
    this.folder = folder;
  }

  Path folder() {
    return folder;
  }

  /** Those that are there now, the newest last. */
  synchronized List<WatchedRun> all() {
    List<Path> found = RunFacts.find(folder);
    known.keySet().retainAll(found);
    List<WatchedRun> runs = new ArrayList<>();
    for (Path path : found) {
      Path named = path.toAbsolutePath().normalize();
      String name = String.valueOf(Optional.ofNullable(named.getFileName()).orElse(named));
      runs.add(known.computeIfAbsent(path, _ -> new WatchedRun(name, path)));
    }
    return runs;
  }

  /** The run of a name: one of those that were found, so no name leads out of the folder. */
  Optional<WatchedRun> named(String name) {
    return all().stream().filter(run -> run.name().equals(name)).findFirst();
  }
}
