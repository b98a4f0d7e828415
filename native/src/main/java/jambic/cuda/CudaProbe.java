package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import jambic.cuda.Installation.Lacking;
import jambic.cuda.Installation.Ready;
import jambic.cuda.Libraries.Found;
import jambic.cuda.Libraries.Missing;
import jambic.cuda.bindings.CublasLt;
import jambic.cuda.bindings.CudaDriver;
import jambic.cuda.bindings.Nvrtc;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/** Looks for an {@link Installation}: the driver, then the GPU, then the libraries. */
final class CudaProbe {
  /** The oldest CUDA whose libraries are looked for. */
  private static final int OLDEST = Libraries.MAJORS.getLast();

  /** CUDA_ERROR_STUB_LIBRARY. */
  private static final int STUB_LIBRARY = 34;

  private static final Map<String, Class<?>> BINDINGS =
      Map.of(Libraries.COMPILER, Nvrtc.class, Libraries.PRODUCTS, CublasLt.class);

  private final Libraries libraries;
  private final List<String> found = new ArrayList<>();

  CudaProbe(Libraries libraries) {
    this.libraries = libraries;
  }

  /** All of it. */
  Installation outcome() {
    return switch (libraries.driver()) {
      case Missing(List<Path> tried) ->
          new Lacking(
              "there is no NVIDIA driver (libcuda.so.1)",
              "Install NVIDIA's driver, or compute on the backend cpu",
              List.of(),
              tried);
      case Found(Path driver, int _) -> ofDriver(driver);
    };
  }

  private Installation ofDriver(Path driver) {
    Optional<String> flaw = new NativeLibrary(driver, CudaDriver.class).load();
    if (flaw.isPresent()) {
      return lacking(
          "the driver " + flaw.get(),
          Text.format(
              "Install NVIDIA's driver anew, for CUDA %d.0 or newer, or compute on the backend cpu",
              OLDEST));
    }
    int status = cuInit(0);
    if (status != CUDA_SUCCESS()) {
      found.add("found " + driver);
      return notInitialized(driver, status);
    }
    int version = driverVersion();
    String versionName = version / 1000 + "." + version % 1000 / 10;
    found.add(Text.format("found %s, which runs CUDA up to %s", driver, versionName));
    if (version / 1000 < OLDEST) {
      return lacking(
          Text.format(
              "the driver %s is too old: it runs CUDA up to %s, and the libraries are of %d.0 or newer",
              driver, versionName, OLDEST),
          "Update NVIDIA's driver, or compute on the backend cpu");
    }
    if (Device.count() == 0) {
      return notInitialized(driver, CUDA_ERROR_NO_DEVICE());
    }
    return ofDevice(Device.first(), version / 1000, versionName);
  }

  private Installation ofDevice(Device device, int major, String driverVersion) {
    if (!device.isSupported()) {
      return lacking(
          Text.format(
              "the GPU, %s, is of compute capability %d.%d, and the kernels need 8.0 (Ampere) or newer",
              device.name(), device.major(), device.minor()),
          "Choose a newer GPU with CUDA_VISIBLE_DEVICES, or compute on the backend cpu");
    }
    found.add("found " + device.description());
    SequencedMap<String, Missing> missing = new LinkedHashMap<>(); // said after all that was found
    for (String name : Libraries.NAMES) {
      switch (libraries.find(name, major)) {
        case Missing nowhere -> missing.put(name, nowhere);
        case Found library -> {
          Optional<String> flaw = load(library, name);
          if (flaw.isPresent()) {
            return lacking(
                flaw.get(), "Install it anew, or let CUDA_HOME name the folder of another");
          }
          found.add("found " + library.file());
        }
      }
    }
    if (!missing.isEmpty()) {
      Map.Entry<String, Missing> first = missing.firstEntry();
      return notThere(first.getKey(), major, driverVersion, first.getValue().tried());
    }
    if (!KernelCompiler.architectures().contains(device.architecture())) {
      return unknownTo(device, major);
    }
    return new Ready(
        device, device.description() + ", driver for CUDA " + driverVersion, List.copyOf(found));
  }

