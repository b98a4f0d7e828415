package jambic.cuda;

import static jambic.cuda.bindings.Nvrtc.*;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Compiles kernels with NVRTC, once: what was compiled before comes from the cache. */
final class KernelCompiler {
  private static final List<String> OPTIONS =
      List.of("--std=c++17", "-default-device", "-lineinfo");

  /** NVRTC_ERROR_BUILTIN_OPERATION_FAILURE: what it loads a second library for failed. */
  private static final int BUILTIN_OPERATION_FAILURE = 7;

  private final KernelCache cache;
  private final String version = version();

  KernelCompiler(KernelCache cache) {
    this.cache = cache;
  }

  /** NVRTC's version, such as 13.0. */
  static String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(JAVA_INT);
      MemorySegment minor = arena.allocate(JAVA_INT);
      Check.nvrtc(nvrtcVersion(major, minor), "nvrtcVersion");
      return major.get(JAVA_INT, 0) + "." + minor.get(JAVA_INT, 0);
    }
  }

  /** What NVRTC compiles for, such as sm_90. */
  static List<String> architectures() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      Check.nvrtc(nvrtcGetNumSupportedArchs(count), "nvrtcGetNumSupportedArchs");
      MemorySegment all = arena.allocate(JAVA_INT, count.get(JAVA_INT, 0));
      Check.nvrtc(nvrtcGetSupportedArchs(all), "nvrtcGetSupportedArchs");
      return Arrays.stream(all.toArray(JAVA_INT)).mapToObj(number -> "sm_" + number).toList();
    }
  }

  /**
   * Compiles to machine code.
   *
   * @param source what
   * @param defines macros, such as {@code HEAD=64}
   * @param architecture for which device, such as {@code sm_90}
   * @return the cubin
   * @throws JambicException with the compiler's log, if it does not compile
   */
  byte[] compile(KernelSource source, List<String> defines, String architecture) {
    List<String> options = new ArrayList<>(OPTIONS);
    defines.forEach(define -> options.add("-D" + define));
    options.add("--gpu-architecture=" + architecture);
    return cache.get(
        KernelCache.key(source, options, version), () -> compile(source, architecture, options));
  }

  private byte[] compile(KernelSource source, String architecture, List<String> options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      Check.nvrtc(
          nvrtcCreateProgram(
              out,
              arena.allocateFrom(source.text()),
              arena.allocateFrom(source.name()),
              source.headers().size(),
              strings(arena, List.copyOf(source.headers().values())),
              strings(arena, List.copyOf(source.headers().keySet()))),
          "nvrtcCreateProgram");
      MemorySegment program = out.get(ADDRESS, 0);
      try {
        int status = nvrtcCompileProgram(program, options.size(), strings(arena, options));
        if (status == NVRTC_ERROR_COMPILATION()) {
          throw new JambicException(
              Text.format(
                  "%s does not compile for %s with NVRTC %s:%n%s",
                  source.name(), architecture, version, log(arena, program)));
        }
        if (status == BUILTIN_OPERATION_FAILURE) {
          throw new JambicException(builtinsMissing());
        }
        Check.nvrtc(status, "nvrtcCompileProgram of " + source.name());
        return cubin(arena, program);
      } finally {
        nvrtcDestroyProgram(out);
      }
    }
  }

  private String builtinsMissing() {
    int major = Integer.parseInt(version.substring(0, version.indexOf('.')));
    return Text.format(
        "NVRTC %s does not find a libnvrtc-builtins.so.%s that is its own, which belongs beside the"
            + " libnvrtc.so.%d that 'jambic doctor' names; install both anew, or %s",
        version, version, major, Libraries.namedWheel(Libraries.COMPILER, major));
  }

  private static MemorySegment strings(Arena arena, List<String> all) {
    MemorySegment array = arena.allocate(ADDRESS, Math.max(1, all.size()));
    for (int i = 0; i < all.size(); i++) {
      array.setAtIndex(ADDRESS, i, arena.allocateFrom(all.get(i)));
    }
    return array;
  }

  private static byte[] cubin(Arena arena, MemorySegment program) {
    MemorySegment size = arena.allocate(JAVA_LONG);
    Check.nvrtc(nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
    MemorySegment image = arena.allocate(JAVA_BYTE, size.get(JAVA_LONG, 0));
    Check.nvrtc(nvrtcGetCUBIN(program, image), "nvrtcGetCUBIN");
    return image.toArray(JAVA_BYTE);
  }

  private static String log(Arena arena, MemorySegment program) {
    MemorySegment size = arena.allocate(JAVA_LONG);
    Check.nvrtc(nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize");
    MemorySegment text = arena.allocate(JAVA_BYTE, size.get(JAVA_LONG, 0));
    Check.nvrtc(nvrtcGetProgramLog(program, text), "nvrtcGetProgramLog");
    return text.getString(0).strip();
  }
}
