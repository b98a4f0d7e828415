package jambic.tensor.host;

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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * A region of Java arrays: bump allocation in chunks, and released blocks reused by exact size,
 * which in a Transformer, where every layer repeats the same sizes, is nearly every time.
 */
public final class HostRegion implements Region {
  private static final int CHUNK = 1 << 24; // bytes: large enough that a collector lets it lie
  private static final int LINE = 64; // bytes of a cache line

  // An array's elements start 16 bytes behind its (line-aligned, when large) header: 48 more
  // complete the line.
  private static final int FIRST = 48;

  private final Arena floats =
      new Arena(DType.F32, CHUNK, n -> new HostStorage.Floats(new float[n]));
  private final Arena ints = new Arena(DType.I32, LINE, n -> new HostStorage.Ints(new int[n]));
  private final Arena bytes = new Arena(DType.I8, CHUNK, n -> new HostStorage.Bytes(new byte[n]));

  private boolean closed;

  @Override
  public Tensor allocate(DType dtype, Shape shape) {
    if (closed) {
      throw new JambicException(
          "the region is closed, and with it what it belongs to; a tensor %s%s needs an open one"
              .formatted(dtype, shape));
    }
    return arena(dtype).allocate(shape);
  }

  @Override
  public void release(Tensor tensor) {
    arena(tensor.dtype()).release(tensor);
  }

  private Arena arena(DType dtype) {
    return switch (dtype) {
      case F32 -> floats;
      case I32 -> ints;
      case I8 -> bytes;
      case BF16 ->
          throw new JambicException("the CPU computes in F32: there are no BF16 tensors on it");
    };
  }

  @Override
  public void rewind() {
    floats.rewind();
    ints.rewind();
    bytes.rewind();
  }

  @Override
  public long bytes() {
    return floats.bytes() + ints.bytes() + bytes.bytes();
  }

  @Override
  public void close() {
    closed = true;
    floats.close();
    ints.close();
    bytes.close();
  }

  /** One array, taken from its start to its end. */
  private static final class Chunk {
    private final Storage storage;
    private final int capacity;
    private final int first;
    private int next;

    Chunk(Storage storage, int capacity, int first) {
      this.storage = storage;
      this.capacity = capacity;
      this.first = first;
      this.next = first;
    }

    void rewind() {
      next = first;
    }

    boolean hasRoom(int size) {
      return capacity - next >= size;
    }

    Slot take(int size) {
      Slot slot = new Slot(storage, next);
      next += size;
      return slot;
    }
  }

  private record Slot(Storage storage, long offset) {}

  private static final class Arena {
    private final DType dtype;
    private final int line; // elements
    private final int chunkSize; // elements
    private final IntFunction<Storage> allocator;
    private final List<Chunk> chunks = new ArrayList<>();
    private final Map<Integer, Deque<Slot>> released = new HashMap<>();
    private final Set<Slot> taken = new HashSet<>();
    private long elements;

    Arena(DType dtype, int chunkBytes, IntFunction<Storage> allocator) {
      this.dtype = dtype;
      this.line = LINE / dtype.bytes();
      this.chunkSize = chunkBytes / dtype.bytes();
      this.allocator = allocator;
    }

    long bytes() {
      return dtype.bytes() * elements;
    }

    Tensor allocate(Shape shape) {
      if (shape.size() > Integer.MAX_VALUE - 2 * line) {
        throw new JambicException(
            "a tensor on the CPU holds at most 2^31 elements, got "
                + shape
                + "; lower the batch size or the context");
      }
      int size = lines((int) shape.size());
      Deque<Slot> free = released.get(size);
      Slot slot = free == null || free.isEmpty() ? bump(shape, size) : free.pop();
      taken.add(slot);
      return Tensor.over(shape, dtype, slot.storage, slot.offset);
    }

    /** The first chunk with room, so that small tensors fill what large ones left of theirs. */
    private Slot bump(Shape shape, int size) {
      for (Chunk chunk : chunks) {
        if (chunk.hasRoom(size)) {
          return chunk.take(size);
        }
      }
      return grow(shape, size).take(size);
    }

    private Chunk grow(Shape shape, int size) {
      // A large tensor gets an array of its own length: most of them would leave half of a chunk.
      int capacity = size > chunkSize / 4 ? size + line : chunkSize;
      try {
        Chunk chunk = new Chunk(allocator.apply(capacity), capacity, FIRST / dtype.bytes());
        chunks.add(chunk);
        elements += capacity;
        return chunk;
      } catch (OutOfMemoryError e) {
        Runtime runtime = Runtime.getRuntime();
        long used = runtime.totalMemory() - runtime.freeMemory();
        throw new JambicException(
            "out of memory: a tensor "
                + shape
                + " needs "
                + ((long) dtype.bytes() * size >> 20)
                + " MiB, of the heap's "
                + (runtime.maxMemory() >> 20)
                + " MiB "
                + (used >> 20)
                + " are taken; lower the batch size or the context, or give the JVM more with -Xmx",
            e);
      }
    }

    void release(Tensor tensor) {
      Slot slot = new Slot(tensor.storage(), tensor.offset());
      if (!taken.remove(slot)) {
        throw new JambicException(
            "release: the tensor %s is not of this region, or released already".formatted(tensor));
      }
      released.computeIfAbsent(lines((int) tensor.size()), n -> new ArrayDeque<>()).push(slot);
    }

    void rewind() {
      taken.clear();
      released.clear();
      chunks.forEach(Chunk::rewind);
    }

    void close() {
      rewind();
      chunks.clear();
      elements = 0;
    }

    private int lines(int size) {
      return Math.max(line, (size + line - 1) / line * line);
    }
  }
}
