package jambic.tensor;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;

/**
 * Operations on tokens that are read one or a few at a time: what becomes of a row depends on that
 * row alone, to the bit on the CPU, however many others are computed with it.
 */
public final class DecodeOps extends InferenceOps {
  private final boolean many;

  private DecodeOps(Backend backend, Region region, boolean many) {
    super(backend, region);
    this.many = many;
  }

  /**
   * Operations on a backend, fastest for a few rows at a time.
   *
   * @param backend where kernels run
   * @param region where outputs live
   */
  public DecodeOps(Backend backend, Region region) {
    this(backend, region, false);
  }

  /**
   * Makes operations that are fastest for dozens of rows or more at a time.
   *
   * @param backend where kernels run
   * @param region where outputs live
   * @return the operations; their bits may be others than those for a few rows
   */
  public static DecodeOps ofManyRows(Backend backend, Region region) {
    return new DecodeOps(backend, region, true);
  }

  @Override
  void computeLinear(Tensor out, Tensor x, Tensor w, Tensor b) {
    if (many) {
      backend().linear().decodeMany(out, x, w, b);
    } else {
      backend().linear().decode(out, x, w, b);
    }
  }

  @Override
  void computeLinear(Tensor out, Tensor pre, Tensor x, Tensor w, Tensor b, Activation activation) {
    computeLinear(pre, x, w, b);
    backend().activation().forward(out, pre, activation);
  }
}
