package jambic.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/** The few functions of OpenBLAS that a comparison needs, bound where the library is installed. */
@SuppressWarnings("restricted") // binding a library is the point
final class OpenBlas {
  private static final int ROW_MAJOR = 101;
  private static final int AS_IS = 111;
  private static final int TRANSPOSED = 112;

  private static final List<String> NAMES =
      List.of(
          "libopenblas.so.0",
          "libopenblas.so",
          "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0",
          "/usr/lib/aarch64-linux-gnu/openblas-pthread/libopenblas.so.0",
          "libopenblas.dylib",
          "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
          "/usr/local/opt/openblas/lib/libopenblas.dylib",
          "libopenblas.dll",
          "openblas.dll");

  private final MethodHandle sgemm;
  private final MethodHandle setThreads;
  private final MethodHandle config;
  private final MethodHandle core;

  private OpenBlas(SymbolLookup library) {
    sgemm =
        bind(
            library,
            "cblas_sgemm",
            FunctionDescriptor.ofVoid(
                arguments(
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_FLOAT,
                    ADDRESS,
                    JAVA_INT,
                    ADDRESS,
                    JAVA_INT,
                    JAVA_FLOAT,
                    ADDRESS,
                    JAVA_INT)));
    setThreads = bind(library, "openblas_set_num_threads", FunctionDescriptor.ofVoid(JAVA_INT));
    config = bind(library, "openblas_get_config", FunctionDescriptor.of(ADDRESS));
    core = bind(library, "openblas_get_corename", FunctionDescriptor.of(ADDRESS));
  }

  /** The library, when one of its usual names leads to it. */
  static Optional<OpenBlas> find() {
    for (String name : NAMES) {
      try {
        return Optional.of(new OpenBlas(SymbolLookup.libraryLookup(name, Arena.global())));
      } catch (IllegalArgumentException notThere) {
        continue;
      }
    }
    return Optional.empty();
  }

  /**
   * {@code c (m, n) = op(a) (m, k) * op(b) (k, n)}, row-major and without gaps.
   *
   * @param transA whether {@code a} is stored (k, m)
   * @param transB whether {@code b} is stored (n, k)
   */
  void sgemm(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      MemorySegment a,
      MemorySegment b,
      MemorySegment c) {
    try {
      sgemm.invokeExact(
          ROW_MAJOR,
          transA ? TRANSPOSED : AS_IS,
          transB ? TRANSPOSED : AS_IS,
          m,
          n,
          k,
          1f,
          a,
          transA ? m : k,
          b,
          transB ? k : n,
          0f,
          c,
          n);
    } catch (Throwable e) {
      throw new IllegalStateException("cblas_sgemm failed", e);
    }
  }

  void setThreads(int threads) {
    try {
      setThreads.invokeExact(threads);
    } catch (Throwable e) {
      throw new IllegalStateException("openblas_set_num_threads failed", e);
    }
  }

  /** Version and the family of kernels in use, as {@code OpenBLAS 0.3.21 (SkylakeX)}. */
  String description() {
    String[] words = text(config).split(" ");
    return words[0] + " " + words[1] + " (" + text(core) + ")";
  }

  private static String text(MethodHandle getter) {
    try {
      MemorySegment chars = (MemorySegment) getter.invokeExact();
      return chars.reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable e) {
      throw new IllegalStateException("an OpenBLAS getter failed", e);
    }
  }

  private static MemoryLayout[] arguments(MemoryLayout... layouts) {
    return layouts;
  }

  private static MethodHandle bind(SymbolLookup library, String name, FunctionDescriptor type) {
    MemorySegment address =
        library.find(name).orElseThrow(() -> new IllegalArgumentException("no " + name));
    return Linker.nativeLinker().downcallHandle(address, type);
  }
}
