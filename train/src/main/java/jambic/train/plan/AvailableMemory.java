package jambic.train.plan;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** The memory that a program can take now without the machine swapping or killing. */
final class AvailableMemory {
  private static final String LINE = "MemAvailable:";

  private AvailableMemory() {}

  /**
   * Asks Linux, which counts what it only caches as available.
   *
   * @param memInfo {@code /proc/meminfo}
   * @return bytes; empty where the system does not say
   */
  static OptionalLong bytes(Path memInfo) {
    try {
      return Files.readAllLines(memInfo).stream()
          .filter(line -> line.startsWith(LINE))
          .mapToLong(AvailableMemory::kibibytes)
          .map(kibibytes -> kibibytes << 10)
          .findFirst();
    } catch (IOException | NumberFormatException anotherSystem) {
      return OptionalLong.empty();
    }
  }

  private static long kibibytes(String line) {
    return Long.parseLong(line.substring(LINE.length()).replace("kB", "").strip());
  }
}
