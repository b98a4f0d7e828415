package jambic.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every kernel compiles for Ampere, Hopper and Blackwell: with NVRTC, or else with nvcc. */
class KernelsTest {
  private static final List<String> ARCHITECTURES = List.of("sm_80", "sm_90", "sm_100", "sm_120");

  /** Sources with a head size are compiled for these; the first for every architecture. */
  private static final List<String> HEADS = List.of("HEAD=64", "HEAD=24", "HEAD=128");

  private record Variant(String source, List<String> defines, String architecture) {
    boolean isOf(String define) {
      return defines.contains(define);
    }
  }

  @TempDir private Path folder;

  @Test
  void everySourceCompiles() throws Exception {
    List<Variant> variants = variants();
    assertThat(variants).hasSizeGreaterThan(40);
    if (CudaProbe.loadCompiler(Libraries.ofSystem())) {
      KernelCompiler compiler = new KernelCompiler(new KernelCache(folder));
      // CUDA 12.8 is the first that knows Blackwell.
      List<String> known = KernelCompiler.architectures();
      assertThat(known).contains("sm_80", "sm_90");
      variants.parallelStream()
          .filter(variant -> known.contains(variant.architecture))
          .forEach(variant ->
              assertThat(
                      compiler.compile(
                          KernelSource.of(variant.source), variant.defines, variant.architecture))
                  .as(variant.toString())
                  .startsWith(0x7F, 'E', 'L', 'F'));
    } else if (nvcc().isPresent()) {
      unpackSources();
      // Slower by far than NVRTC: each source once.
      variants.parallelStream()
          .filter(variant -> variant.architecture.equals("sm_90"))
          .filter(
              variant -> !variant.source.startsWith("attention") || variant.isOf(HEADS.getFirst()))
          .filter(variant -> variant.isOf("STORAGE_BF16") || variant.source.equals("attention.cu"))
          .forEach(this::compileWithNvcc);
    } else {
      abort(
          "the kernels are not compiled: there is neither NVRTC (pip install nvidia-cuda-nvrtc) nor"
              + " nvcc here");
    }
  }

  @Test
  void aKernelThatDoesNotCompileShowsItsLogOnce() {
    if (!CudaProbe.loadCompiler(Libraries.ofSystem())) {
      abort("there is no NVRTC here (pip install nvidia-cuda-nvrtc)");
    }
    KernelCompiler compiler = new KernelCompiler(new KernelCache(folder));
    KernelSource broken = new KernelSource("broken.cu", "__global__ void f() { g(); }", Map.of());
    assertThatThrownBy(() -> compiler.compile(broken, List.of(), "sm_90"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(
            "broken.cu does not compile for sm_90 with NVRTC " + KernelCompiler.version())
        .hasMessageContainingAll("broken.cu(1): error", "\"g\" is undefined");
  }

  private static List<Variant> variants() throws IOException {
    List<Variant> variants = new ArrayList<>();
    for (String source : sources()) {
      boolean sized = KernelSource.of(source).text().contains("HEAD");
      for (String architecture : ARCHITECTURES) {
        for (String head : sized ? HEADS : List.of("")) {
          boolean first = !sized || head.equals(HEADS.getFirst());
          if (!first && !architecture.equals("sm_90")) {
            continue;
          }
          List<String> sizes = sized ? List.of(head) : List.of();
          if (!source.equals("attention_bf16.cu")) {
            variants.add(new Variant(source, sizes, architecture));
          }
          if (!source.equals("attention.cu")) {
            List<String> half = Stream.concat(sizes.stream(), Stream.of("STORAGE_BF16")).toList();
            variants.add(new Variant(source, half, architecture));
            if (source.equals("norm.cu")) {
              variants.add(new Variant(source, List.of("GROUPS=17"), architecture));
              variants.add(new Variant(source, List.of("GROUPS=8", "STORAGE_BF16"), architecture));
            }
            if (source.equals("attention_bf16.cu")) {
              List<String> drops = Stream.concat(half.stream(), Stream.of("DROPOUT")).toList();
              variants.add(new Variant(source, drops, architecture));
            }
          }
        }
      }
    }
    return variants;
  }

  private static Path resources() {
    return Path.of("src/main/resources/jambic/cuda");
  }

  private static List<String> sources() throws IOException {
    try (Stream<Path> files = Files.list(resources())) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".cu"))
          .sorted()
          .toList();
    }
  }

  private void unpackSources() throws IOException {
    try (Stream<Path> files = Files.list(resources())) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private static Optional<Path> nvcc() {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
        .map(Path::of)
        .map(bin -> bin.resolve("nvcc"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private void compileWithNvcc(Variant variant) {
    try {
      Path cubin = Files.createTempFile(folder, "kernels", ".cubin");
      List<String> command = new ArrayList<>();
      command.add(nvcc().orElseThrow().toString());
      command.addAll(List.of("-std=c++17", "-cubin", "-arch=" + variant.architecture));
      variant.defines.forEach(define -> command.add("-D" + define));
      command.addAll(List.of("-o", cubin.toString(), variant.source));
      Process process =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
      String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as("%s%n%s", variant, log).isZero();
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
