package jambic.cuda;

import java.nio.file.Path;
import java.util.List;

/** What there is of CUDA on a machine, loaded; or what is missing. */
sealed interface Installation {
  /** What was found, a line each. */
  List<String> found();

  /**
   * All there.
   *
   * @param device the GPU
   * @param description the GPU and its driver, in words
   * @param found the files that were loaded
   */
  record Ready(Device device, String description, List<String> found) implements Installation {}

  /**
   * Something is not there, or does not serve.
   *
   * @param reason what, as half a sentence
   * @param remedy what to do, as an imperative sentence
   * @param found what is there
   * @param tried the paths where it was looked for, if that is how it is missing
   */
  record Lacking(String reason, String remedy, List<String> found, List<Path> tried)
      implements Installation {}

  /** Looks, and loads what it finds; loading again is harmless. */
  static Installation of(Libraries libraries) {
    return new CudaProbe(libraries).outcome();
  }
}
