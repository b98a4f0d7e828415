package jambic.train.parallel;

import jambic.tensor.DType;
import jambic.tensor.Launch;
import jambic.tensor.Program;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sums the gradients of a rank's lanes in a binary tree, lane by lane as they are computed: after
 * each, the subtrees that it completes are added up. That takes one buffer of gradients a level.
 */
public final class LaneTree {
  private final int lanes;
  private final List<Program> folds = new ArrayList<>(); // by the number of subtrees it completes

  /**
   * Makes room for the subtrees.
   *
   * @param backend where gradients are
   * @param region where subtrees live
   * @param gradients which the lanes are computed into, one after the other
   * @param lanes how many, a power of two
   */
  public LaneTree(Backend backend, Region region, List<Tensor> gradients, int lanes) {
    this.lanes = lanes;
    int levels = Integer.numberOfTrailingZeros(lanes);
    List<List<Tensor>> sums = new ArrayList<>();
    for (int level = 0; level < levels; level++) {
      sums.add(gradients.stream().map(g -> region.allocate(DType.F32, g.shape())).toList());
    }
    sums.add(gradients); // the whole tree
    for (int completed = 0; completed <= levels; completed++) {
      List<Launch> launches = fold(backend, gradients, sums, completed);
      folds.add(backend.capture(() -> launches.forEach(Launch::run)));
    }
  }

  /** Adds completed subtrees to the lane, the last of them into the place of their sum. */
  private static List<Launch> fold(
      Backend backend, List<Tensor> lane, List<List<Tensor>> sums, int completed) {
    List<Launch> launches = new ArrayList<>();
    for (int level = 0; level < completed; level++) {
      List<Tensor> left = sums.get(level);
      List<Tensor> out = level == completed - 1 ? sums.get(completed) : lane;
      IntStream.range(0, lane.size())
          .forEach(i ->
              launches.add(
                  new Launch(
                      "elementwise.add",
                      () -> backend.elementwise().add(out.get(i), left.get(i), lane.get(i)))));
    }
    if (completed == 0 && sums.size() > 1) {
      List<Tensor> kept = sums.getFirst();
      IntStream.range(0, lane.size())
          .forEach(i ->
              launches.add(
                  new Launch(
                      "elementwise.dropout",
                      () ->
                          backend
                              .elementwise()
                              .dropout(kept.get(i), lane.get(i), Dropout.NONE)))); // a copy
    }
    return launches;
  }

  /**
   * Takes a lane that was computed into the gradients, which hold the whole sum after the last.
   *
   * @param lane which one of this rank's, from 0, in order
   */
  public void add(int lane) {
    if (lanes > 1) {
      folds.get(Integer.numberOfTrailingZeros(lane + 1)).run();
    }
  }
}
