package jambic.tensor.spi;

import jambic.tensor.Tensor;
import java.util.List;

/** The update of parameters, over lists of tensors in one launch. */
public interface OptimizerKernels {
  /**
   * The Euclidean norm of all gradients together, and the factor that clips it: {@code min(1,
   * maxNorm / (norm + 1e-6))}, as PyTorch's {@code clip_grad_norm_}; 1 when {@code maxNorm} is 0.
   *
   * @param norm (1), overwritten
   * @param scale (1), overwritten
   * @param grads the gradients
   * @param maxNorm the limit, or 0 for none
   */
  void clipNorm(Tensor norm, Tensor scale, List<Tensor> grads, float maxNorm);

  /**
   * One step of AdamW (Loshchilov and Hutter, 2019): with {@code g = grad * scale}, {@code p -= lr
   * * decay * p}, {@code m = b1 m + (1 - b1) g}, {@code v = b2 v + (1 - b2) g²}, {@code p -= lr *
   * (m / c1) / (sqrt(v / c2) + eps)}. {@code 1 - b1} and {@code 1 - b2} are taken in double and
   * then rounded, as PyTorch does: in float {@code 1 - 0.9999} is wrong from its fourth digit on.
   *
   * @param params updated
   * @param m first moments, updated
   * @param v second moments, updated
   * @param grads the gradients
   * @param hyper (3): lr, {@code c1 = 1 - b1^t}, {@code c2 = 1 - b2^t}
   * @param scale (1): the clip factor
   * @param beta1 b1
   * @param beta2 b2
   * @param eps added to the root
   * @param weightDecay decay
   */
  void adamW(
      List<Tensor> params,
      List<Tensor> m,
      List<Tensor> v,
      List<Tensor> grads,
      Tensor hyper,
      Tensor scale,
      double beta1,
      double beta2,
      float eps,
      float weightDecay);
}
