package jambic.cuda;

import jambic.cuda.DeviceMemory.Purpose;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory for what a kernel needs only while it runs, such as partial sums. All kernels share it:
 * they run one after the other. It grows to the largest demand; what it outgrew stays, because
 * recorded steps know its address.
 */
final class Scratch implements AutoCloseable {
  private static final long LEAST = 1 << 20;

  private record Block(long address, long bytes) {}

  private final DeviceMemory memory;
  private final List<Block> blocks = new ArrayList<>();

  Scratch(DeviceMemory memory) {
    this.memory = memory;
  }

  /** The address of at least so many bytes, whose content is undefined. */
  long bytes(long count) {
    if (blocks.isEmpty() || blocks.getLast().bytes < count) {
      long bytes = Math.max(LEAST, Long.highestOneBit(Math.max(1, count - 1)) * 2);
      blocks.add(new Block(memory.take(bytes, "scratch space", Purpose.BATCH), bytes));
    }
    return blocks.getLast().address;
  }

  @Override
  public void close() {
    blocks.forEach(block -> memory.giveBack(block.address, block.bytes));
    blocks.clear();
  }
}
