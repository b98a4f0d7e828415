package jambic.tensor.cpu.attention;

import static jdk.incubator.vector.VectorOperators.LT;

import jambic.tensor.cpu.gemm.RowDots;
import jambic.tensor.cpu.simd.LaneSum;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * One query of one head over the cached keys and values: two passes over memory that do one
 * multiply-add for each number they read, which is what limits them. Lanes run over the head, as
 * the cache lies.
 */
public final class AttentionDecode {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();

  private static final FloatVector INDEX = FloatVector.zero(F).addIndex(1);

  private final AttentionSizes sizes;
  private final HeadRows out;
  private final HeadRows q;
  private final KeyRows k;
  private final KeyRows v;
  private final int width;
  private final int floats;

  // Where things lie in scratch memory.
  private final int query; // (width)
  private final int result; // (width)
  private final int parts; // of the scores
  private final int scores; // (keys)
  private final int sums; // (L)
  private final int max;
  private final int shift;
  private final int shrink;
  private final int inverse;

  public AttentionDecode(AttentionSizes sizes, HeadRows out, HeadRows q, KeyRows k, KeyRows v) {
    this.sizes = sizes;
    this.out = out;
    this.q = q;
    this.k = k;
    this.v = v;
    int keys = AttentionBlocks.extent(0, sizes.keys(), 0, sizes.keys());
    width = AttentionBlocks.padded(sizes.headSize());
    query = Workers.ALIGN;
    result = query + width;
    parts = result + width;
    scores = parts + RowDots.parts(Math.min(sizes.keys(), k.run(0)));
    sums = scores + keys + L; // products are written a vector at a time
    max = sums + L;
    shift = max + 1;
    shrink = shift + 1;
    inverse = shrink + 1;
    floats = inverse + 1;
  }

  /** How much scratch memory a head needs. */
  public int floats() {
    return floats;
  }

  /** Computes head {@code h} of batch element {@code b}, whose query is row {@code row} of all. */
  public void run(int b, int row, int h, float[] w) {
    int headSize = sizes.headSize();
    int column = h * headSize;
    int n = sizes.keysSeen(b, 1);
    System.arraycopy(q.array(), q.at(row, 0, column), w, query, headSize);
    for (int j = 0, some; j < n; j += some) {
      some = Math.min(n - j, k.run(j));
      int at = k.at(b, j, column);
      RowDots.multiply(
          w, scores + j, parts, w, query, 0, k.array(), at, k.stride(), some, headSize);
    }
    w[max] = Float.NEGATIVE_INFINITY;
    AttentionRows.maxima(w, scores, 1, n, 0, n, sizes.scale(), max, shift, shrink);
    AttentionRows.exponentials(w, scores, 1, n, 0, n, sizes.scale(), shift);
    w[inverse] = 1 / sum(w, scores, n, sums);
    Arrays.fill(w, result, result + width, 0);
    for (int j = 0, some; j < n; j += some) {
      some = Math.min(n - j, v.run(j));
      int at = v.at(b, j, column);
      int d = 0;
      for (; d + L < headSize; d += 2 * L) {
        sum2(w, result + d, scores + j, v.array(), at + d, v.stride(), some, headSize - d);
      }
      if (d < headSize) {
        sum1(w, result + d, scores + j, v.array(), at + d, v.stride(), some, headSize - d);
      }
    }
    AttentionRows.scaled(
        out.array(), out.at(row, 0, column), 0, w, result, 0, 1, headSize, inverse);
  }

  /** The sum of the weights, which are 0 behind the last up to the next multiple of the lanes. */
  private static float sum(float[] w, int weights, int n, int lanes) {
    FloatVector sum = FloatVector.zero(F);
    for (int j = 0; j < n; j += L) {
      sum = sum.add(FloatVector.fromArray(F, w, weights + j));
    }
    sum.intoArray(w, lanes);
    return LaneSum.of(w, lanes);
  }

