package jambic.train.optim;

import jambic.tensor.DType;
import jambic.tensor.Launch;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.OptimizerKernels;
import jambic.tensor.spi.Region;
import java.util.List;

/**
 * Limits the Euclidean norm of all gradients together, as PyTorch's {@code clip_grad_norm_} does.
 * The gradients stay as they are: an {@link Optimizer} multiplies them by {@link #factor}.
 */
public final class GradientClip {
  private final List<Tensor> gradients;
  private final Launch clearing;
  private final Launch measuring;
  private final float maxNorm;
  private final Tensor norm; // (1)
  private final Tensor factor; // (1)

  /**
   * Clips the gradients of some parameters.
   *
   * @param backend where it computes
   * @param region where the norm lives
   * @param parameters of which those count that have gradients
   * @param maxNorm the limit, or 0 for none
   */
  public GradientClip(Backend backend, Region region, List<Tensor> parameters, double maxNorm) {
    this.maxNorm = (float) maxNorm;
    gradients = parameters.stream().map(Tensor::grad).filter(grad -> !grad.isNone()).toList();
    norm = region.allocate(DType.F32, Shape.of(1));
    factor = region.allocate(DType.F32, Shape.of(1));
    clearing = new Launch("elementwise.fill", () -> backend.elementwise().fill(gradients, 0));
    measuring =
        new Launch(
            "optimizer.clipNorm",
            () -> backend.optimizer().clipNorm(norm, factor, gradients, (float) maxNorm));
  }

  /**
   * Lists the gradients that it measures.
   *
   * @return those of trained parameters, in the order of the model
   */
  public List<Tensor> gradients() {
    return gradients;
  }

  /**
   * Returns the norm of the gradients at the last {@link #computeNorm}, before clipping.
   *
   * @return (1)
   */
  public Tensor norm() {
    return norm;
  }

  /**
   * Returns what gradients are multiplied by: 1, or less where the norm is above its limit.
   *
   * @return (1)
   */
  public Tensor factor() {
    return factor;
  }

  /** Launches the clearing of all gradients, before several backward passes add to them. */
  public void zeroGradients() {
    clearing.run();
  }

  /**
   * Sets the norm and the factor from a sum that was computed elsewhere.
   *
   * @param squares of all elements of the gradients
   */
  public void set(double squares) {
    float length = (float) Math.sqrt(squares);
    norm.set(length);
    factor.set(OptimizerKernels.NormPieces.factor(length, maxNorm));
  }

  /** Launches the computation of the norm and the factor. */
  public void computeNorm() {
    measuring.run();
  }
}
