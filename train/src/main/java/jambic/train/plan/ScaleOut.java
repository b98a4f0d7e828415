package jambic.train.plan;

import java.util.OptionalInt;

/**
 * What it takes to train on several devices that each hold the whole model: how long they talk in a
 * step, and the memory of each where they share the optimizer's state.
 *
 * @param network what they talk over
 * @param devices how many
 * @param trained parameters that have gradients
 * @param compute seconds of a step's passes on one device
 * @param memory of a device that keeps all of the optimizer's state
 * @param device what each of them is
 */
public record ScaleOut(
    Network network,
    int devices,
    long trained,
    double compute,
    MemoryEstimate memory,
    DeviceSpec device) {
  /** Gradients travel in 32 bits, and so do updated weights. */
  private static final int BYTES = Float.BYTES;

  /**
   * The bytes that each device sends in a step: its gradients to who sums them, and its shard of
   * the updated weights to all.
   *
   * @return {@code 2 x 4 N (R - 1) / R}
   */
  public double bytes() {
    return 2.0 * BYTES * trained * (devices - 1) / devices;
  }

  /**
   * How long the devices talk in a step.
   *
   * @return seconds, none of them hidden behind the backward pass
   */
  public double communication() {
    return network.allReduce(devices, (double) BYTES * trained);
  }

  /**
   * The share of a step in which devices compute.
   *
   * @return at most 1
   */
  public double efficiency() {
    return compute / (compute + communication());
  }

  /**
   * Whether a device of a run as it is built holds it.
   *
   * @return true if it has the memory for its shard
   */
  public boolean fits() {
    return sharded() <= device.memory();
  }

  /**
   * The least number of devices, a power of two, on which the run fits with the optimizer's state
   * divided among them.
   *
   * @return the number; empty if it does not fit on any
   */
  public OptionalInt leastSharded() {
    for (int count = 1; count <= 1 << 20; count *= 2) {
      if (sharded(count) <= device.memory()) {
        return OptionalInt.of(count);
      }
    }
    return OptionalInt.empty();
  }

  /**
   * The memory of a device where each keeps the whole state of the optimizer.
   *
   * @return bytes
   */
  public long replicated() {
    return memory.total();
  }

  /**
   * The memory of a device where each keeps its shard of the optimizer's state: ZeRO's first stage.
   *
   * @return bytes
   */
  public long sharded() {
    return sharded(devices);
  }

  private long sharded(int count) {
    return memory.total() - memory.moments() + memory.moments() / count;
  }

  /**
   * The same where gradients and weights are divided, too: ZeRO's third stage, which is not built.
   *
   * @return bytes
   */
  public long dividedAll() {
    return memory.activations() + (memory.total() - memory.activations()) / devices;
  }
}
