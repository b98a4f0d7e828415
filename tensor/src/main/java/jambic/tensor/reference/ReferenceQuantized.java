package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.bytes;
import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.host.Indices;
import jambic.tensor.spi.QuantizedKernels;

/** Weights in 8 bits, a number at a time. */
final class ReferenceQuantized implements QuantizedKernels {
  private static final int LARGEST = 127;

  @Override
  public void quantize(Tensor out, Tensor scales, Tensor w) {
    int k = w.dim(1);
    for (int i = 0; i < w.dim(0); i++) {
      float max = 0;
      for (int j = 0; j < k; j++) {
        max = Math.max(max, Math.abs(floats(w)[offset(w) + i * k + j]));
      }
      float scale = max / LARGEST;
      floats(scales)[offset(scales) + i] = scale;
      for (int j = 0; j < k; j++) {
        double steps = Math.rint((double) floats(w)[offset(w) + i * k + j] / scale);
        bytes(out)[offset(out) + i * k + j] =
            scale == 0 ? 0 : (byte) Math.clamp(steps, -LARGEST, LARGEST);
      }
    }
  }

  @Override
  public void linear(Tensor out, Tensor x, Tensor w, Tensor scales, Tensor b) {
    int n = w.dim(0);
    int k = w.dim(1);
    for (int i = 0; i < out.size() / n; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int p = 0; p < k; p++) {
          sum += (double) floats(x)[offset(x) + i * k + p] * bytes(w)[offset(w) + j * k + p];
        }
        sum *= floats(scales)[offset(scales) + j];
        double bias = b.isNone() ? 0 : floats(b)[offset(b) + j];
        floats(out)[offset(out) + i * n + j] = (float) (sum + bias);
      }
    }
  }

  @Override
  public void embed(Tensor out, Tensor ids, Tensor wte, Tensor scales, Tensor wpe, Tensor starts) {
    Indices.requireIds("embed", ids, wte.dim(0));
    if (!wpe.isNone()) {
      Indices.requirePositions("embed", starts, ids.dim(-1), wpe.dim(0));
    }
    int c = wte.dim(-1);
    int steps = ids.dim(-1);
    for (int i = 0; i < ids.size(); i++) {
      int id = ints(ids)[offset(ids) + i];
      int start = starts.isNone() ? 0 : ints(starts)[offset(starts) + i / steps];
      for (int j = 0; j < c; j++) {
        float value = floats(scales)[offset(scales) + id] * bytes(wte)[offset(wte) + id * c + j];
        if (!wpe.isNone()) {
          value += floats(wpe)[offset(wpe) + (start + i % steps) * c + j];
        }
        floats(out)[offset(out) + i * c + j] = value;
      }
    }
  }
}
