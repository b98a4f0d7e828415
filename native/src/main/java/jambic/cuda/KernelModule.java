package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.HashMap;
import java.util.Map;

/** The kernels of one source file, on the device. */
final class KernelModule {
  /** What a launch gets without asking; more has to be allowed for the function first. */
  private static final int SHARED_BYTES = 48 << 10;

  private static final int MOST_ARGUMENTS = 64;

  private final String source;
  private final Stream stream;
  private final Bf16Weights copies;
  private final MemorySegment handle;
  private final Map<String, MemorySegment> functions = new HashMap<>();
  private final Map<String, Integer> allowed = new HashMap<>();
  private final MemorySegment values; // 8 bytes an argument
  private final MemorySegment pointers; // to each of them, as cuLaunchKernel wants it

  KernelModule(String source, MemorySegment cubin, Stream stream, Bf16Weights copies, Arena arena) {
    this.source = source;
    this.stream = stream;
    this.copies = copies;
    MemorySegment out = arena.allocate(ADDRESS);
    Check.driver(cuModuleLoadData(out, cubin), "cuModuleLoadData of " + source);
    handle = out.get(ADDRESS, 0);
    values = arena.allocate(JAVA_LONG, MOST_ARGUMENTS);
    pointers = arena.allocate(ADDRESS, MOST_ARGUMENTS);
  }

  /**
   * Launches a kernel, in order with everything launched before.
   *
   * @param function its name in the source, {@code extern "C"}
   * @param grid blocks, threads and shared memory
   * @param arguments in the order of the parameters: a {@link Tensor} for a pointer to its first
   *     element (null for none), which the kernel may write; a Long for a 64-bit integer or an
   *     address, such as that of a weight, which it only reads; an Integer (also for a bool, which
   *     is an int in the source), a Float, or the bytes of a structure
   */
  void launch(String function, Grid grid, Object... arguments) {
    MemorySegment kernel = functions.computeIfAbsent(function, this::find);
    if (grid.sharedBytes() > SHARED_BYTES) {
      allow(function, kernel, grid.sharedBytes());
    }
    for (int i = 0; i < arguments.length; i++) {
      pointers.setAtIndex(ADDRESS, i, values.asSlice(8L * i));
      switch (arguments[i]) {
        case Tensor tensor -> values.setAtIndex(JAVA_LONG, i, DeviceStorage.address(tensor));
        case Long number -> values.setAtIndex(JAVA_LONG, i, number);
        case Integer number ->
            values.setAtIndex(JAVA_LONG, i, number); // little-endian: an int, too
        case Float number -> values.set(JAVA_FLOAT, 8L * i, number);
        case MemorySegment structure -> pointers.setAtIndex(ADDRESS, i, structure);
        default -> throw new IllegalArgumentException(function + " got " + arguments[i]);
      }
    }
    Check.driver(
        cuLaunchKernel(
            kernel,
            grid.x(),
            grid.y(),
            grid.z(),
            grid.threads(),
            1,
            1,
            grid.sharedBytes(),
            stream.handle(),
            pointers,
            MemorySegment.NULL),
        "cuLaunchKernel of " + function);
    for (Object argument : arguments) {
      if (argument instanceof Tensor tensor) {
        copies.written(tensor);
      }
    }
    Reference.reachabilityFence(arguments); // or the collector may free a structure before the call
  }

  private MemorySegment find(String function) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      Check.driver(
          cuModuleGetFunction(out, handle, arena.allocateFrom(function)),
          "cuModuleGetFunction of " + function + " in " + source);
      return out.get(ADDRESS, 0);
    }
  }

  private void allow(String function, MemorySegment kernel, int bytes) {
    if (allowed.getOrDefault(function, 0) < bytes) {
      Check.driver(
          cuFuncSetAttribute(kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES(), bytes),
          "cuFuncSetAttribute of " + function);
      allowed.put(function, bytes);
    }
  }

  void unload() {
    Check.driver(cuModuleUnload(handle), "cuModuleUnload of " + source);
  }
}