  /** Adds the weighted sum of values, two vectors wide, of whose columns {@code valid} exist. */
  private static void sum2(
      float[] w, int result, int weights, float[] v, int start, int stride, int n, int valid) {
    VectorMask<Float> exists = INDEX.compare(LT, (float) (valid - L));
    FloatVector a0 = FloatVector.fromArray(F, w, result);
    FloatVector a1 = FloatVector.fromArray(F, w, result + L);
    FloatVector b0 = FloatVector.zero(F);
    FloatVector b1 = FloatVector.zero(F);
    FloatVector c0 = FloatVector.zero(F);
    FloatVector c1 = FloatVector.zero(F);
    FloatVector d0 = FloatVector.zero(F);
    FloatVector d1 = FloatVector.zero(F);
    int j = 0;
    int at = start;
    for (; j < n - 3; j += 4) {
      FloatVector wa = FloatVector.broadcast(F, w[weights + j]);
      a0 = FloatVector.fromArray(F, v, at).fma(wa, a0);
      a1 = FloatVector.fromArray(F, v, at + L, exists).fma(wa, a1);
      at += stride;
      FloatVector wb = FloatVector.broadcast(F, w[weights + j + 1]);
      b0 = FloatVector.fromArray(F, v, at).fma(wb, b0);
      b1 = FloatVector.fromArray(F, v, at + L, exists).fma(wb, b1);
      at += stride;
      FloatVector wc = FloatVector.broadcast(F, w[weights + j + 2]);
      c0 = FloatVector.fromArray(F, v, at).fma(wc, c0);
      c1 = FloatVector.fromArray(F, v, at + L, exists).fma(wc, c1);
      at += stride;
      FloatVector wd = FloatVector.broadcast(F, w[weights + j + 3]);
      d0 = FloatVector.fromArray(F, v, at).fma(wd, d0);
      d1 = FloatVector.fromArray(F, v, at + L, exists).fma(wd, d1);
      at += stride;
    }
    for (; j < n; j++) {
      FloatVector wa = FloatVector.broadcast(F, w[weights + j]);
      a0 = FloatVector.fromArray(F, v, at).fma(wa, a0);
      a1 = FloatVector.fromArray(F, v, at + L, exists).fma(wa, a1);
      at += stride;
    }
    a0.add(b0).add(c0.add(d0)).intoArray(w, result);
    a1.add(b1).add(c1.add(d1)).intoArray(w, result + L);
  }

  /** As {@link #sum2}, one vector wide. */
  private static void sum1(
      float[] w, int result, int weights, float[] v, int start, int stride, int n, int valid) {
    VectorMask<Float> exists = INDEX.compare(LT, (float) valid);
    FloatVector a = FloatVector.fromArray(F, w, result);
    FloatVector b = FloatVector.zero(F);
    FloatVector c = FloatVector.zero(F);
    FloatVector d = FloatVector.zero(F);
    int j = 0;
    int at = start;
    for (; j < n - 3; j += 4) {
      FloatVector wa = FloatVector.broadcast(F, w[weights + j]);
      a = FloatVector.fromArray(F, v, at, exists).fma(wa, a);
      at += stride;
      FloatVector wb = FloatVector.broadcast(F, w[weights + j + 1]);
      b = FloatVector.fromArray(F, v, at, exists).fma(wb, b);
      at += stride;
      FloatVector wc = FloatVector.broadcast(F, w[weights + j + 2]);
      c = FloatVector.fromArray(F, v, at, exists).fma(wc, c);
      at += stride;
      FloatVector wd = FloatVector.broadcast(F, w[weights + j + 3]);
      d = FloatVector.fromArray(F, v, at, exists).fma(wd, d);
      at += stride;
    }
    for (; j < n; j++) {
      FloatVector wa = FloatVector.broadcast(F, w[weights + j]);
      a = FloatVector.fromArray(F, v, at, exists).fma(wa, a);
      at += stride;
    }
    a.add(b).add(c.add(d)).intoArray(w, result);
  }
}
