package jambic.mpi;

import static org.junit.jupiter.api.Assumptions.abort;

import jambic.tensor.spi.Communicator;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A job that a launcher has run to its end.
 *
 * @param code what the launcher exited with
 * @param output what all ranks and the launcher wrote
 * @param took how long it ran
 */
record Job(int code, String output, Duration took) {
  /** The launcher to test with. */
  private static final String MPIRUN = System.getProperty("jambic.test.mpirun", "mpirun");

  private static final long TOO_LONG = 120;

  /** Lines that ranks wrote, in any order. */
  List<String> lines() {
    return output.lines().toList();
  }

  /** Whether the launcher is Open MPI's; skips the test where there is none. */
  static boolean isOpenMpi() {
    try {
      Job version = of(new ProcessBuilder(MPIRUN, "--version"));
      if (version.code != 0) {
        abort("jobs of several processes are not tested: " + version.output);
      }
      return version.output.contains("Open MPI");
    } catch (IOException e) {
      return abort(
          "jobs of several processes are not tested: there is no mpirun (apt install openmpi-bin)");
    }
  }

  /** Runs a part of {@link RankMain} in several processes. */
  static Job of(int processes, String part, String... jvmOptions) throws Exception {
    return of(Map.of(), processes, part, jvmOptions);
  }

  /** The same with more variables. */
  static Job of(Map<String, String> variables, int processes, String part, String... jvmOptions)
      throws Exception {
    List<String> command = new ArrayList<>(List.of(MPIRUN));
    if (isOpenMpi()) {
      command.addAll(List.of("--oversubscribe", "--bind-to", "none"));
    }
    command.addAll(List.of("-n", Integer.toString(processes)));
    command.addAll(rank(part, jvmOptions));
    ProcessBuilder builder = new ProcessBuilder(command);
    // Continuous integration often runs as root.
    builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT", "1");
    builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    builder.environment().putAll(variables);
    return of(builder);
  }

  /** Runs a part of {@link RankMain} without a launcher. */
  static Job alone(Map<String, String> variables, String part, String... jvmOptions)
      throws Exception {
    ProcessBuilder builder = new ProcessBuilder(rank(part, jvmOptions));
    builder.environment().putAll(variables);
    return of(builder);
  }

  private static List<String> rank(String part, String... jvmOptions) throws URISyntaxException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                String.join(
                    File.pathSeparator,
                    place(MpiProvider.class),
                    place(RankMain.class),
                    place(Communicator.class))));
    command.addAll(List.of(jvmOptions));
    command.addAll(List.of(RankMain.class.getName(), part));
    return command;
  }

  /** The folder or jar that a class is in. */
  private static String place(Class<?> type) throws URISyntaxException {
    String file = type.getName().replace('.', '/') + ".class";
    String url = type.getResource("/" + file).toString();
    String folder = url.substring(0, url.length() - file.length());
    return folder.startsWith("jar:")
        ? Path.of(new URI(folder.substring(4, folder.length() - 2))).toString()
        : Path.of(new URI(folder)).toString();
  }

  private static Job of(ProcessBuilder builder) throws IOException {
    long start = System.nanoTime();
    Process process =
        builder.redirectErrorStream(true).redirectInput(new File("/dev/null")).start();
    Thread guard =
        Thread.ofVirtual()
            .start(() -> {
              try {
                if (!process.waitFor(TOO_LONG, TimeUnit.SECONDS)) {
                  process.descendants().forEach(ProcessHandle::destroyForcibly);
                  process.destroyForcibly();
                }
              } catch (InterruptedException e) {
                // It has ended.
              }
            });
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      int code = process.waitFor();
      return new Job(code, output, Duration.ofNanos(System.nanoTime() - start));
    } catch (InterruptedException e) {
      throw new IOException(e);
    } finally {
      guard.interrupt();
    }
  }
}
