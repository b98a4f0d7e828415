package jambic.tensor.cpu;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;
import static jdk.incubator.vector.VectorOperators.LE;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import jambic.tensor.cpu.simd.GeluErf;
import jambic.tensor.cpu.simd.GeluTanh;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Silu;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.spi.ActivationKernels;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Pointwise nonlinearities: fused polynomials, bound by memory once a tensor leaves the caches. */
final class CpuActivation implements ActivationKernels {
  /** Some microseconds of work: worth handing to another thread, and small enough to balance. */
  private static final int PIECE = 8192;

  private final Workers workers;

  CpuActivation(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void forward(Tensor out, Tensor x, Activation activation) {
    float[] o = floats(out);
    float[] a = floats(x);
    int oi = offset(out);
    int ai = offset(x);
    int size = (int) x.size();
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int from = index * PIECE;
          apply(o, oi + from, a, ai + from, Math.min(PIECE, size - from), activation);
        });
  }

  @Override
  public void backward(Tensor dx, Tensor dout, Tensor x, Activation activation) {
    float[] o = floats(dx);
    float[] d = floats(dout);
    float[] a = floats(x);
    int oi = offset(dx);
    int di = offset(dout);
    int ai = offset(x);
    int size = (int) x.size();
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int from = index * PIECE;
          int n = Math.min(PIECE, size - from);
          applyBackward(o, oi + from, d, di + from, a, ai + from, n, activation);
        });
  }

  /** {@code out = activation(x)} for n neighbours; out may be x. Runs on the calling thread. */
  static void apply(float[] out, int o, float[] x, int i, int n, Activation activation) {
    switch (activation) {
      case RELU -> relu(out, o, x, i, n);
      case GELU_ERF -> GeluErf.forward(out, o, x, i, n);
      case GELU_TANH -> GeluTanh.forward(out, o, x, i, n);
      case SILU -> Silu.forward(out, o, x, i, n);
    }
  }

  /** {@code dx = dout * activation'(x)} for n neighbours. Runs on the calling thread. */
  static void applyBackward(
      float[] dx, int o, float[] dout, int d, float[] x, int i, int n, Activation activation) {
    switch (activation) {
      case RELU -> reluBackward(dx, o, dout, d, x, i, n);
      case GELU_ERF -> GeluErf.backward(dx, o, dout, d, x, i, n);
      case GELU_TANH -> GeluTanh.backward(dx, o, dout, d, x, i, n);
      case SILU -> Silu.backward(dx, o, dout, d, x, i, n);
    }
  }

  private static void relu(float[] out, int o, float[] x, int i, int n) {
    int k = 0;
    for (; k < Lanes.F.loopBound(n); k += Lanes.F.length()) {
      FloatVector v = FloatVector.fromArray(Lanes.F, x, i + k);
      v.blend(0, v.compare(LE, 0)).intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> rest = Lanes.F.indexInRange(k, n);
      FloatVector v = FloatVector.fromArray(Lanes.F, x, i + k, rest);
      v.blend(0, v.compare(LE, 0)).intoArray(out, o + k, rest);
    }
  }

  private static void reluBackward(
      float[] dx, int o, float[] dout, int d, float[] x, int i, int n) {
    int k = 0;
    for (; k < Lanes.F.loopBound(n); k += Lanes.F.length()) {
      VectorMask<Float> off = FloatVector.fromArray(Lanes.F, x, i + k).compare(LE, 0);
      FloatVector.fromArray(Lanes.F, dout, d + k).blend(0, off).intoArray(dx, o + k);
    }
    if (k < n) {
      VectorMask<Float> rest = Lanes.F.indexInRange(k, n);
      VectorMask<Float> off = FloatVector.fromArray(Lanes.F, x, i + k, rest).compare(LE, 0);
      FloatVector.fromArray(Lanes.F, dout, d + k, rest).blend(0, off).intoArray(dx, o + k, rest);
    }
  }
}
