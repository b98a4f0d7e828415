package jambic.tensor;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;

/**
 * Operations on tokens that are read one or a few at a time: what becomes of a row depends on that
 * row alone, to the bit on the CPU, however many others are computed with it.
 */
public final class DecodeOps extends InferenceOps {
  /**
   * Operations on a backend.
   *
   * @param backend where kernels run
   * @param region where outputs live
   */
  public DecodeOps(Backend backend, Region region) {
    super(backend, region);
  }

  @Override
  void computeLinear(Tensor out, Tensor x, Tensor w, Tensor b) {
    backend().linear().decode(out, x, w, b);
  }

  @Override
  void computeLinear(Tensor out, Tensor pre, Tensor x, Tensor w, Tensor b, Activation activation) {
    backend().linear().decode(pre, x, w, b);
    backend().activation().forward(out, pre, activation);
  }
}
