package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.cuda.DeviceMemory.Purpose;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Constant tables on the device, such as the addresses and sizes of a list of tensors. A table of
 * the same content is the same table, so a step that repeats uploads none.
 */
final class ConstantTables implements AutoCloseable {
  private final DeviceMemory memory;
  private final Stream copies;
  private final Map<LongBuffer, Long> uploaded = new HashMap<>();

  /**
   * No tables yet.
   *
   * @param memory where they go
   * @param copies a stream that never records: a table is there even while a step is recorded
   */
  ConstantTables(DeviceMemory memory, Stream copies) {
    this.memory = memory;
    this.copies = copies;
  }

  /** The address of a table. */
  long of(long... words) {
    return uploaded.computeIfAbsent(LongBuffer.wrap(words.clone()), this::upload);
  }

  private long upload(LongBuffer words) {
    long bytes = 8L * words.capacity();
    long address = memory.take(bytes, "a table", Purpose.MODEL);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocateFrom(JAVA_LONG, words.array());
      Check.driver(
          cuMemcpyHtoDAsync_v2(address, host, bytes, copies.handle()), "cuMemcpyHtoDAsync");
      copies.synchronize();
    }
    return address;
  }

  @Override
  public void close() {
    uploaded.forEach((words, address) -> memory.giveBack(address, 8L * words.capacity()));
    uploaded.clear();
  }
}
