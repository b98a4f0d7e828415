package jambic.tensor.spi;

import jambic.tensor.DType;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;

/**
 * Memory that lives and dies together: the parameters of a model, or everything inside one training
 * step.
 *
 * <p>The same sequence of allocations and releases after a {@link #rewind} yields the same
 * addresses, so a recorded step can be replayed, and a steady state takes no memory from the
 * system.
 */
public interface Region extends AutoCloseable {
  /**
   * Takes memory for a tensor; its content is undefined.
   *
   * @param dtype the element type
   * @param shape the extents
   * @return the tensor
   * @throws jambic.tensor.JambicException when memory runs out: what was asked, what is there, what
   *     lowers it; or when the region is closed
   */
  Tensor allocate(DType dtype, Shape shape);

  /**
   * The same for logits, which only a product and a loss read and write: their rows may lie apart
   * ({@link Tensor#rowStride}), if this backend is faster so. What is between belongs to them.
   *
   * @param dtype the element type
   * @param shape the extents
   * @return the tensor
   * @throws jambic.tensor.JambicException as {@link #allocate}
   */
  default Tensor allocatePadded(DType dtype, Shape shape) {
    return allocate(dtype, shape);
  }

  /**
   * Gives a tensor's memory to later allocations of this region.
   *
   * @param tensor one that this region allocated and nobody reads or writes any more
   * @throws jambic.tensor.JambicException if it is not of this region, or released already
   */
  void release(Tensor tensor);

  /** Forgets every allocation and keeps the memory. */
  void rewind();

  /**
   * The memory taken from the system.
   *
   * @return bytes
   */
  long bytes();

  /** Returns the memory to the system; its tensors must not be used any more. */
  @Override
  void close();
}
