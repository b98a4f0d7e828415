package jambic.cuda;

import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where NVIDIA's libraries may lie on a machine: the folder that CUDA_HOME names, the loader's
 * path, the usual folders of the toolkit, and the wheels that Python installs.
 *
 * @param environment the process's environment
 * @param root the folder that absolute paths of the system start from: {@code /}, but for tests
 */
record Libraries(Map<String, String> environment, Path root) {
  /** The versions of CUDA whose libraries work, the favourite first. */
  static final List<Integer> MAJORS = List.of(13, 12);

  /** NVRTC, which compiles the kernels. */
  static final String COMPILER = "nvrtc";

  /** cuBLASLt, which multiplies matrices. */
  static final String PRODUCTS = "cublasLt";

  private static final int NCCL_MAJOR = 2;

  /** What is needed beside the driver. */
  static final List<String> NAMES = List.of(COMPILER, PRODUCTS);

  /** What a search came to. */
  sealed interface Search {}

  /**
   * A library.
   *
   * @param file its path
   * @param major CUDA's version
   */
  record Found(Path file, int major) implements Search {}

  /**
   * No library.
   *
   * @param tried every path where one was looked for
   */
  record Missing(List<Path> tried) implements Search {}

  /** Those of this machine. */
  static Libraries ofSystem() {
    return new Libraries(System.getenv(), Path.of("/"));
  }

  /** The wheel of Python that holds a library, such as {@code nvidia-cublas-cu12}. */
  static String wheel(String name, int major) {
    String wheel = name.equals(COMPILER) ? "nvidia-cuda-nvrtc" : "nvidia-cublas";
    return major == 12 ? wheel + "-cu12" : wheel;
  }

  /** The newest libraries that a driver for a version of CUDA runs. */
  static int newest(int driver) {
    return Math.min(driver, MAJORS.getFirst());
  }

  /** How a library is installed so that it comes before every other, as half a sentence. */
  static String namedWheel(String name, int major) {
    return Text.format(
        "take Python's wheel (pip install -U %s) and let CUDA_HOME name its folder, which ends in %s",
        wheel(name, major), "site-packages/" + wheelFolder(name, major));
  }

  private static String wheelFolder(String name, int major) {
    if (major > 12) {
      return "nvidia/cu" + major;
    }
    return name.equals(COMPILER) ? "nvidia/cuda_nvrtc" : "nvidia/cublas";
  }

  /** The variable that names a folder in vain, as half a sentence; empty if none does. */
  Optional<String> misnomer() {
    return Stream.of("CUDA_HOME", "CUDA_PATH")
        .filter(name -> variable(name).isPresent() && !namesLibraries(name))
        .findFirst()
        .map(name ->
            Text.format(
                "%s names %s, where no library of CUDA %d or %d is",
                name, environment.get(name), MAJORS.getFirst(), MAJORS.getLast()));
  }

  private boolean namesLibraries(String variable) {
    return namedBy(variable).stream()
        .flatMap(folder ->
            NAMES.stream().flatMap(name -> MAJORS.stream().map(major -> file(folder, name, major))))
        .anyMatch(Files::isRegularFile);
  }

  private static Path file(Path folder, String name, int major) {
    return folder.resolve("lib" + name + ".so." + major);
  }

  /**
   * Looks for a library of the toolkit: what CUDA_HOME names, whatever its version, or else
   * CUDA_PATH, then the favourite version wherever it lies.
   *
   * @param name without prefix and suffix, such as {@code nvrtc}
   * @param newest the newest version of CUDA that the driver runs
   */
  Search find(String name, int newest) {
    List<Path> tried = new ArrayList<>();
    for (Set<Path> folders :
        List.of(namedBy("CUDA_HOME"), namedBy("CUDA_PATH"), toolkitFolders())) {
      for (int major : MAJORS) {
        if (major > newest) {
          continue;
        }
        for (Path folder : folders) {
          Path file = file(folder, name, major);
          if (Files.isRegularFile(file)) {
            return new Found(file, major);
          }
          tried.add(file);
        }
      }
    }
    return new Missing(tried);
  }

  /** Looks for the driver, which lies in the system's folders only. */
  Search driver() {
    List<Path> tried = new ArrayList<>();
    Set<Path> folders = new LinkedHashSet<>(loaderPath());
    folders.addAll(systemFolders());
    folders.add(root.resolve("usr/local/nvidia/lib64")); // containers
    folders.add(root.resolve("usr/lib/wsl/lib"));
    for (Path folder : folders) {
      Path file = folder.resolve("libcuda.so.1");
      if (Files.isRegularFile(file)) {
        return new Found(file, 1);
      }
      tried.add(file);
    }
    return new Missing(tried);
  }

