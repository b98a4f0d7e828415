package jambic.train.parallel;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Communicator;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * How a run is divided among ranks: each holds the whole model and computes its share of an
 * iteration's micro batches. What the ranks computed is gathered and summed in an order that does
 * not depend on how many they are, so that a run has the same bits on 1, 2, 4 or 8 of them.
 *
 * <p>Micro batches are summed in {@linkplain #lanes lanes}: as many as the largest power of two
 * that divides their number. A lane is summed in order, and lanes in a binary tree. A rank has the
 * lanes of a whole subtree, so the number of ranks is a power of two that divides that of lanes.
 *
 * <p>All ranks call the same methods in the same order, as those of a {@link Communicator}.
 */
public final class DataParallel {
  private static final DataParallel ALONE = new DataParallel(new SingleRank(), 0);

  /** As large as gives a network its speed, and small enough that the first is soon complete. */
  private static final int BUCKET_BYTES = 8 << 20;

  private final Communicator communicator;
  private final int bucketBytes;
  private long waited; // nanoseconds

  private DataParallel(Communicator communicator, int bucketBytes) {
    this.communicator = communicator;
    this.bucketBytes = bucketBytes;
  }

  /**
   * A run on this process alone.
   *
   * @return the only rank
   */
  public static DataParallel alone() {
    return ALONE;
  }

  /**
   * A run on all ranks of a job.
   *
   * @param communicator of the job; stays the caller's to close
   * @return this rank's share
   */
  public static DataParallel over(Communicator communicator) {
    return over(communicator, BUCKET_BYTES);
  }

  /**
   * A run on all ranks of a job, with buckets of another size than 8 MiB.
   *
   * @param communicator of the job; stays the caller's to close
   * @param bucketBytes how much of the gradients is sent at once; the same on all ranks, and
   *     without an effect on bits
   * @return this rank's share
   */
  public static DataParallel over(Communicator communicator, int bucketBytes) {
    return new DataParallel(communicator, bucketBytes);
  }

  /**
   * This process's number.
   *
   * @return from 0 to {@link #size} - 1
   */
  public int rank() {
    return communicator.rank();
  }

  /**
   * How many processes share the run.
   *
   * @return 1 for a run on this process alone
   */
  public int size() {
    return communicator.size();
  }

  /**
   * Whether this rank writes the run's folder, and speaks for all.
   *
   * @return true on rank 0, and on a process alone
   */
  public boolean isFirst() {
    return rank() == 0;
  }

  /**
   * Whether there are other ranks.
   *
   * @return false for a run on this process alone
   */
  public boolean isShared() {
    return size() > 1;
  }

  Communicator communicator() {
    return communicator;
  }

  int bucketBytes() {
    return bucketBytes;
  }

  /** Counts the time of something that waits for other ranks or the network. */
  void waiting(Runnable collective) {
    long start = System.nanoTime();
    collective.run();
    if (isShared()) {
      waited += System.nanoTime() - start;
    }
  }

  /**
   * How long this rank has waited so far for others or the network, instead of computing.
   *
   * @return milliseconds; 0 on a process alone
   */
  public double waitedMs() {
    return waited * 1e-6;
  }

  /**
   * The lanes that an iteration's micro batches are summed in.
   *
   * @param microBatches of an iteration, at least 1
   * @return the largest power of two that divides their number
   */
  public static int lanes(int microBatches) {
    return Integer.lowestOneBit(microBatches);
  }

  /**
   * Whether so many ranks divide the lanes of so many micro batches, so that a run can start.
   *
   * @param microBatches of an iteration, at least 1
   * @param ranks that would train together, at least 1
   * @return false where {@link #share} refuses them
   */
  public static boolean divides(int microBatches, int ranks) {
    return lanes(microBatches) % ranks == 0;
  }

  /**
   * The micro batches that each rank computes in an iteration: rank r those from r times this.
   *
   * @param microBatches of an iteration, of all ranks
   * @return their number divided by that of ranks
   * @throws JambicException if ranks do not divide their lanes
   */
  public int share(int microBatches) {
    if (!divides(microBatches, size())) {
      throw new ConfigException(
          "%d micro batches an iteration cannot be shared by %d ranks: the number of ranks must be"
              + " a power of two that divides them, at most %d here; start another number, or change %s",
          microBatches, size(), lanes(microBatches), new Name("gradientAccumulationSteps"));
    }
    return microBatches / size();
  }

  /**
   * Gathers numbers of all ranks.
   *
   * @param mine this rank's, equally many on each
   * @return all, by rank
   */
  public long[] gather(long... mine) {
    long[] all = new long[Math.multiplyExact(mine.length, size())];
    waiting(() -> communicator.gatherAll(MemorySegment.ofArray(mine), MemorySegment.ofArray(all)));
    return all;
  }

  /**
   * Gathers numbers of all ranks.
   *
   * @param mine this rank's, equally many on each
   * @return all, by rank
   */
  public double[] gather(double... mine) {
    double[] all = new double[Math.multiplyExact(mine.length, size())];
    waiting(() -> communicator.gatherAll(MemorySegment.ofArray(mine), MemorySegment.ofArray(all)));
    return all;
  }

  /**
   * Gathers a text of each rank.
   *
   * @param mine this rank's
   * @return all, by rank
   */
  public List<String> gather(String mine) {
    byte[] bytes = mine.getBytes(StandardCharsets.UTF_8);
    long[] lengths = gather((long) bytes.length);
    int longest = 0;
    for (long length : lengths) {
      longest = Math.max(longest, Math.toIntExact(length));
    }
    byte[] padded = Arrays.copyOf(bytes, longest);
    byte[] all = new byte[Math.multiplyExact(longest, size())];
    communicator.gatherAll(MemorySegment.ofArray(padded), MemorySegment.ofArray(all));
    List<String> texts = new ArrayList<>();
    for (int rank = 0; rank < size(); rank++) {
      texts.add(new String(all, rank * longest, (int) lengths[rank], StandardCharsets.UTF_8));
    }
    return texts;
  }

  /**
   * Compares a number of all ranks.
   *
   * @param mine this rank's
   * @return the first rank whose number is not that of rank 0; empty if all have the same
   */
  public OptionalInt differing(long mine) {
    long[] all = gather(mine);
    return IntStream.range(1, all.length).filter(rank -> all[rank] != all[0]).findFirst();
  }

  /**
   * Tells what the first rank says to all.
   *
   * @param mine what this rank would say; of all but the first it does not matter
   * @return what the first rank says
   */
  public String ofFirst(String mine) {
    byte[] bytes = mine.getBytes(StandardCharsets.UTF_8);
    MemorySegment length = MemorySegment.ofArray(new long[] {bytes.length});
    communicator.broadcast(length, 0);
    byte[] said = isFirst() ? bytes : new byte[(int) length.get(ValueLayout.JAVA_LONG, 0)];
    communicator.broadcast(MemorySegment.ofArray(said), 0);
    return new String(said, StandardCharsets.UTF_8);
  }

  /**
   * Tells what the first rank says to all.
   *
   * @param mine what this rank would say; of all but the first it does not matter
   * @return what the first rank says
   */
  public boolean ofFirst(boolean mine) {
    return isShared() ? gather(mine ? 1L : 0L)[0] != 0 : mine;
  }

  /**
   * Makes a wish that any rank may have one of all.
   *
   * @param wish asked on every rank; not asked again once all know
   * @return true on all ranks, from the question on at which the wish of one was true; each
   *     question is a collective
   */
  public BooleanSupplier ofAny(BooleanSupplier wish) {
    if (!isShared()) {
      return wish;
    }
    return () -> {
      for (long one : gather(wish.getAsBoolean() ? 1L : 0L)) {
        if (one != 0) {
          return true;
        }
      }
      return false;
    };
  }
}
