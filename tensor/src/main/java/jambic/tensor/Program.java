package jambic.tensor;

/** A recorded sequence of launches that runs again on the same memory, allocating nothing. */
@FunctionalInterface
public interface Program {
  /** Launches the whole sequence once more; inputs are whatever its tensors hold now. */
  void run();
}
