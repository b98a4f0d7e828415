package jambic.model.checkpoint;

import java.nio.file.Path;
import java.util.Optional;

/** Finds the models whose adapters call them by a name, as a hub does, and not by a folder. */
@FunctionalInterface
public interface BaseModelResolver {
  /** Knows none. */
  BaseModelResolver NONE = name -> Optional.empty();

  /**
   * Finds a model.
   *
   * @param name what its adapters call it, such as {@code gpt2}
   * @return its folder, as a checkpoint is; empty if none is known by that name
   * @throws jambic.tensor.JambicException if it is known but cannot be had
   */
  Optional<Path> find(String name);
}
