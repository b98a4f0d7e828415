package jambic.tensor.spi;

import jambic.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * The update of parameters: AdamW over lists of tensors in one launch, the parts of Muon (Jordan et
 * al., 2024) matrix by matrix. All tensors are F32 and contiguous.
 */
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
   * The same norm piece by piece, where a backend can compute it so: for gradients of which several
   * processes have a part each.
   *
   * @return the kernel; empty if the backend sums in another order
   */
  default Optional<NormPieces> normPieces() {
    return Optional.empty();
  }

  /** The parts of {@link #clipNorm}, which computes the same bits from all pieces in order. */
  interface NormPieces {
    /**
     * The elements of a piece: the row of all gradients is cut at its multiples.
     *
     * @return how many
     */
    int size();

    /**
     * Sums squares.
     *
     * @param sums by piece; those of the gradients' pieces are overwritten
     * @param grads gradients, or a part of their row that begins at a piece
     */
    void sumSquares(double[] sums, List<Tensor> grads);

    /**
     * The factor that clips gradients.
     *
     * @param norm of all gradients
     * @param maxNorm the limit, or 0 for none
     * @return at most 1
     */
    static float factor(float norm, float maxNorm) {
      return maxNorm == 0 ? 1 : Math.min(1, maxNorm / (norm + 1e-6f));
    }
  }

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

  /**
   * Nesterov momentum as in Muon: with {@code g = grad * scale}, {@code m = beta m + (1 - beta) g},
   * {@code out = (1 - beta) g + beta m} with the new {@code m}. {@code 1 - beta} is taken in double
   * and then rounded.
   *
   * @param out the direction, overwritten
   * @param m the momentum, updated
   * @param grad the gradient
   * @param scale (1): the clip factor
   * @param beta how much of the momentum stays, in [0, 1)
   */
  void momentum(Tensor out, Tensor m, Tensor grad, Tensor scale, double beta);

  /**
   * {@code out = x / (norm + eps)}: what Muon does before its Newton-Schulz iteration, which needs
   * singular values of at most 1.
   *
   * @param out overwritten; may be {@code x}
   * @param x the input
   * @param norm (1), as {@link #clipNorm} computes it
   * @param eps guard against division by zero
   */
  void normalize(Tensor out, Tensor x, Tensor norm, float eps);

  /**
   * {@code out = a x + b y}: the polynomials of Muon's Newton-Schulz iteration.
   *
   * @param out overwritten; may be {@code x} or {@code y}
   * @param x a summand
   * @param y a summand
   * @param a what {@code x} is multiplied by
   * @param b what {@code y} is multiplied by
   */
  void weightedSum(Tensor out, Tensor x, Tensor y, float a, float b);

  /**
   * A step along a direction, with decoupled weight decay: {@code p = p (1 - lr decay) - lr factor
   * direction}.
   *
   * @param param p, updated
   * @param direction of p's shape
   * @param hyper (1): lr
   * @param factor what the direction is multiplied by, besides lr
   * @param weightDecay decay
   */
  void descend(Tensor param, Tensor direction, Tensor hyper, float factor, float weightDecay);
}
