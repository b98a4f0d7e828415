package jambic.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Times a command from its start to its end: {@code Startup CASE THREADS ROWS TIMES COMMAND...}.
 * The first run is not counted.
 */
final class Startup {
  private Startup() {}

  public static void main(String... args) throws IOException, InterruptedException {
    List<String> command = Arrays.asList(args).subList(4, args.length);
    double[] times = new double[Integer.parseInt(args[3])];
    run(command);
    for (int i = 0; i < times.length; i++) {
      times[i] = run(command);
    }
    Arrays.sort(times);
    new Row(
            "startup",
            args[0],
            "jambic",
            Integer.parseInt(args[1]),
            times.length,
            times[0],
            times[times.length / 2],
            times[times.length - 1],
            Map.of("version", "Java " + Runtime.version()))
        .append(Path.of(args[2]));
  }

  private static double run(List<String> command) throws IOException, InterruptedException {
    long start = System.nanoTime();
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (InputStream output = process.getInputStream()) {
      byte[] said = output.readAllBytes();
      if (process.waitFor() != 0) {
        throw new IOException(
            String.join(" ", command) + " failed: " + new String(said, StandardCharsets.UTF_8));
      }
    }
    return (System.nanoTime() - start) * 1e-6;
  }
}
