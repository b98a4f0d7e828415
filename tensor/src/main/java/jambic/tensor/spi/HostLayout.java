package jambic.tensor.spi;

import jambic.tensor.DType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Where a region of Java arrays puts its tensors, without the arrays: bump allocation in chunks,
 * and released places reused by exact size, which in a Transformer, where every layer repeats the
 * same sizes, is nearly every time. On paper it tells how much memory a run will take.
 */
public final class HostLayout {
  private static final int CHUNK = 1 << 24; // bytes: large enough that a collector lets it lie
  private static final int FIRST_CHUNK = 1 << 16; // bytes; the next ones are as large as all before
  private static final int LINE = 64; // bytes of a cache line

  // An array's elements start 16 bytes behind its (line-aligned, when large) header: 48 more
  // complete the line.
  private static final int FIRST = 48;

  /**
   * Where a tensor lies.
   *
   * @param chunk which array, from 0
   * @param offset the index of its first element in the array
   */
  public record Place(int chunk, long offset) {}

  private static final class Chunk {
    private final long capacity;
    private long next;

    Chunk(long capacity, long first) {
      this.capacity = capacity;
      this.next = first;
    }

    long room() {
      return capacity - next;
    }
  }

  private final int line; // elements
  private final int first; // elements
  private final long least; // elements of a chunk
  private final long most; // elements of a chunk
  private final LongConsumer grow;
  private final List<Chunk> chunks = new ArrayList<>();
  private final List<Integer> open = new ArrayList<>(); // those with room, in order
  private final Map<Long, Deque<Place>> released = new HashMap<>(); // by size
  private long elements;

  private HostLayout(int bytes, int leastBytes, int mostBytes, LongConsumer grow) {
    this.line = LINE / bytes;
    this.first = FIRST / bytes;
    this.least = leastBytes / bytes;
    this.most = mostBytes / bytes;
    this.grow = grow;
  }

  /**
   * The layout of the tensors of a type.
   *
   * @param dtype the type
   * @param grow makes an array of so many elements before the first tensor is placed in it; what it
   *     throws, {@link #place} throws, and nothing has changed
   * @return an empty layout
   */
  public static HostLayout of(DType dtype, LongConsumer grow) {
    return dtype == DType.I32
        ? new HostLayout(dtype.bytes(), LINE, LINE, grow)
        : new HostLayout(dtype.bytes(), FIRST_CHUNK, CHUNK, grow);
  }

  /**
   * Finds a place.
   *
   * @param size elements
   * @return the place, aligned to a cache line
   * @throws ArithmeticException if the elements cannot be counted in 63 bits
   */
  public Place place(long size) {
    long rounded = lines(size);
    Deque<Place> free = released.get(rounded);
    return free == null || free.isEmpty() ? bump(rounded) : free.pop();
  }

  /** In the first chunk with room, so that small tensors fill what large ones left of theirs. */
  private Place bump(long size) {
    for (int index : open) {
      if (chunks.get(index).room() >= size) {
        return take(index, size);
      }
    }
    // A large tensor gets an array of its own length: most of them would leave half of a chunk.
    long chunk = Math.clamp(elements, least, most);
    long capacity = size > chunk / 4 ? Math.addExact(size, line) : chunk;
    long sum = Math.addExact(elements, capacity);
    grow.accept(capacity);
    elements = sum;
    chunks.add(new Chunk(capacity, first));
    open.add(chunks.size() - 1);
    return take(chunks.size() - 1, size);
  }

  private Place take(int index, long size) {
    Chunk chunk = chunks.get(index);
    Place place = new Place(index, chunk.next);
    chunk.next += size;
    if (chunk.room() < line) {
      open.remove(Integer.valueOf(index));
    }
    return place;
  }

  /**
   * Gives a place to later tensors.
   *
   * @param place one that {@link #place} found
   * @param size elements, as asked for
   */
  public void release(Place place, long size) {
    released.computeIfAbsent(lines(size), n -> new ArrayDeque<>()).push(place);
  }

  /** Forgets every tensor and keeps the arrays. */
  public void rewind() {
    released.clear();
    open.clear();
    for (int index = 0; index < chunks.size(); index++) {
      chunks.get(index).next = first;
      open.add(index);
    }
  }

  /**
   * The length of all arrays together.
   *
   * @return elements
   */
  public long elements() {
    return elements;
  }

  private long lines(long size) {
    return Math.max(line, Math.addExact(size, line - 1) / line * line);
  }
}
