package jambic.tensor.spi;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Program;
import java.util.OptionalDouble;

/**
 * A machine that runs kernels: memory, and one family of kernels an idea. Every launch happens in
 * order; kernels check nothing ({@link jambic.tensor.Ops} has checked). The same inputs give the
 * same bits on every run, whatever the number of threads. One thread at a time uses a backend.
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
   * Opens an empty region.
   *
   * @return the region, which takes memory as it is asked for
   */
  Region region();

  /**
   * Makes launches repeatable. Nothing is computed before the program runs; the Java code of the
   * body runs once now or again with every run, as the backend likes.
   *
   * @param body launches kernels, and only that; every tensor it names stays allocated
   * @return a program that launches the same again
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

  /** Waits until all launched work has finished. */
  void synchronize();

  /**
   * What the machine could compute at best, measured now, which may take some tenths of a second.
   *
   * @return floating-point operations a second, of all threads together; empty if nobody knows
   */
  default OptionalDouble peakFlops() {
    return OptionalDouble.empty();
  }

  /**
   * Linear layers.
   *
   * @return the kernels
   */
  LinearKernels linear();

  /**
   * Embeddings.
   *
   * @return the kernels
   */
  EmbeddingKernels embedding();

  /**
   * Normalization.
   *
   * @return the kernels
   */
  NormKernels norm();

  /**
   * Nonlinearities.
   *
   * @return the kernels
   */
  ActivationKernels activation();

  /**
   * Attention.
   *
   * @return the kernels
   */
  AttentionKernels attention();

  /**
   * Sums and dropout.
   *
   * @return the kernels
   */
  ElementwiseKernels elementwise();

  /**
   * Losses.
   *
   * @return the kernels
   */
  LossKernels loss();

  /**
   * The update.
   *
   * @return the kernels
   */
  OptimizerKernels optimizer();

  /**
   * Products with int8 weights.
   *
   * @return the kernels
   * @throws JambicException if the backend has none
   */
  default QuantizedKernels quantized() {
    throw new JambicException(
        "the backend %s does not compute with int8 weights; use the whole ones, or the backend cpu"
            .formatted(name()));
  }

  /** Frees what the backend holds. Regions are closed before. */
  @Override
  void close();
}
