package jambic.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;

/** What figures depend on, in one line. */
final class Machine {
  /** The property that tells a fork where to leave its peak memory. */
  static final String PEAK_FILE = "jambic.bench.peak";

  private Machine() {}

  static String description() {
    String processor =
        field("/proc/cpuinfo", "model name")
            .map(name -> name + ", family " + field("/proc/cpuinfo", "cpu family").orElse("?"))
            .orElse(System.getProperty("os.arch"));
    String memory =
        field("/proc/meminfo", "MemTotal")
            .map(total ->
                ", " + Math.round(Long.parseLong(total.split(" ")[0]) / 1048576.0) + " GiB")
            .orElse("");
    return processor
        + ", "
        + Runtime.getRuntime().availableProcessors()
        + " cores, "
        + FloatVector.SPECIES_PREFERRED.vectorBitSize()
        + "-bit vectors"
        + memory
        + ", "
        + System.getProperty("os.name")
        + " "
        + System.getProperty("os.version").replaceFirst("[^0-9.].*", "")
        + ", JVM "
        + System.getProperty("java.vm.name")
        + " "
        + Runtime.version();
  }

  /** Writes this process's largest resident set, in MiB, to the file that {@link Measure} named. */
  static void leavePeak() {
    Optional<String> peak = field("/proc/self/status", "VmHWM");
    String file = System.getProperty(PEAK_FILE, "");
    if (peak.isPresent() && !file.isEmpty()) {
      long kibibytes = Long.parseLong(peak.get().split(" ")[0]);
      try {
        Files.writeString(Path.of(file), Double.toString(kibibytes / 1024.0));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static Optional<String> field(String file, String name) {
    try (var lines = Files.lines(Path.of(file))) {
      return lines
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst();
    } catch (IOException notLinux) {
      return Optional.empty();
    }
  }
}
