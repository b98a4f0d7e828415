package jambic.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import jambic.cuda.Libraries.Found;
import jambic.cuda.bindings.CublasLt;
import jambic.cuda.bindings.CudaDriver;
import jambic.cuda.bindings.Nccl;
import jambic.cuda.bindings.Nvrtc;
import jambic.cuda.bindings.cublasLtMatmulAlgo_t;
import jambic.cuda.bindings.cublasLtMatmulHeuristicResult_t;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What jextract wrote agrees with the C compiler, the headers and the libraries of this machine.
 */
class BindingsTest {
  @TempDir private Path folder;

  @Test
  void constantsOfTheDriverAreThoseOfItsHeader() throws Exception {
    compare("cuda.h", constants(CudaDriver.class));
  }

  @Test
  void constantsOfNvrtcAreThoseOfItsHeader() throws Exception {
    compare("nvrtc.h", constants(Nvrtc.class));
  }

  @Test
  void structuresAndConstantsOfCublasLtAreThoseOfItsHeader() throws Exception {
    Map<String, Long> expected = constants(CublasLt.class);
    expected.put("sizeof(cublasLtMatmulAlgo_t)", cublasLtMatmulAlgo_t.layout().byteSize());
    expected.put(
        "sizeof(cublasLtMatmulHeuristicResult_t)",
        cublasLtMatmulHeuristicResult_t.layout().byteSize());
    expected.put(
        "offsetof(cublasLtMatmulHeuristicResult_t, algo)",
        cublasLtMatmulHeuristicResult_t.algo$offset());
    expected.put(
        "offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize)",
        cublasLtMatmulHeuristicResult_t.workspaceSize$offset());
    expected.put(
        "offsetof(cublasLtMatmulHeuristicResult_t, state)",
        cublasLtMatmulHeuristicResult_t.state$offset());
    compare("cublasLt.h", expected);
  }

  @Test
  void librariesOfEveryVersionHaveTheFunctions() {
    Map<Path, Class<?>> libraries = new LinkedHashMap<>();
    Libraries here = Libraries.ofSystem();
    for (int major : Libraries.MAJORS) {
      if (here.find("nvrtc", major) instanceof Found found) {
        libraries.put(found.file(), Nvrtc.class);
      }
      if (here.find("cublasLt", major) instanceof Found found) {
        libraries.put(found.file(), CublasLt.class);
      }
    }
    if (here.driver() instanceof Found found) {
      libraries.put(found.file(), CudaDriver.class);
    }
    if (here.nccl() instanceof Found found) {
      libraries.put(found.file(), Nccl.class);
    }
    if (libraries.isEmpty()) {
      abort("there is no library of CUDA here (pip install nvidia-cublas nvidia-cuda-nvrtc)");
    }
    libraries.forEach((file, bindings) -> {
      try (Arena arena = Arena.ofConfined()) {
        SymbolLookup library = SymbolLookup.libraryLookup(file, arena);
        assertThat(NativeLibrary.functions(bindings))
            .as(file.toString())
            .isNotEmpty()
            .allMatch(name -> library.find(name).isPresent());
      }
    });
  }

  /** The accessors in capitals: NAME() is what the header calls NAME. */
  private static Map<String, Long> constants(Class<?> bindings) throws Exception {
    Map<String, Long> constants = new LinkedHashMap<>();
    for (Method method : bindings.getMethods()) {
      boolean constant =
          Modifier.isStatic(method.getModifiers())
              && method.getParameterCount() == 0
              && method.getReturnType() == int.class
              && method.getName().matches("CU[A-Z0-9_]+|NVRTC_[A-Z_]+");
      if (constant) {
        constants.put(method.getName(), ((Integer) method.invoke(null)).longValue());
      }
    }
    assertThat(constants).hasSizeGreaterThan(1);
    return constants;
  }

  private void compare(String header, Map<String, Long> expected) throws Exception {
    Set<Path> folders = headers();
    if (folders.stream().noneMatch(include -> Files.exists(include.resolve(header)))) {
      abort(header + " is not on this machine (looked in " + folders + ")");
    }
    StringBuilder program = new StringBuilder("#include <stddef.h>\n#include <stdio.h>\n");
    program.append("#include <").append(header).append(">\nint main(void) {\n");
    expected
        .keySet()
        .forEach(name -> program.append("printf(\"%%lld\\n\", (long long)%s);%n".formatted(name)));
    Path source = Files.writeString(folder.resolve("header.c"), program + "}\n");
    Path binary = folder.resolve("header");
    List<String> command = new ArrayList<>(List.of("cc", "-o", binary.toString()));
    folders.forEach(include -> command.addAll(List.of("-I", include.toString())));
    command.add(source.toString());
    try {
      if (incomplete(command)) {
        abort(header + " includes what is not on this machine (looked in " + folders + ")");
      }
      run(command);
    } catch (IOException noCompiler) {
      abort("there is no C compiler (cc) here");
    }
    List<Long> actual = run(List.of(binary.toString())).lines().map(Long::valueOf).toList();
    List<String> names = List.copyOf(expected.keySet());
    Map<String, Long> found = new LinkedHashMap<>();
    for (int i = 0; i < names.size(); i++) {
      found.put(names.get(i), actual.get(i));
    }
    assertThat(found).isEqualTo(expected);
  }

  /** Those of the libraries that are found; a wheel may have what another includes. */
  private static Set<Path> headers() {
    Set<Path> folders = new LinkedHashSet<>();
    for (String name : List.of("nvrtc", "cublasLt")) {
      if (Libraries.ofSystem().find(name, Integer.MAX_VALUE) instanceof Found(Path file, int _)) {
        folders.add(file.resolveSibling("../include").normalize());
        folders.add(file.resolveSibling("../../cuda_runtime/include").normalize());
      }
    }
    folders.add(Path.of("/usr/local/cuda/include"));
    folders.removeIf(folder -> !Files.isDirectory(folder));
    return folders;
  }

  /** Whether a header is missing that another includes. */
  private static boolean incomplete(List<String> command) throws IOException, InterruptedException {
    List<String> preprocess = new ArrayList<>(command);
    preprocess.add("-E");
    Process process = new ProcessBuilder(preprocess).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() != 0 && output.contains("No such file or directory");
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }
}