  /** Looks for NCCL, whose version is its own and not the toolkit's. */
  Search nccl() {
    Set<Path> folders = new LinkedHashSet<>(namedBy("CUDA_HOME"));
    folders.addAll(namedBy("CUDA_PATH"));
    folders.addAll(toolkitFolders());
    sitePackages().forEach(packages -> folders.add(packages.resolve("nvidia/nccl/lib")));
    List<Path> tried = new ArrayList<>();
    for (Path folder : folders) {
      Path file = file(folder, "nccl", NCCL_MAJOR);
      if (Files.isRegularFile(file)) {
        return new Found(file, NCCL_MAJOR);
      }
      tried.add(file);
    }
    return new Missing(tried);
  }

  private Set<Path> namedBy(String variable) {
    Set<Path> folders = new LinkedHashSet<>();
    variable(variable)
        .ifPresent(home -> {
          addToolkit(folders, home);
          folders.add(home); // it may name the libraries' folder itself
        });
    return folders;
  }

  private Set<Path> toolkitFolders() {
    Set<Path> folders = new LinkedHashSet<>(loaderPath());
    addToolkit(folders, root.resolve("usr/local/cuda"));
    for (Path toolkit : children(root.resolve("usr/local"), "cuda-*")) {
      addToolkit(folders, toolkit);
    }
    addToolkit(folders, root.resolve("opt/cuda"));
    folders.addAll(systemFolders());
    for (Path packages : sitePackages()) {
      for (int major : MAJORS) {
        for (String name : NAMES) {
          folders.add(packages.resolve(wheelFolder(name, major)).resolve("lib"));
        }
      }
    }
    return folders;
  }

  private static void addToolkit(Set<Path> folders, Path home) {
    folders.add(home.resolve("lib64"));
    folders.add(home.resolve("lib"));
    folders.add(home.resolve("targets/x86_64-linux/lib"));
    folders.add(home.resolve("targets/sbsa-linux/lib"));
  }

  private List<Path> loaderPath() {
    return paths("LD_LIBRARY_PATH");
  }

  /** The loader's own folders: what its configuration lists, then the defaults. */
  private List<Path> systemFolders() {
    List<Path> folders = new ArrayList<>();
    // In the loader's order: a driver for newer libraries than the system's is listed first.
    for (Path file : children(root.resolve("etc/ld.so.conf.d"), "*.conf").reversed()) {
      try (Stream<String> lines = Files.lines(file)) {
        lines
            .map(String::strip)
            .filter(line -> line.startsWith("/"))
            .forEach(line -> folders.add(root.resolve(line.substring(1))));
      } catch (IOException | UncheckedIOException e) {
        // A file that cannot be read adds no folder.
      }
    }
    for (String folder :
        List.of("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib")) {
      folders.add(root.resolve(folder));
    }
    return folders;
  }

  /** Where the Pythons in reach keep their packages. */
  private Set<Path> sitePackages() {
    Set<Path> homes = new LinkedHashSet<>();
    variable("VIRTUAL_ENV").ifPresent(homes::add);
    variable("CONDA_PREFIX").ifPresent(homes::add);
    for (Path bin : paths("PATH")) {
      addPython(homes, bin.resolve("python3"));
    }
    Optional<Path> user = variable("HOME");
    // The python3 of pyenv on the path is a script that chooses one of these.
    variable("PYENV_ROOT")
        .or(() -> user.map(folder -> folder.resolve(".pyenv")))
        .ifPresent(pyenv -> homes.addAll(children(pyenv.resolve("versions"), "*")));
    user.ifPresent(folder -> homes.add(folder.resolve(".local")));
    homes.add(root.resolve("usr/local"));
    homes.add(root.resolve("usr"));
    Set<Path> packages = new LinkedHashSet<>();
    for (Path home : homes) {
      for (String lib : List.of("lib", "lib64")) {
        for (Path python : children(home.resolve(lib), "python3*")) {
          packages.add(python.resolve("site-packages"));
          packages.add(python.resolve("dist-packages"));
        }
      }
    }
    return packages;
  }

  /** Where a Python lies, and where the one lies that it is a link to. */
  private static void addPython(Set<Path> homes, Path python) {
    try {
      for (Path file : List.of(python, python.toRealPath())) {
        Path bin = file.getParent();
        if (bin != null && bin.getParent() != null) {
          homes.add(bin.getParent());
        }
      }
    } catch (IOException e) {
      // There is none.
    }
  }

  private Optional<Path> variable(String name) {
    return paths(name).stream().findFirst();
  }

  private List<Path> paths(String variable) {
    List<Path> paths = new ArrayList<>();
    for (String part : environment.getOrDefault(variable, "").split(":")) {
      try {
        if (!part.isEmpty()) {
          paths.add(Path.of(part).toAbsolutePath());
        }
      } catch (InvalidPathException e) {
        // No path, no folder.
      }
    }
    return paths;
  }

  /** The matching entries of a folder, the last by name first: the newest version. */
  private static List<Path> children(Path folder, String glob) {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
        entries.forEach(found::add);
      } catch (IOException | DirectoryIteratorException e) {
        // A folder that cannot be read holds nothing for us.
      }
    }
    return found.stream().sorted(Comparator.reverseOrder()).toList();
  }
}
