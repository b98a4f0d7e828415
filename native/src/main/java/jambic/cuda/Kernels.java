package jambic.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import jambic.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The kernel sources, compiled and loaded as they are asked for. */
final class Kernels implements AutoCloseable {
  private final KernelCompiler compiler;
  private final Device device;
  private final Stream stream;
  private final Bf16Weights copies;
  private final Arena arena = Arena.ofShared();
  private final Map<Variant, KernelModule> loaded = new HashMap<>();

  /** A source and the macros that it is compiled with. */
  private record Variant(String source, List<String> defines) {}

  Kernels(KernelCompiler compiler, Device device, Stream stream, Bf16Weights copies) {
    this.compiler = compiler;
    this.device = device;
    this.stream = stream;
    this.copies = copies;
  }

  KernelModule load(String source, DType storage, List<String> defines) {
    List<String> all = new ArrayList<>(defines);
    switch (storage) {
      case F32 -> {}
      case BF16 -> all.add("STORAGE_BF16");
      case I32, I8 -> throw new IllegalArgumentException(source + " for integers");
    }
    return loaded.computeIfAbsent(new Variant(source, all), this::compile);
  }

  private KernelModule compile(Variant variant) {
    byte[] cubin =
        compiler.compile(KernelSource.of(variant.source), variant.defines, device.architecture());
    stream.handle();
    try (Arena bytes = Arena.ofConfined()) {
      MemorySegment image = bytes.allocate(cubin.length, 64);
      MemorySegment.copy(cubin, 0, image, JAVA_BYTE, 0, cubin.length);
      return new KernelModule(variant.source, image, stream, copies, arena);
    }
  }

  @Override
  public void close() {
    loaded.values().forEach(KernelModule::unload);
    loaded.clear();
    arena.close();
  }
}
