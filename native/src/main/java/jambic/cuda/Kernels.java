package jambic.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** The kernel sources, compiled and loaded as they are asked for. */
final class Kernels implements AutoCloseable {
  private final KernelCompiler compiler;
  private final Device device;
  private final Stream stream;
  private final Arena arena = Arena.ofShared();
  private final Map<String, KernelModule> loaded = new HashMap<>();

  Kernels(KernelCompiler compiler, Device device, Stream stream) {
    this.compiler = compiler;
    this.device = device;
    this.stream = stream;
  }

  KernelModule load(String source) {
    return loaded.computeIfAbsent(source, this::compile);
  }

  private KernelModule compile(String source) {
    byte[] cubin = compiler.compile(KernelSource.of(source), device.architecture());
    stream.handle();
    try (Arena bytes = Arena.ofConfined()) {
      MemorySegment image = bytes.allocate(cubin.length, 64);
      MemorySegment.copy(cubin, 0, image, java.lang.foreign.ValueLayout.JAVA_BYTE, 0, cubin.length);
      return new KernelModule(source, image, stream, arena);
    }
  }

  @Override
  public void close() {
    loaded.values().forEach(KernelModule::unload);
    loaded.clear();
    arena.close();
  }
}
