package jambic.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A machine with a GPU that is none: {@code fake_cuda.c}, compiled with the C compiler at hand, and
 * Javas that find it as they would find NVIDIA's libraries.
 *
 * @param folder where the libraries are
 */
record FakeDriver(Path folder) {
  /** What a Java said. */
  record Answer(int exitCode, String output) {}

  /** Compiles it; empty where there is no C compiler. */
  static Optional<FakeDriver> compile(Path folder) throws IOException, InterruptedException {
    extract(folder, "fake_cuda.c", "fake_cuda.c");
    return link(folder, List.of("cc", "-O2", "fake_cuda.c", "-lm"));
  }

  /**
   * Compiles it with {@code emulator.h}, so that kernels compute as on a device: every thread of a
   * block for itself, tensor cores included. Empty where there is no C++ compiler.
   */
  static Optional<FakeDriver> compileEmulated(Path folder)
      throws IOException, InterruptedException {
    extract(folder, "fake_cuda.c", "fake_cuda.c");
    extract(folder, "emulated_nvrtc.cpp", "emulated_nvrtc.cpp");
    extract(folder, "emulator.h", "emulator.h");
    extract(folder, "emulated_ptx.cuh", "ptx.cuh");
    return link(
        folder,
        List.of(
            "c++",
            "-O2",
            "-std=c++17",
            "emulated_nvrtc.cpp",
            "-x",
            "c",
            "-std=c11",
            "fake_cuda.c"));
  }

  private static void extract(Path folder, String resource, String name) throws IOException {
    try (InputStream in = FakeDriver.class.getResourceAsStream(resource)) {
      Files.copy(in, folder.resolve(name));
    }
  }

  private static Optional<FakeDriver> link(Path folder, List<String> compiler)
      throws IOException, InterruptedException {
    Path library = folder.resolve("libcuda.so.1");
    List<String> command = new ArrayList<>(compiler);
    command.addAll(1, List.of("-shared", "-fPIC", "-o", library.toString()));
    try {
      Answer answer = run(new ProcessBuilder(command).directory(folder.toFile()));
      if (answer.exitCode != 0) {
        throw new AssertionError(answer.output);
      }
    } catch (IOException noCompiler) {
      return Optional.empty();
    }
    return Optional.of(new FakeDriver(folder).in(folder, "libnvrtc.so.13", "libcublasLt.so.13"));
  }

  /** The same, where its libraries have these names beside that of the driver. */
  FakeDriver in(Path place, String... names) throws IOException {
    Path library = folder.resolve("libcuda.so.1");
    Files.createDirectories(place);
    if (!place.equals(folder)) {
      Files.createSymbolicLink(place.resolve(library.getFileName()), library);
    }
    // Other files of the same content, as a file is loaded once only.
    for (String name : names) {
      Files.createSymbolicLink(place.resolve(name), library);
    }
    return new FakeDriver(place);
  }

  /** Runs a scenario of {@link FakeDriverMain} in a Java of its own. */
  Answer run(Map<String, String> settings, String... scenario)
      throws IOException, InterruptedException {
    return run(FakeDriverMain.class, settings, scenario);
  }

  /** Runs a program in a Java of its own. */
  Answer run(Class<?> program, Map<String, String> settings, String... scenario)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Xlog:all=off:stdout");
    command.add("-cp");
    command.add(String.join(":", classPath()));
    command.add(program.getName());
    command.addAll(List.of(scenario));
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> environment = builder.environment();
    environment.put("LD_LIBRARY_PATH", folder.toString());
    environment.keySet().removeAll(List.of("CUDA_HOME", "CUDA_PATH"));
    environment.put("XDG_CACHE_HOME", folder.resolve("cache").toString());
    environment.putAll(settings);
    return run(builder);
  }

  private static Set<String> classPath() {
    Set<String> all = new LinkedHashSet<>();
    for (Class<?> type : List.of(FakeDriverMain.class, CudaProvider.class)) {
      all.add(
          Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath()).toString());
    }
    for (String property : List.of("jdk.module.path", "java.class.path")) {
      String paths = System.getProperty(property, "");
      if (!paths.isEmpty()) {
        all.addAll(List.of(paths.split(":")));
      }
    }
    // Tests are patched into the module: where they lie stands beside its own classes.
    all.add(Path.of("target/test-classes").toAbsolutePath().toString());
    return all;
  }

  private static Answer run(ProcessBuilder builder) throws IOException, InterruptedException {
    Process process = builder.redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output;
    try (InputStream in = process.getInputStream()) {
      output = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    return new Answer(process.waitFor(), output);
  }

  /** Settings from names and values in turn. */
  static Map<String, String> settings(String... namesAndValues) {
    Map<String, String> settings = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      settings.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return settings;
  }
}
