package jambic.train.optim;

import jambic.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;

/**
 * Updates parameters from their gradients. What changes from step to step lies in tensors, so that
 * an update can be captured once and replayed.
 */
public interface Optimizer {
  /**
   * Lists the parameters that it updates: those that have gradients.
   *
   * @return the tensors, in the order of the model
   */
  List<Tensor> trained();

  /**
   * Returns what it keeps from one update to the next, such as moments: what a checkpoint holds and
   * a resumed run restores.
   *
   * @return the tensors by name, all F32
   */
  SequencedMap<String, Tensor> state();

  /**
   * The same as a checkpoint holds it: whole, where ranks have parts of it.
   *
   * @return moments by name, in the order of the state
   */
  default SequencedMap<String, Moment> moments() {
    return Moment.of(state());
  }

  /**
   * Whether {@link #update} is done by all ranks together: each has the sum of its shard of the
   * gradients, and it measures their norm.
   *
   * @return false where gradients are the whole sum before, and their norm is known
   */
  default boolean isSharded() {
    return false;
  }

  /**
   * Sets what the next {@link #update} reads.
   *
   * @param t which update it is, from 1
   * @param lr the learning rate
   */
  void prepare(int t, double lr);

  /** Launches the update of every parameter. */
  void update();
}
