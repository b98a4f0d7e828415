package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.ElementwiseKernels;
import java.util.Arrays;
import java.util.List;

/** Sums, products, copies and dropout, element by element. */
final class ReferenceElementwise implements ElementwiseKernels {
  @Override
  public void fill(List<Tensor> outs, float value) {
    for (Tensor out : outs) {
      Arrays.fill(floats(out), offset(out), offset(out) + (int) out.size(), value);
    }
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    float[] os = floats(out);
    float[] as = floats(a);
    float[] bs = floats(b);
    for (int i = 0; i < out.size(); i++) {
      os[offset(out) + i] = as[offset(a) + i] + bs[offset(b) + i];
    }
  }

  @Override
  public void scale(Tensor out, Tensor x, float factor) {
    float[] os = floats(out);
    float[] xs = floats(x);
    for (int i = 0; i < out.size(); i++) {
      os[offset(out) + i] = factor * xs[offset(x) + i];
    }
  }

  @Override
  public void multiply(Tensor out, Tensor a, Tensor b) {
    float[] os = floats(out);
    float[] as = floats(a);
    float[] bs = floats(b);
    for (int i = 0; i < out.size(); i++) {
      os[offset(out) + i] = as[offset(a) + i] * bs[offset(b) + i];
    }
  }

  @Override
  public void dropout(Tensor out, Tensor x, Dropout dropout) {
    DropoutMask mask = new DropoutMask(dropout);
    float[] os = floats(out);
    float[] xs = floats(x);
    for (int i = 0; i < out.size(); i++) {
      os[offset(out) + i] = xs[offset(x) + i] * mask.factor(i);
    }
  }

  @Override
  public void residual(Tensor out, Tensor x, Tensor y, Dropout dropout) {
    DropoutMask mask = new DropoutMask(dropout);
    float[] os = floats(out);
    float[] xs = floats(x);
    float[] ys = floats(y);
    for (int i = 0; i < out.size(); i++) {
      double branch = (double) ys[offset(y) + i] * mask.factor(i);
      os[offset(out) + i] = (float) (xs[offset(x) + i] + branch);
    }
  }
}
