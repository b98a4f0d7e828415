package jambic.train.parallel;

import jambic.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/**
 * Some tensors seen as one row of numbers, of which each rank has a shard: it adds up one shard of
 * all ranks, in a binary tree over them, and gives it to the others where they need it. Both ways
 * together move as many bytes as a ring would.
 *
 * <p>Shards begin at multiples of {@value #PIECE} elements, at which the norm of gradients is cut
 * too. They go through two buffers of the host, whose size does not depend on the row.
 */
public final class Shards {
  /** Shards begin at multiples of so many elements. */
  public static final int PIECE = 8192;

  private static final long BUFFER_BYTES = 32L << 20; // smaller ones are slower

  private final DataParallel ranks;
  private final JoinedFloats like; // tensors of the row's sizes
  private final long shard;
  private final long chunk; // elements of a shard that are on their way at once
  private final MemorySegment one;
  private final MemorySegment other;

  /**
   * Cuts tensors into shards.
   *
   * @param ranks that have a shard each
   * @param like tensors of the sizes that all rows have
   */
  public Shards(DataParallel ranks, List<Tensor> like) {
    this.ranks = ranks;
    this.like = new JoinedFloats(like);
    int count = ranks.size();
    shard = shard(this.like.size(), count);
    long most = Math.max(PIECE, BUFFER_BYTES / Float.BYTES / count / PIECE * PIECE);
    chunk = Math.max(1, Math.min(shard, most));
    Arena arena = Arena.ofAuto(); // for the thread that owns the network, too
    one = arena.allocate(count * chunk * Float.BYTES, 64);
    other = arena.allocate(count * chunk * Float.BYTES, 64);
  }

  /**
   * The elements of a shard; the last ones may have fewer, or none.
   *
   * @param size of the row
   * @param count of shards
   * @return a multiple of {@value #PIECE}
   */
  public static long shard(long size, int count) {
    return Math.ceilDiv(Math.ceilDiv(size, PIECE), count) * PIECE;
  }

  /**
   * The ranks that have a shard each.
   *
   * @return the same as given
   */
  public DataParallel ranks() {
    return ranks;
  }

  /**
   * How many pieces a shard has at most, so that every rank can tell of as many.
   *
   * @return shard divided by piece
   */
  public int pieces() {
    return Math.toIntExact(shard / PIECE);
  }

  /**
   * A neighbouring part of a tensor.
   *
   * @param tensor its place in the row
   * @param from the part's first element
   * @param count how many
   */
  public record Part(int tensor, int from, int count) {
    /**
     * Looks at this part of a tensor.
     *
     * @param whole the tensor, or one of its size
     * @return a view, of one row
     */
    public Tensor of(Tensor whole) {
      return JoinedFloats.row(whole).columns(from, count);
    }
  }

  /**
   * What this rank has.
   *
   * @return parts of tensors, in the order of the row
   */
  public List<Part> mine() {
    return of(ranks.rank());
  }

  private List<Part> of(int rank) {
    return like.parts(rank * shard, shard).stream()
        .map(part -> new Part(part.tensor(), part.from(), part.count()))
        .toList();
  }

  /**
   * Collects a tensor of which each rank has the part in its shard.
   *
   * @param tensor its place in the row
   * @param mine this rank's part, if it has one
   * @return the whole, on every rank
   */
  public float[] collect(int tensor, Optional<Tensor> mine) {
    float[] whole = new float[like.size(tensor)];
    MemorySegment all = MemorySegment.ofArray(whole);
    for (int rank = 0; rank < ranks.size(); rank++) {
      for (Part part : of(rank)) {
        if (part.tensor == tensor) {
          MemorySegment theirs = floats(all, part.from, part.count);
          if (rank == ranks.rank()) {
            mine.orElseThrow().read(theirs);
          }
          ranks.communicator().broadcast(theirs, rank);
        }
      }
    }
    return whole;
  }

  /**
   * Makes this rank's shard of a row the sum of all ranks'.
   *
   * @param tensors of the row
   */
  public void sum(List<Tensor> tensors) {
    JoinedFloats row = new JoinedFloats(tensors);
    for (long at = 0; at < shard; at += chunk) {
      long length = Math.min(chunk, shard - at);
      MemorySegment send = floats(one, 0, ranks.size() * length);
      MemorySegment received = floats(other, 0, ranks.size() * length);
      for (int rank = 0; rank < ranks.size(); rank++) {
        row.read(rank * shard + at, floats(send, rank * length, length));
      }
      ranks.communicator().exchange(send, received);
      for (int width = 1; width < ranks.size(); width *= 2) {
        for (int rank = 0; rank < ranks.size(); rank += 2 * width) {
          add(received, rank * length, (rank + width) * length, length);
        }
      }
      row.write(ranks.rank() * shard + at, floats(received, 0, length));
    }
  }

  /**
   * Gives every rank the shards of all others.
   *
   * @param tensors of the row
   */
  public void gather(List<Tensor> tensors) {
    JoinedFloats row = new JoinedFloats(tensors);
    for (long at = 0; at < shard; at += chunk) {
      long length = Math.min(chunk, shard - at);
      MemorySegment mine = floats(one, 0, length);
      MemorySegment all = floats(other, 0, ranks.size() * length);
      row.read(ranks.rank() * shard + at, mine);
      ranks.communicator().gatherAll(mine, all);
      for (int rank = 0; rank < ranks.size(); rank++) {
        if (rank != ranks.rank()) {
          row.write(rank * shard + at, floats(all, rank * length, length));
        }
      }
    }
  }

  private static MemorySegment floats(MemorySegment buffer, long from, long count) {
    return buffer.asSlice(from * Float.BYTES, count * Float.BYTES);
  }

  private static void add(MemorySegment sums, long to, long from, long count) {
    for (long i = 0; i < count; i++) {
      float sum =
          sums.getAtIndex(ValueLayout.JAVA_FLOAT, to + i)
              + sums.getAtIndex(ValueLayout.JAVA_FLOAT, from + i);
      sums.setAtIndex(ValueLayout.JAVA_FLOAT, to + i, sum);
    }
  }
}
