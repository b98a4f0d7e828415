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
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * A region of Java arrays: bump allocation in chunks, and released blocks reused by exact size,
 * which in a Transformer, where every layer repeats the same sizes, is nearly every time.
 */
public final class HostRegion implements Region {
  private static final int CHUNK =
      1 << 22; // 16 MiB: large enough that a collector does not move it
  private static final int LINE = 16; // elements of a 64-byte cache line

  // An array's elements start 16 bytes behind its (line-aligned, when large) header: 12 more
  // complete the line.
  private static final int FIRST = 12;

  private final Arena floats = new Arena(CHUNK, n -> new HostStorage.Floats(new float[n]));
  private final Arena ints = new Arena(LINE, n -> new HostStorage.Ints(new int[n]));

  @Override
  public Tensor allocate(DType dtype, Shape shape) {
    return switch (dtype) {
      case F32 -> floats.allocate(dtype, shape);
      case I32 -> ints.allocate(dtype, shape);
      case BF16 ->
          throw new JambicException("the CPU computes in F32: there are no BF16 tensors on it");
    };
  }

  @Override
  public void release(Tensor tensor) {
    (tensor.dtype() == DType.I32 ? ints : floats).release(tensor);
  }

  @Override
  public void rewind() {
    floats.rewind();
    ints.rewind();
  }

  @Override
  public long bytes() {
    return 4 * (floats.elements + ints.elements);
  }

  @Override
  public void close() {
    floats.close();
    ints.close();
  }

  /** One array, taken from its start to its end. */
  private static final class Chunk {
    private final Storage storage;
    private final int capacity;
    private int next = FIRST;

    Chunk(Storage storage, int capacity) {
      this.storage = storage;
      this.capacity = capacity;
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
    private final int chunkSize;
    private final IntFunction<Storage> allocator;
    private final List<Chunk> chunks = new ArrayList<>();
    private final Map<Integer, Deque<Slot>> released = new HashMap<>();
    private long elements;

    Arena(int chunkSize, IntFunction<Storage> allocator) {
      this.chunkSize = chunkSize;
      this.allocator = allocator;
    }

    Tensor allocate(DType dtype, Shape shape) {
      if (shape.size() > Integer.MAX_VALUE - 2 * LINE) {
        throw new JambicException(
            "a tensor on the CPU holds at most 2^31 elements, got "
                + shape
                + "; lower the batch size or the context");
      }
      int size = lines((int) shape.size());
      Deque<Slot> free = released.get(size);
      Slot slot = free == null || free.isEmpty() ? bump(shape, size) : free.pop();
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
      int capacity = size > chunkSize / 4 ? size + LINE : chunkSize;
      try {
        Chunk chunk = new Chunk(allocator.apply(capacity), capacity);
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
                + (4L * size >> 20)
                + " MiB, of the heap's "
                + (runtime.maxMemory() >> 20)
                + " MiB "
                + (used >> 20)
                + " are taken; lower the batch size or the context, or give the JVM more with -Xmx",
            e);
      }
    }

    void release(Tensor tensor) {
      released
          .computeIfAbsent(lines((int) tensor.size()), n -> new ArrayDeque<>())
          .push(new Slot(tensor.storage(), tensor.offset()));
    }

    void rewind() {
      released.clear();
      chunks.forEach(chunk -> chunk.next = FIRST);
    }

    void close() {
      rewind();
      chunks.clear();
      elements = 0;
    }

    private static int lines(int size) {
      return Math.max(LINE, (size + LINE - 1) / LINE * LINE);
    }
  }
}
