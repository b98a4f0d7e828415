package jambic.cuda;

import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Precision;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import java.util.Arrays;
import java.util.List;

/**
 * Attention on tensor cores beside the reference, for {@link EmulatedTest}: tiles that all queries
 * see whole and others, dropout and none, lengths, cross-attention, head sizes of every layout,
 * rows that no wide copy can take. A line for each case.
 */
final class EmulatedAttention {
  private static final List<Case> CASES =
      List.of(
          new Case(1, 200, 200, 2, 64, Mask.CAUSAL, 0, 0),
          new Case(1, 200, 200, 2, 64, Mask.CAUSAL, 0, 0.2f),
          new Case(3, 140, 140, 1, 64, Mask.CAUSAL_LENGTHS, 5, 0),
          new Case(1, 70, 300, 2, 64, Mask.NONE, 0, 0),
          new Case(2, 40, 150, 1, 64, Mask.LENGTHS, 0, 0.2f),
          new Case(2, 150, 70, 1, 32, Mask.LENGTHS, 0, 0.3f),
          new Case(3, 20, 200, 1, 16, Mask.LENGTHS, 0, 0),
          new Case(1, 140, 140, 1, 128, Mask.CAUSAL, 0, 0),
          new Case(2, 70, 70, 1, 128, Mask.CAUSAL_LENGTHS, 0, 0.1f),
          new Case(1, 33, 150, 1, 80, Mask.NONE, 0, 0),
          new Case(2, 65, 65, 2, 17, Mask.CAUSAL, 0, 0),
          new Case(1, 129, 129, 1, 40, Mask.CAUSAL, 4, 0),
          new Case(1, 129, 129, 1, 40, Mask.CAUSAL, 0, 0),
          new Case(2, 70, 70, 3, 24, Mask.CAUSAL_LENGTHS, 0, 0.1f));

  private EmulatedAttention() {}

  /** Who sees which keys. */
  private enum Mask {
    NONE,
    LENGTHS,
    CAUSAL,
    CAUSAL_LENGTHS;

    boolean causal() {
      return this == CAUSAL || this == CAUSAL_LENGTHS;
    }

    boolean lengths() {
      return this == LENGTHS || this == CAUSAL_LENGTHS;
    }
  }

  /**
   * One call.
   *
   * @param padding of rows of queries, keys and values, which are columns of one tensor where there
   *     are as many of each
   */
  private record Case(
      int b, int t, int s, int heads, int d, Mask mask, int padding, float dropout) {
    int c() {
      return heads * d;
    }

    /** The usual one, and where there are two heads another. */
    float scale() {
      return heads == 2 ? 0.1f : (float) (1 / Math.sqrt(d));
    }
  }

  static void run() {
    for (Case each : CASES) {
      List<float[]> expected = attend("reference", Precision.BEST, each);
      List<float[]> got = attend("cuda", Precision.BF16, each);
      double worst = 0;
      for (int i = 0; i < expected.size(); i++) {
        worst = Math.max(worst, EmulatedMain.distance(expected.get(i), got.get(i)));
      }
      boolean same =
          Arrays.deepEquals(got.toArray(), attend("cuda", Precision.BF16, each).toArray());
      // Eight bits of a mantissa, of weights and of results.
      String outcome =
          !same ? "failed: other bits" : worst < 0.006 ? "passed" : "failed: off by " + worst;
      System.out.println(each + " " + outcome);
    }
  }

  /** out, lse, dq, dk, dv. */
  private static List<float[]> attend(String name, Precision precision, Case of) {
    try (Backend backend = Backends.open(name, 1, precision);
        Region region = backend.region()) {
      DType type = backend.activationType();
      Parts x = Parts.of(region, type, of, 10);
      Parts dx = Parts.of(region, type, of, 20);
      Tensor out = random(region, type, 3, of.b, of.t, of.c());
      Tensor dout = random(region, type, 4, of.b, of.t, of.c());
      Tensor lse = random(region, DType.F32, 5, of.b, of.heads, of.t);
      Tensor lengths = of.mask.lengths() ? lengths(region, of) : Tensor.NONE;
      Tensor step = region.allocate(DType.I32, Shape.of(1));
      step.set(9);
      Dropout dropout =
          of.dropout == 0 ? Dropout.NONE : new Dropout(of.dropout, 0xABCDEF0123L, 7, step);
      boolean causal = of.mask.causal();
      float scale = of.scale();
      AttentionKernels kernels = backend.attention();
      kernels.forward(out, lse, x.q, x.k, x.v, lengths, of.heads, causal, scale, dropout);
      out.set(rounded(out.toFloats())); // what the backward pass reads of an output in 16 bits
      kernels.backward(
          dx.q, dx.k, dx.v, dout, out, lse, x.q, x.k, x.v, lengths, of.heads, causal, scale,
          dropout);
      return List.of(out.toFloats(), lse.toFloats(), floats(dx.q), floats(dx.k), floats(dx.v));
    }
  }

  /** Queries, keys and values: columns of one tensor where there are as many of each. */
  private record Parts(Tensor q, Tensor k, Tensor v) {
    static Parts of(Region region, DType type, Case of, int stream) {
      if (of.t != of.s) {
        return new Parts(
            random(region, type, stream, of.b, of.t, of.c()),
            random(region, type, stream + 1, of.b, of.s, of.c()),
            random(region, type, stream + 2, of.b, of.s, of.c()));
      }
      Tensor all = random(region, type, stream, of.b, of.t, 3 * of.c() + of.padding);
      int from = of.padding / 2;
      return new Parts(
          all.columns(from, of.c()),
          all.columns(from + of.c(), of.c()),
          all.columns(from + 2 * of.c(), of.c()));
    }
  }

  /** Row by row, as only contiguous tensors are copied to the host. */
  private static float[] floats(Tensor columns) {
    int rows = columns.shape().rows();
    int c = columns.dim(-1);
    float[] all = new float[rows * c];
    for (int r = 0; r < rows; r++) {
      long offset = columns.offset() + (long) r * columns.rowStride();
      Tensor row = Tensor.over(Shape.of(c), columns.dtype(), columns.storage(), offset);
      System.arraycopy(row.toFloats(), 0, all, r * c, c);
    }
    return all;
  }

  /** To nearest, ties to even. */
  private static float[] rounded(float[] values) {
    float[] halves = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      halves[i] = Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
    }
    return halves;
  }

  /** Normal numbers in 16 bits, so that every type has them as they are. */
  private static Tensor random(Region region, DType type, int stream, int... dims) {
    Tensor tensor = region.allocate(type, Shape.of(dims));
    Philox random = new Philox(7, stream);
    float[] values = new float[Math.toIntExact(tensor.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    tensor.set(rounded(values));
    return tensor;
  }

  /** The first sequence has one key, the second all, the others some. */
  private static Tensor lengths(Region region, Case of) {
    Tensor tensor = region.allocate(DType.I32, Shape.of(of.b));
    int[] lengths = new int[of.b];
    for (int b = 0; b < of.b; b++) {
      lengths[b] = b == 0 ? 1 : b == 1 ? of.s : of.s * 3 / 5;
    }
    tensor.set(lengths);
    return tensor;
  }
}
