package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.spi.OptimizerKernels;
import java.util.List;

/** The update of parameters, element by element. */
final class ReferenceOptimizer implements OptimizerKernels {
  @Override
  public void clipNorm(Tensor norm, Tensor scale, List<Tensor> grads, float maxNorm) {
    double squares = 0;
    for (Tensor grad : grads) {
      squares +=
          Rows.dot(floats(grad), offset(grad), floats(grad), offset(grad), (int) grad.size());
    }
    double root = Math.sqrt(squares);
    floats(norm)[offset(norm)] = (float) root;
    floats(scale)[offset(scale)] = maxNorm == 0 ? 1 : (float) Math.min(1, maxNorm / (root + 1e-6));
  }

  @Override
  public void adamW(
      List<Tensor> params,
      List<Tensor> m,
      List<Tensor> v,
      List<Tensor> grads,
      Tensor hyper,
      Tensor scale,
      double beta1,
      double beta2,
      float eps,
      float weightDecay) {
    double lr = floats(hyper)[offset(hyper)];
    double c1 = floats(hyper)[offset(hyper) + 1];
    double c2 = floats(hyper)[offset(hyper) + 2];
    double clip = floats(scale)[offset(scale)];
    for (int t = 0; t < params.size(); t++) {
      Tensor param = params.get(t);
      float[] ps = floats(param);
      float[] ms = floats(m.get(t));
      float[] vs = floats(v.get(t));
      float[] gs = floats(grads.get(t));
      for (int i = 0; i < param.size(); i++) {
        int pi = offset(param) + i;
        int mi = offset(m.get(t)) + i;
        int vi = offset(v.get(t)) + i;
        double g = gs[offset(grads.get(t)) + i] * clip;
        double m1 = beta1 * ms[mi] + (1 - beta1) * g;
        double v1 = beta2 * vs[vi] + (1 - beta2) * g * g;
        double decayed = ps[pi] - lr * weightDecay * ps[pi];
        ps[pi] = (float) (decayed - lr * (m1 / c1) / (Math.sqrt(v1 / c2) + eps));
        ms[mi] = (float) m1;
        vs[vi] = (float) v1;
      }
    }
  }

  @Override
  public void momentum(Tensor out, Tensor m, Tensor grad, Tensor scale, double beta) {
    double clip = floats(scale)[offset(scale)];
    for (int i = 0; i < m.size(); i++) {
      double g = floats(grad)[offset(grad) + i] * clip;
      double m1 = beta * floats(m)[offset(m) + i] + (1 - beta) * g;
      floats(m)[offset(m) + i] = (float) m1;
      floats(out)[offset(out) + i] = (float) ((1 - beta) * g + beta * m1);
    }
  }

  @Override
  public void normalize(Tensor out, Tensor x, Tensor norm, float eps) {
    double divisor = (double) floats(norm)[offset(norm)] + eps;
    for (int i = 0; i < x.size(); i++) {
      floats(out)[offset(out) + i] = (float) (floats(x)[offset(x) + i] / divisor);
    }
  }

  @Override
  public void weightedSum(Tensor out, Tensor x, Tensor y, float a, float b) {
    for (int i = 0; i < x.size(); i++) {
      double sum = (double) a * floats(x)[offset(x) + i] + (double) b * floats(y)[offset(y) + i];
      floats(out)[offset(out) + i] = (float) sum;
    }
  }

  @Override
  public void descend(
      Tensor param, Tensor direction, Tensor hyper, float factor, float weightDecay) {
    double lr = floats(hyper)[offset(hyper)];
    for (int i = 0; i < param.size(); i++) {
      double decayed = floats(param)[offset(param) + i] * (1 - lr * weightDecay);
      double step = lr * factor * floats(direction)[offset(direction) + i];
      floats(param)[offset(param) + i] = (float) (decayed - step);
    }
  }
}
