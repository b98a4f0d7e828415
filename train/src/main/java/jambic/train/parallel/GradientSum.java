package jambic.train.parallel;

import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.List;
import java.util.Optional;

/**
 * The sum of the gradients of an iteration's micro batches: of this rank's lanes in a {@link
 * LaneTree}, then over ranks, which are the upper levels of the same tree.
 */
public final class GradientSum {
  private final DataParallel ranks;
  private final int microBatches;
  private final int share;
  private final int laneLength;
  private final LaneTree tree;
  private final List<Tensor> gradients;
  private final Optional<Shards> shards;

  /**
   * Prepares sums of gradients.
   *
   * @param ranks that share the micro batches
   * @param backend where gradients are
   * @param region where partial sums live
   * @param gradients which micro batches are computed into, and which hold the sum in the end
   * @param microBatches of an iteration, of all ranks
   * @throws jambic.tensor.JambicException if ranks cannot share them
   */
  public GradientSum(
      DataParallel ranks,
      Backend backend,
      Region region,
      List<Tensor> gradients,
      int microBatches) {
    this.ranks = ranks;
    this.microBatches = microBatches;
    share = ranks.share(microBatches);
    int lanes = DataParallel.lanes(microBatches);
    laneLength = microBatches / lanes;
    tree = new LaneTree(backend, region, gradients, lanes / ranks.size());
    this.gradients = gradients;
    shards = ranks.isShared() ? Optional.of(new Shards(ranks, gradients)) : Optional.empty();
  }

  /**
   * The ranks that share the micro batches.
   *
   * @return the same as given
   */
  public DataParallel ranks() {
    return ranks;
  }

  /**
   * The micro batches of an iteration, of all ranks.
   *
   * @return at least 1
   */
  public int microBatches() {
    return microBatches;
  }

  /**
   * This rank's micro batches of an iteration.
   *
   * @return how many
   */
  public int share() {
    return share;
  }

  /**
   * The number of this rank's first micro batch among all.
   *
   * @return from 0
   */
  public int first() {
    return ranks.rank() * share;
  }

  /**
   * Whether a micro batch overwrites the gradients; otherwise it adds to them.
   *
   * @param micro which of this rank's, from 0
   * @return true for the first of a lane
   */
  public boolean beginsLane(int micro) {
    return micro % laneLength == 0;
  }

  /**
   * Whether the gradients hold a whole lane after a micro batch, to be {@linkplain #addLane added}.
   *
   * @param micro which of this rank's, from 0
   * @return true for the last of a lane
   */
  public boolean endsLane(int micro) {
    return (micro + 1) % laneLength == 0;
  }

  /**
   * Takes the lane that the gradients hold; they may be overwritten afterwards.
   *
   * @param micro its last micro batch of this rank's
   */
  public void addLane(int micro) {
    tree.add(micro / laneLength);
  }

  /** Makes the gradients of every rank the sum of all ranks', once all its lanes are added. */
  public void overRanks() {
    shards.ifPresent(each -> {
      each.sum(gradients);
      each.gather(gradients);
    });
  }

  /**
   * The shards through which ranks add up gradients.
   *
   * @return the shards; empty on a process alone
   */
  public Optional<Shards> shards() {
    return shards;
  }
}
