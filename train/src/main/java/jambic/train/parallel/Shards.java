package jambic.train.parallel;

import jambic.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Some tensors seen as one row of numbers, of which each rank has a shard: it adds up one shard of
 * all ranks, in a binary tree over them, and gives it to the others where they need it. Both ways
 * together move as many bytes as a ring would.
 *
 * <p>The row is cut into buckets, and a shard is a part of each, so that a bucket of gradients can
 * be summed while the backward pass computes the others. Buckets are sent from the last to the
 * first, as a backward pass finishes them. What a rank has of a bucket begins at a multiple of
 * {@value #PIECE} elements, at which the norm of gradients is cut too.
 */
public final class Shards {
  /** What a rank has begins at multiples of so many elements. */
  public static final int PIECE = 8192;

  private final DataParallel ranks;
  private final List<Tensor> gradients;
  private final JoinedFloats like; // tensors of the row's sizes
  private final int buckets;
  private final long part; // elements of a bucket that a rank has
  private final BucketSums sums;

  /**
   * Cuts gradients into shards.
   *
   * @param ranks that have a shard each
   * @param gradients the row
   */
  public Shards(DataParallel ranks, List<Tensor> gradients) {
    this.ranks = ranks;
    this.gradients = List.copyOf(gradients);
    like = new JoinedFloats(gradients);
    long pieces = Math.ceilDiv(like.size(), PIECE);
    long most = Math.max(1, ranks.bucketBytes() / Float.BYTES / PIECE / ranks.size());
    buckets = Math.toIntExact(Math.ceilDiv(pieces, most * ranks.size()));
    part = Math.ceilDiv(pieces, (long) buckets * ranks.size()) * PIECE;
    sums = new BucketSums(ranks, part);
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
    return Math.toIntExact(buckets * part / PIECE);
  }

  /** Gradients by the bucket that has to wait for them, in the order in which buckets are sent. */
  List<List<Tensor>> groups() {
    List<List<Tensor>> groups = new ArrayList<>();
    BitSet sent = new BitSet();
    for (int bucket = buckets - 1; bucket >= 0; bucket--) {
      List<Tensor> group = new ArrayList<>();
      for (JoinedFloats.Part part : like.parts(start(bucket, 0), part * ranks.size())) {
        if (!sent.get(part.tensor())) {
          sent.set(part.tensor());
          group.add(gradients.get(part.tensor()));
        }
      }
      groups.add(group);
    }
    return groups;
  }

  private long start(int bucket, int rank) {
    return (bucket * (long) ranks.size() + rank) * part;
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
    return IntStream.range(0, buckets)
        .mapToObj(bucket -> like.parts(start(bucket, rank), part))
        .flatMap(List::stream)
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
          MemorySegment theirs =
              all.asSlice((long) part.from * Float.BYTES, (long) part.count * Float.BYTES);
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
   * Begins to make this rank's part of a group of gradients the sum of all ranks', while others are
   * computed.
   *
   * @param group which one; all are sent once, in order
   */
  void begin(int group) {
    sums.begin(like, start(buckets - 1 - group, 0));
  }

  /** Waits until all that was begun is summed, and this rank's shard of the gradients holds it. */
  void finish() {
    sums.finish();
  }

  /**
   * Adds up numbers of all ranks in the order of the row.
   *
   * @param mine those of this rank's {@link #pieces}, equally many of each
   * @return the sum, the same on all ranks and for any number of them
   */
  public double sumOverRow(double[] mine) {
    double[] all = ranks.gather(mine);
    int perBucket = mine.length / buckets;
    double sum = 0;
    for (int bucket = 0; bucket < buckets; bucket++) {
      for (int rank = 0; rank < ranks.size(); rank++) {
        int from = rank * mine.length + bucket * perBucket;
        for (int i = from; i < from + perBucket; i++) {
          sum += all[i];
        }
      }
    }
    return sum;
  }

  /**
   * Gives every rank the shards of all others.
   *
   * @param tensors of the row
   */
  public void gather(List<Tensor> tensors) {
    JoinedFloats row = new JoinedFloats(tensors);
    for (int bucket = 0; bucket < buckets; bucket++) {
      sums.gather(row, start(bucket, 0));
    }
  }
}
