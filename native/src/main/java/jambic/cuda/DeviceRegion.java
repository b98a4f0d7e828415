package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.tensor.spi.Storage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A region of device memory: bump allocation in chunks, and released blocks reused by exact size.
 */
final class DeviceRegion implements Region {
  private static final long CHUNK = 32 << 20;
  private static final long LINE = 256; // what cuBLASLt's fastest kernels want a matrix to start at
  private static final int ROW_LINE = 128; // bytes of a line of the cache

  /** How many columns a matrix has at least whose rows may lie apart. */
  private static final int MANY_COLUMNS = 1024;

  private static final class Chunk {
    private final long address;
    private final long bytes;
    private long used;

    Chunk(long address, long bytes) {
      this.address = address;
      this.bytes = bytes;
    }
  }

  private final Gpu gpu;
  private final Runnable finish;
  private final List<Chunk> chunks = new ArrayList<>();
  private final Map<Long, Deque<Long>> released = new HashMap<>();
  private boolean rewound;
  private boolean closed;

  /**
   * An empty region.
   *
   * @param gpu where it takes chunks
   * @param finish waits until nobody uses its memory any more
   */
  DeviceRegion(Gpu gpu, Runnable finish) {
    this.gpu = gpu;
    this.finish = finish;
  }

  Gpu gpu() {
    return gpu;
  }

  boolean isOpen() {
    return !closed;
  }

  /** Whether other tensors may come to lie, or to have lain, where its tensors are. */
  boolean wasRewound() {
    return rewound;
  }

  @Override
  public Tensor allocate(DType dtype, Shape shape) {
    if (closed) {
      throw new JambicException(
          "the region is closed, and with it what it belongs to; a tensor %s%s needs an open one"
              .formatted(dtype, shape));
    }
    long bytes = shape.size() * dtype.bytes();
    long lines = lines(bytes);
    Deque<Long> free = released.get(lines);
    long address = free == null || free.isEmpty() ? bump(dtype, shape, lines) : free.pop();
    Storage storage = new DeviceStorage(address, bytes, dtype.bytes(), this);
    return Tensor.over(shape, dtype, storage, 0);
  }

  /**
   * Tensor cores are fed 16 bytes at a time: with rows that start elsewhere, as those of GPT-2's
   * 50,257 logits in bfloat16, cuBLASLt's products have a sixth of their rate. Where few columns
   * are, what lies between the rows would cost more than it saves.
   */
  @Override
  public Tensor allocateRows(DType dtype, Shape shape) {
    int columns = shape.dim(-1);
    if (columns < MANY_COLUMNS || columns * (long) dtype.bytes() % Matmul.PACK_BYTES == 0) {
      return allocate(dtype, shape);
    }
    int line = ROW_LINE / dtype.bytes();
    return allocate(dtype, shape.withLast(Math.ceilDiv(columns, line) * line)).columns(0, columns);
  }

  /** The first chunk with room, so that small tensors fill what large ones left of theirs. */
  private long bump(DType dtype, Shape shape, long bytes) {
    for (Chunk chunk : chunks) {
      if (chunk.bytes - chunk.used >= bytes) {
        return take(chunk, bytes);
      }
    }
    // A large tensor gets a chunk of its own length: most of them would leave half of one.
    long capacity = bytes > CHUNK / 4 ? bytes : CHUNK;
    Chunk chunk = new Chunk(gpu.memory().take(capacity, "a tensor " + dtype + shape), capacity);
    chunks.add(chunk);
    return take(chunk, bytes);
  }

  private static long take(Chunk chunk, long bytes) {
    long address = chunk.address + chunk.used;
    chunk.used += bytes;
    return address;
  }

  @Override
  public void release(Tensor tensor) {
    long bytes = (long) tensor.shape().rows() * tensor.rowStride() * tensor.dtype().bytes();
    released
        .computeIfAbsent(lines(bytes), size -> new ArrayDeque<>())
        .push(DeviceStorage.address(tensor));
  }

  @Override
  public void rewind() {
    rewound = true;
    released.clear();
    chunks.forEach(chunk -> chunk.used = 0);
  }

  @Override
  public long bytes() {
    return chunks.stream().mapToLong(chunk -> chunk.bytes).sum();
  }

  @Override
  public void close() {
    closed = true;
    if (!chunks.isEmpty()) {
      finish.run();
    }
    rewind();
    for (Chunk chunk : chunks) {
      gpu.copies().forget(chunk.address, chunk.bytes);
      gpu.memory().giveBack(chunk.address, chunk.bytes);
    }
    chunks.clear();
  }

  private static long lines(long bytes) {
    return Math.max(LINE, Math.ceilDiv(bytes, LINE) * LINE);
  }
}