  /** Loads the compiler alone, which needs no driver; false where there is none that serves. */
  static boolean loadCompiler(Libraries libraries) {
    return libraries.find(Libraries.COMPILER, Integer.MAX_VALUE) instanceof Found library
        && load(library, Libraries.COMPILER).isEmpty();
  }

  private static Optional<String> load(Found library, String name) {
    // NVRTC asks the loader for these by their bare names.
    String parts = "libnvrtc-builtins.so." + library.major() + "*";
    Path folder = library.file().toAbsolutePath().getParent();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, parts)) {
      for (Path part : files) {
        Optional<String> flaw = NativeLibrary.load(part);
        if (flaw.isPresent()) {
          return flaw;
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // The loader looks for itself.
    }
    return new NativeLibrary(library.file(), BINDINGS.get(name)).load();
  }

  private Lacking lacking(String reason, String remedy) {
    return lacking(reason, remedy, List.of());
  }

  private Lacking lacking(String reason, String remedy, List<Path> tried) {
    return new Lacking(reason, remedy, List.copyOf(found), tried);
  }

  private Lacking notInitialized(Path driver, int status) {
    if (status == STUB_LIBRARY) {
      return lacking(
          driver + " is no driver but the toolkit's stub of one, for linking",
          Text.format(
              "Install NVIDIA's driver, and take %s out of LD_LIBRARY_PATH or /etc/ld.so.conf.d",
              driver.getParent()));
    }
    String name = Check.driverName(status);
    return status == CUDA_ERROR_NO_DEVICE()
        ? lacking(
            Text.format("the driver %s sees no GPU (%s)", driver, name),
            "Look what CUDA_VISIBLE_DEVICES hides, and whether nvidia-smi lists the GPU")
        : lacking(
            Text.format(
                "the driver %s does not start: cuInit returned %d (%s)", driver, status, name),
            "See whether nvidia-smi works; after an update of the driver, restart the machine");
  }

  private Lacking notThere(String name, int major, String driverVersion, List<Path> tried) {
    if (libraries.find(name, Integer.MAX_VALUE) instanceof Found(Path newer, int newMajor)) {
      return lacking(
          Text.format(
              "the driver runs CUDA up to %s, and %s is of CUDA %d",
              driverVersion, newer, newMajor),
          Text.format(
              "Update NVIDIA's driver, or install the libraries of CUDA %d (pip install %s %s)",
              major,
              Libraries.wheel(Libraries.PRODUCTS, major),
              Libraries.wheel(Libraries.COMPILER, major)),
          tried);
    }
    String names =
        Libraries.MAJORS.stream()
            .filter(m -> m <= major)
            .map(m -> Text.format("lib%s.so.%d", name, m))
            .collect(Collectors.joining(" or "));
    return lacking(
        "there is no " + names + libraries.misnomer().map(vain -> ", and " + vain).orElse(""),
        Text.format(
            "Install the CUDA toolkit and set CUDA_HOME, or install Python's wheel (pip install %s)",
            Libraries.wheel(name, Libraries.newest(major))),
        tried);
  }

  private Lacking unknownTo(Device device, int major) {
    return lacking(
        Text.format(
            "NVRTC %s does not know this GPU's architecture %s, only %s",
            KernelCompiler.version(),
            device.architecture(),
            String.join(", ", KernelCompiler.architectures())),
        "Let CUDA_HOME name a newer toolkit, or "
            + Libraries.namedWheel(Libraries.COMPILER, Libraries.newest(major)));
  }

  private static int driverVersion() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment version = arena.allocate(JAVA_INT);
      Check.driver(cuDriverGetVersion(version), "cuDriverGetVersion");
      return version.get(JAVA_INT, 0);
    }
  }
}
