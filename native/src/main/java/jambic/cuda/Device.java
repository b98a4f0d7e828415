package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.tensor.text.Text;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A GPU.
 *
 * @param handle the driver's number for it
 * @param name as its maker calls it
 * @param major of the compute capability
 * @param minor of the compute capability
 * @param multiprocessors how many there are
 * @param sharedBytes the most dynamic shared memory a block may ask for
 * @param memoryBytes the whole of its memory
 */
record Device(
    int handle,
    String name,
    int major,
    int minor,
    int multiprocessors,
    int sharedBytes,
    long memoryBytes) {
  /** The first generation with bfloat16 tensor cores and asynchronous copies: Ampere. */
  private static final int LEAST_MAJOR = 8;

  /** How many the driver shows. */
  static int count() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(JAVA_INT);
      Check.driver(cuDeviceGetCount(number), "cuDeviceGetCount");
      return number.get(JAVA_INT, 0);
    }
  }

  /** The first one; CUDA_VISIBLE_DEVICES says which that is. */
  static Device first() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(JAVA_INT);
      Check.driver(cuDeviceGet(handle, 0), "cuDeviceGet");
      int device = handle.get(JAVA_INT, 0);
      MemorySegment name = arena.allocate(JAVA_BYTE, 256);
      Check.driver(cuDeviceGetName(name, 256, device), "cuDeviceGetName");
      MemorySegment bytes = arena.allocate(JAVA_LONG);
      Check.driver(cuDeviceTotalMem_v2(bytes, device), "cuDeviceTotalMem");
      return new Device(
          device,
          name.getString(0),
          attribute(arena, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR(), device),
          attribute(arena, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR(), device),
          attribute(arena, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT(), device),
          attribute(arena, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN(), device),
          bytes.get(JAVA_LONG, 0));
    }
  }

  private static int attribute(Arena arena, int attribute, int device) {
    MemorySegment value = arena.allocate(JAVA_INT);
    Check.driver(cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
    return value.get(JAVA_INT, 0);
  }

  /** What it is, in words. */
  String description() {
    return Text.format(
        "%s, compute capability %d.%d, %d GiB", name, major, minor, memoryBytes >> 30);
  }

  /** Whether the kernels can be compiled for it. */
  boolean isSupported() {
    return major >= LEAST_MAJOR;
  }

  /** The architecture as the compiler names it, such as sm_90. */
  String architecture() {
    return "sm_" + major + minor;
  }
}
