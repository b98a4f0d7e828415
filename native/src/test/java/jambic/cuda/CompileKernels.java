package jambic.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Compiles the kernels that tests and models will ask for, on all processors, into the user's
 * cache: {@code CompileKernels HEAD...}. A line for each; those that do not compile end in failed
 * and their log.
 */
final class CompileKernels {
  private static final List<String> SOURCES =
      List.of("elementwise", "activation", "columns", "loss", "embedding", "pages");

  private CompileKernels() {}

  private record Variant(String source, List<String> defines) {}

  public static void main(String... heads) {
    if (!(Installation.of(Libraries.ofSystem()) instanceof Installation.Ready ready)) {
      throw new IllegalStateException("there is no GPU");
    }
    List<Variant> variants = new ArrayList<>();
    for (String head : heads) { // the longest first
      variants.add(
          new Variant("attention_bf16.cu", List.of("HEAD=" + head, "DROPOUT", "STORAGE_BF16")));
      variants.add(new Variant("attention_bf16.cu", List.of("HEAD=" + head, "STORAGE_BF16")));
    }
    for (String head : heads) {
      variants.add(new Variant("attention.cu", List.of("HEAD=" + head)));
      variants.add(new Variant("attention_paged.cu", List.of("HEAD=" + head)));
      variants.add(new Variant("attention_paged.cu", List.of("HEAD=" + head, "STORAGE_BF16")));
    }
    for (String source : SOURCES) {
      variants.add(new Variant(source + ".cu", List.of()));
      variants.add(new Variant(source + ".cu", List.of("STORAGE_BF16")));
    }
    for (int groups = 1; groups <= 4; groups++) {
      variants.add(new Variant("norm.cu", List.of("GROUPS=" + groups)));
      variants.add(new Variant("norm.cu", List.of("GROUPS=" + groups, "STORAGE_BF16")));
    }
    variants.add(new Variant("optimizer.cu", List.of()));
    KernelCompiler compiler = new KernelCompiler(KernelCache.ofUser(System.getenv()));
    String architecture = ready.device().architecture();
    Stream<String> outcomes =
        IntStream.range(0, variants.size())
            .parallel()
            .mapToObj(i -> outcome(compiler, variants.get(i), architecture));
    outcomes.forEachOrdered(System.out::println);
  }

  private static String outcome(KernelCompiler compiler, Variant variant, String architecture) {
    long start = System.nanoTime();
    try {
      int bytes =
          compiler.compile(KernelSource.of(variant.source), variant.defines, architecture).length;
      return "%s %d bytes in %.1f s".formatted(variant, bytes, (System.nanoTime() - start) * 1e-9);
    } catch (RuntimeException e) {
      return variant + " failed: " + e.getMessage();
    }
  }
}
