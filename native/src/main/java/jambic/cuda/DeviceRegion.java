package jambic.cuda;

import jambic.cuda.DeviceMemory.Purpose;
import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.tensor.spi.Storage;
import jambic.tensor.text.Text;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A region of device memory: bump allocation in chunks, and released blocks reused by exact size.
 */
final class DeviceRegion implements Region {
  private static final long CHUNK = 32 << 20;
  private static final long FIRST_CHUNK = 2 << 20; // the driver takes no less from the device
  private static final long LINE = 256; // what cuBLASLt's fastest kernels want a matrix to start at

  /** Products are fastest where matrices have a multiple of so many rows and columns. */
  private static final int MULTIPLE = 64;

  /** What has fewer costs more if it is padded than it saves. */
  private static final int MANY = 1024;

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
  private final Set<Storage> taken = new HashSet<>();
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
          Text.format(
              "the region is closed, and with it what it belongs to; a tensor %s%s needs an open one",
              dtype, shape));
    }
    long lines = lines(dtype, shape);
    Deque<Long> free = released.get(lines);
    long address = free == null || free.isEmpty() ? bump(dtype, shape, lines) : free.pop();
    long bytes = shape.size() * dtype.bytes();
    Storage storage = new DeviceStorage(address, bytes, lines, dtype.bytes(), this);
    taken.add(storage);
    return Tensor.over(shape, dtype, storage, 0);
  }

  /**
   * Tensor cores are fed 16 bytes at a time: with rows that start elsewhere, as those of GPT-2's
   * 50,257 logits in bfloat16, cuBLASLt's products have a sixth of their rate.
   */
  @Override
  public Tensor allocatePadded(DType dtype, Shape shape) {
    int columns = shape.dim(-1);
    int padded = Math.toIntExact(padded(columns));
    return dtype == DType.BF16
        ? allocate(dtype, shape.withLast(padded)).columns(0, columns)
        : allocate(dtype, shape);
  }

  /** So many rows or columns of a matrix, and those that it may be padded with. */
  static long padded(int extent) {
    return extent < MANY ? extent : Math.ceilDiv((long) extent, MULTIPLE) * MULTIPLE;
  }

  /** The first chunk with room, so that small tensors fill what large ones left of theirs. */
  private long bump(DType dtype, Shape shape, long bytes) {
    for (Chunk chunk : chunks) {
      if (chunk.bytes - chunk.used >= bytes) {
        return take(chunk, bytes);
      }
    }
    Chunk chunk = chunk("a tensor " + dtype + shape, bytes);
    chunks.add(chunk);
    return take(chunk, bytes);
  }

  /**
   * A large tensor gets a chunk of its own length: most of them would leave half of one. So does
   * any where memory is scarce. What is computed from a batch lies in a region that is rewound.
   */
  private Chunk chunk(String what, long bytes) {
    long shared = Math.clamp(bytes(), FIRST_CHUNK, CHUNK); // as large as all before together
    long address = bytes > shared / 4 ? 0 : gpu.memory().takeIfFree(shared);
    return address == 0
        ? new Chunk(gpu.memory().take(bytes, what, rewound ? Purpose.BATCH : Purpose.MODEL), bytes)
        : new Chunk(address, shared);
  }

  private static long take(Chunk chunk, long bytes) {
    long address = chunk.address + chunk.used;
    chunk.used += bytes;
    return address;
  }

  @Override
  public void release(Tensor tensor) {
    if (!taken.remove(tensor.storage())) {
      throw new JambicException(
          Text.format("release: the tensor %s is not of this region, or released already", tensor));
    }
    Shape padded = tensor.shape().withLast(tensor.rowStride());
    released
        .computeIfAbsent(lines(tensor.dtype(), padded), bytes -> new ArrayDeque<>())
        .push(DeviceStorage.address(tensor));
  }

  @Override
  public void rewind() {
    rewound = true;
    taken.clear();
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

  /** What a tensor takes; weights and their gradients have room for the rows of a padded head. */
  private static long lines(DType dtype, Shape shape) {
    boolean isMatrix = dtype == DType.F32 && shape.rank() == 2;
    long elements = isMatrix ? padded(shape.dim(0)) * shape.dim(1) : shape.size();
    return Math.max(LINE, Math.ceilDiv(elements * dtype.bytes(), LINE) * LINE);
  }
}
