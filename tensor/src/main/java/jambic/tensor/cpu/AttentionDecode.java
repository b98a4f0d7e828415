package jambic.tensor.cpu;

import static jdk.incubator.vector.VectorOperators.LT;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * One query of one head over the cached keys and values: two passes over memory that do one
 * multiply-add for each number they read, which is what limits them. Lanes run over the head, as
 * the cache lies.
 */
final class AttentionDecode {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();

  /** Keys that are multiplied by the query at a time. */
  private static final int QUAD = 4;

  private static final int QUADS = L / QUAD;

  private static final FloatVector INDEX = FloatVector.zero(F).addIndex(1);

  /** Takes two vectors to the first, respectively second, half of their interleaving. */
  private static final FloatVector LOW = interleaving(0);

  private static final FloatVector HIGH = interleaving(L / 2);

  private final AttentionSizes sizes;
  private final HeadRows out;
  private final HeadRows q;
  private final HeadRows k;
  private final HeadRows v;
  private final int width;
  private final int floats;

  // Where things lie in scratch memory.
  private final int query; // (width), zeros behind the head
  private final int result; // (width)
  private final int parts; // (keys, QUADS)
  private final int scores; // (keys)
  private final int sums; // (L)
  private final int max; // (1), and three more

  AttentionDecode(AttentionSizes sizes, HeadRows out, HeadRows q, HeadRows k, HeadRows v) {
    this.sizes = sizes;
    this.out = out;
    this.q = q;
    this.k = k;
    this.v = v;
    int keys = AttentionBlocks.extent(0, sizes.keys(), 0, sizes.keys());
    width = AttentionBlocks.padded(sizes.headSize());
    query = 0;
    result = query + width;
    parts = result + width;
    scores = parts + keys * QUADS;
    sums = scores + keys;
    max = sums + L;
    floats = max + 4;
  }

  private static FloatVector interleaving(int from) {
    float[] order = new float[L];
    for (int i = 0; i < L; i++) {
      order[i] = from + i / 2 + i % 2 * L;
    }
    return FloatVector.fromArray(F, order, 0);
  }

  /** How much scratch memory a head needs. */
  int floats() {
    return floats;
  }

  /** Computes head {@code h} of batch element {@code b}. */
  void run(int b, int h, float[] w) {
    int headSize = sizes.headSize();
    int column = h * headSize;
    int n = sizes.keysSeen(b, 1);
    Arrays.fill(w, query + headSize, query + width, 0);
    System.arraycopy(q.array(), q.at(b, 0, column), w, query, headSize);
    products(w, parts, query, k.array(), k.at(b, 0, column), k.stride(), n, headSize);
    combine(w, scores, parts, n);
    w[max] = Float.NEGATIVE_INFINITY;
    AttentionRows.maxima(w, scores, 1, n, 0, n, sizes.scale(), max, max + 1, max + 2);
    Arrays.fill(w, sums, sums + L, 0);
    AttentionRows.exponentials(w, scores, 1, n, 0, n, sizes.scale(), max + 1, sums);
    w[max + 3] = 1 / LaneSum.of(w, sums);
    int d = 0;
    for (; d + L < headSize; d += 2 * L) {
      sum2(w, result + d, scores, v.array(), v.at(b, 0, column + d), v.stride(), n, headSize - d);
    }
    if (d < headSize) {
      sum1(w, result + d, scores, v.array(), v.at(b, 0, column + d), v.stride(), n, headSize - d);
    }
    AttentionRows.scaled(out.array(), out.at(b, 0, column), 0, w, result, 0, 1, headSize, max + 3);
  }

  /**
   * Multiplies keys by the query, four at a time. Quad g of a vector of keys is the keys g, g +
   * QUADS, ...: then {@link #combine} leaves them in their order. What lies behind the last key
   * repeats it.
   */
  private static void products(
      float[] w, int parts, int query, float[] k, int start, int stride, int n, int headSize) {
    int whole = headSize / L * L;
    VectorMask<Float> rest = INDEX.compare(LT, (float) (headSize - whole));
    int part = parts;
    for (int key = 0; key < n; key += L) {
      for (int g = 0; g < QUADS; g++) {
        int k0 = start + Math.min(n - 1, key + g) * stride;
        int k1 = start + Math.min(n - 1, key + g + QUADS) * stride;
        int k2 = start + Math.min(n - 1, key + g + 2 * QUADS) * stride;
        int k3 = start + Math.min(n - 1, key + g + 3 * QUADS) * stride;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        for (int d = 0; d < whole; d += L) {
          FloatVector x = FloatVector.fromArray(F, w, query + d);
          s0 = FloatVector.fromArray(F, k, k0 + d).fma(x, s0);
          s1 = FloatVector.fromArray(F, k, k1 + d).fma(x, s1);
          s2 = FloatVector.fromArray(F, k, k2 + d).fma(x, s2);
          s3 = FloatVector.fromArray(F, k, k3 + d).fma(x, s3);
        }
        if (whole < headSize) {
          FloatVector x = FloatVector.fromArray(F, w, query + whole);
          s0 = FloatVector.fromArray(F, k, k0 + whole, rest).fma(x, s0);
          s1 = FloatVector.fromArray(F, k, k1 + whole, rest).fma(x, s1);
          s2 = FloatVector.fromArray(F, k, k2 + whole, rest).fma(x, s2);
          s3 = FloatVector.fromArray(F, k, k3 + whole, rest).fma(x, s3);
        }
        FloatVector t0 = LOW.selectFrom(s0, s2).add(HIGH.selectFrom(s0, s2));
        FloatVector t1 = LOW.selectFrom(s1, s3).add(HIGH.selectFrom(s1, s3));
        LOW.selectFrom(t0, t1).add(HIGH.selectFrom(t0, t1)).intoArray(w, part);
        part += L;
      }
    }
  }

  /** Adds up the parts of each product; every round halves their number. */
  private static void combine(float[] w, int scores, int parts, int n) {
    int part = parts;
    for (int key = 0; key < n; key += L) {
      FloatVector r0 = FloatVector.fromArray(F, w, part);
      if (QUADS == 4) {
        FloatVector r1 = FloatVector.fromArray(F, w, part + L);
        FloatVector r2 = FloatVector.fromArray(F, w, part + 2 * L);
        FloatVector r3 = FloatVector.fromArray(F, w, part + 3 * L);
        r0 = LOW.selectFrom(r0, r2).add(HIGH.selectFrom(r0, r2));
        r1 = LOW.selectFrom(r1, r3).add(HIGH.selectFrom(r1, r3));
        r0 = LOW.selectFrom(r0, r1).add(HIGH.selectFrom(r0, r1));
      } else if (QUADS == 2) {
        FloatVector r1 = FloatVector.fromArray(F, w, part + L);
        r0 = LOW.selectFrom(r0, r1).add(HIGH.selectFrom(r0, r1));
      }
      r0.intoArray(w, scores + key);
      part += QUADS * L;
    }
  }

  /** The weighted sum of values, two vectors wide, of whose columns {@code valid} exist. */
  private static void sum2(
      float[] w, int result, int weights, float[] v, int start, int stride, int n, int valid) {
    VectorMask<Float> exists = INDEX.compare(LT, (float) (valid - L));
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = FloatVector.zero(F);
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
    FloatVector a = FloatVector.zero(F);
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
