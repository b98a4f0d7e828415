package jambic.train.parallel;

import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * The sum of the gradients of an iteration's micro batches: of this rank's lanes in a {@link
 * LaneTree}, then over ranks, which are the upper levels of the same tree.
 */
public final class GradientSum {
  private final DataParallel ranks;
  private final int microBatches;
  private final int share;
  private final int laneLength;
  private final int lanes; // of this rank
  private final List<List<Tensor>> groups;
  private final List<LaneTree> trees; // one a group
  private final List<Tensor> gradients;
  private final Optional<Shards> shards;
  private int completed; // groups of the rank's last lane

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
    laneLength = microBatches / DataParallel.lanes(microBatches);
    lanes = share / laneLength;
    this.gradients = gradients;
    shards = ranks.isShared() ? Optional.of(new Shards(ranks, gradients)) : Optional.empty();
    groups = shards.map(Shards::groups).orElseGet(() -> List.of(gradients));
    trees = groups.stream().map(group -> new LaneTree(backend, region, group, lanes)).toList();
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
   * The gradients in groups, each of which is sent to other ranks as soon as it is final.
   *
   * @return groups in the order in which they are {@linkplain #afterPart completed}
   */
  public List<List<Tensor>> groups() {
    return groups;
  }

  private boolean isLast(int micro) {
    return micro == share - 1;
  }

  /**
   * What to do after each part of a micro batch's backward pass: nothing, but for this rank's last
   * one, whose part completes the group of its number, which is summed over ranks while the pass
   * computes the others.
   *
   * @param micro which of this rank's, from 0
   * @return takes numbers of {@link #groups}, in order
   */
  public IntConsumer afterPart(int micro) {
    return isLast(micro) ? this::complete : _ -> {};
  }

  private void complete(int group) {
    trees.get(group).add(lanes - 1);
    shards.ifPresent(each -> each.begin(group));
    completed++;
  }

  /**
   * Takes the lane that the gradients hold; they may be overwritten afterwards. Of the last one,
   * takes the groups that are not completed.
   *
   * @param micro its last micro batch of this rank's
   */
  public void addLane(int micro) {
    if (!isLast(micro)) {
      trees.forEach(tree -> tree.add(micro / laneLength));
      return;
    }
    while (completed < groups.size()) {
      complete(completed);
    }
    completed = 0;
  }

  /** Waits until this rank's shard of the gradients is the sum of all ranks'. */
  public void await() {
    shards.ifPresent(Shards::finish);
  }

  /** Gives every rank the whole sum, once it was waited for. */
  public void gather() {
    shards.ifPresent(each -> each.gather(gradients));
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
