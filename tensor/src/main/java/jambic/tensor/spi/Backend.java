package jambic.tensor.spi;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Program;
import jambic.tensor.text.Text;
import java.util.OptionalDouble;

/**
 * A machine that runs kernels: memory, and one family of kernels an idea. Every launch happens in
 * order. The same inputs give the same bits on every run, whatever the number of threads.
 *
 * <p>Shapes and types are checked before a launch, by {@link jambic.tensor.Ops}, and kernels do not
 * check them again. Integers that lead into a tensor (token ids, targets, starts) are known only
 * when a kernel runs, and change from run to run of a program: a backend that sees them then
 * refuses those out of range with a {@link JambicException} that names the operation, the value,
 * its index and the range, before it writes anything. One that computes later refuses them at the
 * latest when it is {@linkplain #synchronize synchronized} or read from, or, where it cannot even
 * do that, stays inside the tensor.
 *
 * <p>Any number of threads may use a backend, each with regions of its own; tensors that nobody
 * writes, such as the weights of a finished model, may be shared. {@link #launch} and the programs
 * of {@link #capture} let one thread in at a time. Whoever calls a kernel otherwise sees to it that
 * no other thread computes.
 */
public interface Backend extends AutoCloseable {
  /**
   * The name by which a user picks it.
   *
   * @return {@code cpu}, {@code reference}, {@code cuda}
   */
  String name();

  /**
   * What it runs on, for people.
   *
   * @return device, lane width, threads
   */
  String description();

  /**
   * What decides the bits of results besides the inputs: two backends that say the same compute the
   * same.
   *
   * @return the backend's name, and what else matters, such as the width of vectors
   */
  default String arithmetic() {
    return name();
  }

  /**
   * Opens an empty region.
   *
   * @return the region, which takes memory as it is asked for
   */
  Region region();

  /**
   * Launches kernels while no other thread does.
   *
   * @param kernels launches them, and returns soon; on this thread, at once
   * @throws JambicException if the backend is closed
   */
  default void launch(Runnable kernels) {
    synchronized (this) {
      kernels.run();
    }
  }

  /**
   * Makes launches repeatable. Nothing is computed before the program runs; the Java code of the
   * body runs once now or again with every run, as the backend likes.
   *
   * @param body launches kernels, and only that; every tensor it names stays allocated
   * @return a program that launches the same again, as {@link #launch} does
   */
  Program capture(Runnable body);

  /**
   * The element type of activations and of their gradients. Parameters, their gradients, statistics
   * and losses are F32 on every backend.
   *
   * @return F32 unless the backend says otherwise
   */
  default DType activationType() {
    return DType.F32;
  }

  /**
   * Whether tensors live in Java's heap, which bounds them then.
   *
   * @return false where they have memory of their own
   */
  default boolean usesHeap() {
    return true;
  }

  /** Waits until all launched work has finished. */
  void synchronize();

  /**
   * What the machine could compute at best, measured now, which may take some tenths of a second.
   *
   * @return floating-point operations a second, of all threads together; empty if nobody knows or
   *     there is no memory to measure it
   */
  default OptionalDouble peakFlops() {
    return OptionalDouble.empty();
  }

  /**
   * What it computes with.
   *
   * @return the kernels, the same ones every time
   */
  KernelFamilies kernels();

  /**
   * Linear layers.
   *
   * @return the kernels
   */
  default LinearKernels linear() {
    return kernels().linear();
  }

  /**
   * Rows by their index.
   *
   * @return the kernels
   */
  default EmbeddingKernels embedding() {
    return kernels().embedding();
  }

  /**
   * Normalization.
   *
   * @return the kernels
   */
  default NormKernels norm() {
    return kernels().norm();
  }

  /**
   * Nonlinearities.
   *
   * @return the kernels
   */
  default ActivationKernels activation() {
    return kernels().activation();
  }

  /**
   * Attention.
   *
   * @return the kernels
   */
  default AttentionKernels attention() {
    return kernels().attention();
  }

  /**
   * Sums, products and dropout.
   *
   * @return the kernels
   */
  default ElementwiseKernels elementwise() {
    return kernels().elementwise();
  }

  /**
   * Losses.
   *
   * @return the kernels
   */
  default LossKernels loss() {
    return kernels().loss();
  }

  /**
   * The update.
   *
   * @return the kernels
   */
  default OptimizerKernels optimizer() {
    return kernels().optimizer();
  }

  /**
   * Products with int8 weights.
   *
   * @return the kernels
   * @throws JambicException if the backend has none
   */
  default QuantizedKernels quantized() {
    throw new JambicException(
        Text.format(
            "the backend %s does not compute with int8 weights; use the whole ones, or the backend"
                + " cpu",
            name()));
  }

  /** Frees what the backend holds. Regions are closed before. */
  @Override
  void close();
}
