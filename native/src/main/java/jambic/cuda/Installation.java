package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import jambic.cuda.Libraries.Found;
import jambic.cuda.Libraries.Missing;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What there is of CUDA on a machine, loaded; or what is missing. */
sealed interface Installation {
  /** The oldest CUDA whose libraries are looked for. */
  int OLDEST = Libraries.MAJORS.getLast();

  /**
   * All there.
   *
   * @param device the GPU
   * @param driverVersion the newest CUDA that the driver runs, such as 13.0
   * @param libraries the files that were loaded
   */
  record Ready(Device device, String driverVersion, List<Path> libraries) implements Installation {}

  /**
   * Something is not there.
   *
   * @param reason what, as half a sentence
   * @param remedy what to do, as an imperative sentence
   * @param tried the paths where it was looked for, if that is how it is missing
   */
  record Lacking(String reason, String remedy, List<Path> tried) implements Installation {}

  /** Looks, and loads what it finds; loading again is harmless. */
  static Installation of(Libraries libraries) {
    return switch (libraries.driver()) {
      case Missing(List<Path> tried) ->
          new Lacking(
              "there is no NVIDIA driver (libcuda.so.1)",
              "Install NVIDIA's driver, or compute with --backend cpu",
              tried);
      case Found(Path driver, int _) -> ofDriver(libraries, driver);
    };
  }

  private static Installation ofDriver(Libraries libraries, Path driver) {
    try {
      System.load(driver.toString());
    } catch (UnsatisfiedLinkError e) {
      return new Lacking(
          "the driver " + notLoaded(driver, e), "Install NVIDIA's driver anew", List.of());
    }
    int status = cuInit(0);
    if (status != CUDA_SUCCESS()) {
      return notInitialized(status);
    }
    int version = driverVersion();
    String versionName = version / 1000 + "." + version % 1000 / 10;
    if (version / 1000 < OLDEST) {
      return new Lacking(
          "the driver is too old: it runs CUDA up to %s, and the libraries are of %d.0 or newer"
              .formatted(versionName, OLDEST),
          "Update NVIDIA's driver",
          List.of());
    }
    if (Device.count() == 0) {
      return notInitialized(CUDA_ERROR_NO_DEVICE());
    }
    Device device = Device.first();
    if (!device.isSupported()) {
      return new Lacking(
          "the GPU, %s, is of compute capability %d.%d, and the kernels need 8.0 (Ampere) or newer"
              .formatted(device.name(), device.major(), device.minor()),
          "Choose a newer GPU with CUDA_VISIBLE_DEVICES, or compute with --backend cpu",
          List.of());
    }
    List<Path> loaded = new ArrayList<>(List.of(driver));
    for (String name : List.of("nvrtc", "cublasLt")) {
      switch (libraries.find(name, version / 1000)) {
        case Missing(List<Path> tried) -> {
          return lackingLibrary(libraries, name, version / 1000, versionName, tried);
        }
        case Found found -> {
          try {
            load(found);
          } catch (UnsatisfiedLinkError e) {
            return new Lacking(notLoaded(found.file(), e), "Install it anew", List.of());
          }
          loaded.add(found.file());
        }
      }
    }
    return new Ready(device, versionName, List.copyOf(loaded));
  }

  /** Names the file once: the message begins with it, twice where the loader says so too. */
  private static String notLoaded(Path file, UnsatisfiedLinkError e) {
    String why = e.getMessage().replace(file + ": ", "");
    return "%s cannot be loaded (%s)".formatted(file, why);
  }

  /** Loads the compiler alone, which needs no driver; false where there is none. */
  static boolean loadCompiler(Libraries libraries) {
    if (libraries.find("nvrtc", Integer.MAX_VALUE) instanceof Found found) {
      load(found);
      return true;
    }
    return false;
  }

  private static void load(Found library) {
    // NVRTC asks the loader for these by their bare names.
    String parts = "libnvrtc-builtins.so." + library.major() + "*";
    Path folder = library.file().toAbsolutePath().getParent();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, parts)) {
      files.forEach(part -> System.load(part.toString()));
    } catch (IOException | DirectoryIteratorException e) {
      // The loader looks for itself.
    }
    System.load(library.file().toString());
  }

  private static Lacking notInitialized(int status) {
    String name = Check.driverName(status);
    return status == CUDA_ERROR_NO_DEVICE()
        ? new Lacking(
            "the driver sees no GPU (%s)".formatted(name),
            "Look what CUDA_VISIBLE_DEVICES hides, and whether nvidia-smi lists the GPU",
            List.of())
        : new Lacking(
            "the driver does not start: cuInit returned %d (%s)".formatted(status, name),
            "See whether nvidia-smi works; after an update of the driver, restart the machine",
            List.of());
  }

  private static Lacking lackingLibrary(
      Libraries libraries, String name, int major, String driverVersion, List<Path> tried) {
    if (libraries.find(name, Integer.MAX_VALUE) instanceof Found(Path newer, int newMajor)) {
      return new Lacking(
          "the driver runs CUDA up to %s, and %s is of CUDA %d"
              .formatted(driverVersion, newer, newMajor),
          "Update NVIDIA's driver, or install the libraries of CUDA %d (pip install %s %s)"
              .formatted(
                  major, Libraries.wheel("cublasLt", major), Libraries.wheel("nvrtc", major)),
          tried);
    }
    int best = Math.min(major, Libraries.MAJORS.getFirst());
    return new Lacking(
        "there is no "
            + Libraries.MAJORS.stream()
                .filter(m -> m <= major)
                .map(m -> "lib%s.so.%d".formatted(name, m))
                .collect(Collectors.joining(" or ")),
        "Install the CUDA toolkit and set CUDA_HOME, or install Python's wheel (pip install %s)"
            .formatted(Libraries.wheel(name, best)),
        tried);
  }

  private static int driverVersion() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment version = arena.allocate(JAVA_INT);
      Check.driver(cuDriverGetVersion(version), "cuDriverGetVersion");
      return version.get(JAVA_INT, 0);
    }
  }
}
