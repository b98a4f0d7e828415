package jambic.tensor.cpu.gemm;

import jambic.tensor.cpu.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Packs panels of a matrix for the tiles: step {@code p} of a panel of width {@code w} is {@code w}
 * neighbours at {@code p * w}. A panel at the edge has fewer valid columns; the rest of each step
 * is left as it is or repeats a valid column, because what the tile makes of it is never stored.
 */
public final class Panels {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();
  private static final int H = L / 2;

  /** Steps of a panel before the next one's turn: one each would wait for as many places. */
  private static final int BLOCK = 32;

  private static final FloatVector LOW = Lanes.LOW;
  private static final FloatVector HIGH = Lanes.HIGH;

  /** Selects the first halves of two vectors, that of the first before that of the second. */
  private static final FloatVector FIRST_HALVES = halves(0);

  private static final FloatVector SECOND_HALVES = halves(H);

  private Panels() {}

  private static FloatVector halves(int from) {
    float[] order = new float[L];
    for (int i = 0; i < L; i++) {
      order[i] = i < H ? from + i : L + from + i - H;
    }
    return FloatVector.fromArray(F, order, 0);
  }

  /**
   * Packs panels whose steps are rows of {@code src}: element {@code j} of step {@code p} is {@code
   * src[s0 + p * ld + j]}. Panels lie one behind the other.
   *
   * @param k how many steps
   * @param columns how many columns there are; the last panel may be incomplete
   * @param width 5, half the lane count, the lane count or twice that
   */
  public static void copy(
      int k, float[] src, int s0, int ld, int columns, float[] dst, int d0, int width) {
    int whole = columns - columns % width;
    int first = 0;
    if (width == 2 * L) {
      copyPairs(k, src, s0, ld, whole, dst, d0);
    } else if (width == L) {
      copySingles(k, src, s0, ld, whole, dst, d0);
    } else if (width == H && whole > H && k > 1) {
      copyHalves(k, src, s0, ld, whole, dst, d0);
    } else if (width > H && width < L && ld >= L && k > 1) {
      copyOverlapping(k, src, s0, ld, columns, dst, d0, width);
      first = k - 1;
      whole = 0;
    } else {
      whole = 0;
    }
    for (int p = first; p < k; p++) {
      for (int j = whole; j < columns; j++) {
        int panel = j - j % width;
        dst[d0 + panel * k + p * width + j - panel] = src[s0 + p * ld + j];
      }
    }
  }

  private static void copyPairs(
      int k, float[] src, int s0, int ld, int columns, float[] dst, int d0) {
    for (int from = 0; from < k; from += BLOCK) {
      int end = Math.min(from + BLOCK, k);
      for (int j = 0; j < columns; j += 2 * L) {
        int s = s0 + from * ld + j;
        int d = d0 + from * 2 * L + j * k;
        for (int p = from; p < end; p++) {
          FloatVector.fromArray(F, src, s).intoArray(dst, d);
          FloatVector.fromArray(F, src, s + L).intoArray(dst, d + L);
          s += ld;
          d += 2 * L;
        }
      }
    }
  }

  private static void copySingles(
      int k, float[] src, int s0, int ld, int columns, float[] dst, int d0) {
    for (int from = 0; from < k; from += BLOCK) {
      int end = Math.min(from + BLOCK, k);
      for (int j = 0; j < columns; j += L) {
        for (int p = from; p < end; p++) {
          FloatVector.fromArray(F, src, s0 + p * ld + j).intoArray(dst, d0 + p * L + j * k);
        }
      }
    }
  }

  /**
   * Two panels at a time, half a vector wide, and two steps: a whole vector of each panel. The last
   * two panels or steps may overlap those before.
   */
  private static void copyHalves(
      int k, float[] src, int s0, int ld, int columns, float[] dst, int d0) {
    for (int from = 0; from < k; from += BLOCK) {
      int end = Math.min(from + BLOCK, k);
      for (int next = 0; next < columns; next += L) {
        int j = Math.min(next, columns - L);
        for (int step = from; step < end; step += 2) {
          int p = Math.min(step, k - 2);
          int s = s0 + p * ld + j;
          int d = d0 + p * H + j * k;
          FloatVector v0 = FloatVector.fromArray(F, src, s);
          FloatVector v1 = FloatVector.fromArray(F, src, s + ld);
          FIRST_HALVES.selectFrom(v0, v1).intoArray(dst, d);
          SECOND_HALVES.selectFrom(v0, v1).intoArray(dst, d + H * k);
        }
      }
    }
  }

  /**
   * Panels of nearly a vector, all steps but the last: what is stored behind a step is written over
   * by the next one, and only in the last could a vector reach beyond the matrix or the panel.
   */
  private static void copyOverlapping(
      int k, float[] src, int s0, int ld, int columns, float[] dst, int d0, int width) {
    for (int from = 0; from < k - 1; from += BLOCK) {
      int end = Math.min(from + BLOCK, k - 1);
      for (int j = 0; j < columns; j += width) {
        int s = s0 + from * ld + j;
        int d = d0 + j * k + from * width;
        for (int p = from; p < end; p++) {
          FloatVector.fromArray(F, src, s).intoArray(dst, d);
          s += ld;
          d += width;
        }
      }
    }
  }

  /**
   * Packs a panel whose columns are rows of {@code src}: element {@code j} of step {@code p} is
   * {@code src[s0 + j * ld + p]}.
   *
   * @param k how many steps
   * @param valid how many of the {@code width} columns exist
   * @param width 4, 5, 8 or a multiple of the lane count
   */
  public static void interleave(
      int k, float[] src, int s0, int ld, int valid, float[] dst, int d0, int width) {
    if (width == 5) {
      interleave5(k, src, s0, ld, valid - 1, dst, d0);
      return;
    }
    if (k < L) {
      for (int j = 0; j < valid; j++) {
        for (int p = 0; p < k; p++) {
          dst[d0 + p * width + j] = src[s0 + j * ld + p];
        }
      }
      return;
    }
    for (int j = 0; j < valid; ) {
      int left = width - j;
      int s = s0 + j * ld;
      int last = valid - j - 1;
      if (left >= 16 && L == 16) {
        interleave16(k, src, s, ld, last, dst, d0 + j, width);
        j += 16;
      } else if (left >= 8 && (L == 8 || width == 8)) {
        interleave8(k, src, s, ld, last, dst, d0 + j, width);
        j += 8;
      } else {
        interleave4(k, src, s, ld, last, dst, d0 + j, width);
        j += 4;
      }
    }
  }

  /** Interleaves 5 rows: one by one, which takes fewer instructions than turning a block of 8. */
  private static void interleave5(
      int k, float[] src, int s0, int ld, int last, float[] dst, int d0) {
    int o1 = s0 + Math.min(1, last) * ld;
    int o2 = s0 + Math.min(2, last) * ld;
    int o3 = s0 + Math.min(3, last) * ld;
    int o4 = s0 + Math.min(4, last) * ld;
    for (int p = 0; p < k; p++) {
      int d = d0 + p * 5;
      dst[d] = src[s0 + p];
      dst[d + 1] = src[o1 + p];
      dst[d + 2] = src[o2 + p];
      dst[d + 3] = src[o3 + p];
      dst[d + 4] = src[o4 + p];
    }
  }

  // One block is R rows by L columns. log2(R) rounds of interleaving the first half of the vectors
  // with the second leave the R values of a column side by side. Vector q then starts at element
  // q * L of the block; its place is L apart in a panel of width R, a step apart when R is L. The
  // last block may overlap the one before.

  /** Interleaves 4 rows: see {@link #interleave}. */
  private static void interleave4(
      int k, float[] src, int s0, int ld, int last, float[] dst, int d0, int step) {
    int o1 = s0 + Math.min(1, last) * ld;
    int o2 = s0 + Math.min(2, last) * ld;
    int o3 = s0 + Math.min(3, last) * ld;
    int advance = L == 4 ? step : L;
    int p = 0;
    while (true) {
      FloatVector r0 = FloatVector.fromArray(F, src, s0 + p);
      FloatVector r1 = FloatVector.fromArray(F, src, o1 + p);
      FloatVector r2 = FloatVector.fromArray(F, src, o2 + p);
      FloatVector r3 = FloatVector.fromArray(F, src, o3 + p);
      FloatVector t0 = LOW.selectFrom(r0, r2);
      FloatVector t1 = HIGH.selectFrom(r0, r2);
      FloatVector t2 = LOW.selectFrom(r1, r3);
      FloatVector t3 = HIGH.selectFrom(r1, r3);
      FloatVector u0 = LOW.selectFrom(t0, t2);
      FloatVector u1 = HIGH.selectFrom(t0, t2);
      FloatVector u2 = LOW.selectFrom(t1, t3);
      FloatVector u3 = HIGH.selectFrom(t1, t3);
      int d = d0 + p * step;
      u0.intoArray(dst, d);
      u1.intoArray(dst, d + advance);
      u2.intoArray(dst, d + 2 * advance);
      u3.intoArray(dst, d + 3 * advance);
      if (p + L == k) {
        return;
      }
      p = Math.min(p + L, k - L);
    }
  }

  /** Interleaves 8 rows: see {@link #interleave}. */
  private static void interleave8(
      int k, float[] src, int s0, int ld, int last, float[] dst, int d0, int step) {
    int o1 = s0 + Math.min(1, last) * ld;
    int o2 = s0 + Math.min(2, last) * ld;
    int o3 = s0 + Math.min(3, last) * ld;
    int o4 = s0 + Math.min(4, last) * ld;
    int o5 = s0 + Math.min(5, last) * ld;
    int o6 = s0 + Math.min(6, last) * ld;
    int o7 = s0 + Math.min(7, last) * ld;
    int advance = L == 8 ? step : L;
    int p = 0;
    while (true) {
      FloatVector r0 = FloatVector.fromArray(F, src, s0 + p);
      FloatVector r1 = FloatVector.fromArray(F, src, o1 + p);
      FloatVector r2 = FloatVector.fromArray(F, src, o2 + p);
      FloatVector r3 = FloatVector.fromArray(F, src, o3 + p);
      FloatVector r4 = FloatVector.fromArray(F, src, o4 + p);
      FloatVector r5 = FloatVector.fromArray(F, src, o5 + p);
      FloatVector r6 = FloatVector.fromArray(F, src, o6 + p);
      FloatVector r7 = FloatVector.fromArray(F, src, o7 + p);
      FloatVector t0 = LOW.selectFrom(r0, r4);
      FloatVector t1 = HIGH.selectFrom(r0, r4);
      FloatVector t2 = LOW.selectFrom(r1, r5);
      FloatVector t3 = HIGH.selectFrom(r1, r5);
      FloatVector t4 = LOW.selectFrom(r2, r6);
      FloatVector t5 = HIGH.selectFrom(r2, r6);
      FloatVector t6 = LOW.selectFrom(r3, r7);
      FloatVector t7 = HIGH.selectFrom(r3, r7);
      FloatVector u0 = LOW.selectFrom(t0, t4);
      FloatVector u1 = HIGH.selectFrom(t0, t4);
      FloatVector u2 = LOW.selectFrom(t1, t5);
      FloatVector u3 = HIGH.selectFrom(t1, t5);
      FloatVector u4 = LOW.selectFrom(t2, t6);
      FloatVector u5 = HIGH.selectFrom(t2, t6);
      FloatVector u6 = LOW.selectFrom(t3, t7);
      FloatVector u7 = HIGH.selectFrom(t3, t7);
      FloatVector v0 = LOW.selectFrom(u0, u4);
      FloatVector v1 = HIGH.selectFrom(u0, u4);
      FloatVector v2 = LOW.selectFrom(u1, u5);
      FloatVector v3 = HIGH.selectFrom(u1, u5);
      FloatVector v4 = LOW.selectFrom(u2, u6);
      FloatVector v5 = HIGH.selectFrom(u2, u6);
      FloatVector v6 = LOW.selectFrom(u3, u7);
      FloatVector v7 = HIGH.selectFrom(u3, u7);
      int d = d0 + p * step;
      v0.intoArray(dst, d);
      v1.intoArray(dst, d + advance);
      v2.intoArray(dst, d + 2 * advance);
      v3.intoArray(dst, d + 3 * advance);
      v4.intoArray(dst, d + 4 * advance);
      v5.intoArray(dst, d + 5 * advance);
      v6.intoArray(dst, d + 6 * advance);
      v7.intoArray(dst, d + 7 * advance);
      if (p + L == k) {
        return;
      }
      p = Math.min(p + L, k - L);
    }
  }

  /** Interleaves 16 rows: see {@link #interleave}. */
  private static void interleave16(
      int k, float[] src, int s0, int ld, int last, float[] dst, int d0, int step) {
    int o1 = s0 + Math.min(1, last) * ld;
    int o2 = s0 + Math.min(2, last) * ld;
    int o3 = s0 + Math.min(3, last) * ld;
    int o4 = s0 + Math.min(4, last) * ld;
    int o5 = s0 + Math.min(5, last) * ld;
    int o6 = s0 + Math.min(6, last) * ld;
    int o7 = s0 + Math.min(7, last) * ld;
    int o8 = s0 + Math.min(8, last) * ld;
    int o9 = s0 + Math.min(9, last) * ld;
    int o10 = s0 + Math.min(10, last) * ld;
    int o11 = s0 + Math.min(11, last) * ld;
    int o12 = s0 + Math.min(12, last) * ld;
    int o13 = s0 + Math.min(13, last) * ld;
    int o14 = s0 + Math.min(14, last) * ld;
    int o15 = s0 + Math.min(15, last) * ld;
    int advance = L == 16 ? step : L;
    int p = 0;
    while (true) {
      FloatVector r0 = FloatVector.fromArray(F, src, s0 + p);
      FloatVector r1 = FloatVector.fromArray(F, src, o1 + p);
      FloatVector r2 = FloatVector.fromArray(F, src, o2 + p);
      FloatVector r3 = FloatVector.fromArray(F, src, o3 + p);
      FloatVector r4 = FloatVector.fromArray(F, src, o4 + p);
      FloatVector r5 = FloatVector.fromArray(F, src, o5 + p);
      FloatVector r6 = FloatVector.fromArray(F, src, o6 + p);
      FloatVector r7 = FloatVector.fromArray(F, src, o7 + p);
      FloatVector r8 = FloatVector.fromArray(F, src, o8 + p);
      FloatVector r9 = FloatVector.fromArray(F, src, o9 + p);
      FloatVector r10 = FloatVector.fromArray(F, src, o10 + p);
      FloatVector r11 = FloatVector.fromArray(F, src, o11 + p);
      FloatVector r12 = FloatVector.fromArray(F, src, o12 + p);
      FloatVector r13 = FloatVector.fromArray(F, src, o13 + p);
      FloatVector r14 = FloatVector.fromArray(F, src, o14 + p);
      FloatVector r15 = FloatVector.fromArray(F, src, o15 + p);
      FloatVector t0 = LOW.selectFrom(r0, r8);
      FloatVector t1 = HIGH.selectFrom(r0, r8);
      FloatVector t2 = LOW.selectFrom(r1, r9);
      FloatVector t3 = HIGH.selectFrom(r1, r9);
      FloatVector t4 = LOW.selectFrom(r2, r10);
      FloatVector t5 = HIGH.selectFrom(r2, r10);
      FloatVector t6 = LOW.selectFrom(r3, r11);
      FloatVector t7 = HIGH.selectFrom(r3, r11);
      FloatVector t8 = LOW.selectFrom(r4, r12);
      FloatVector t9 = HIGH.selectFrom(r4, r12);
      FloatVector t10 = LOW.selectFrom(r5, r13);
      FloatVector t11 = HIGH.selectFrom(r5, r13);
      FloatVector t12 = LOW.selectFrom(r6, r14);
      FloatVector t13 = HIGH.selectFrom(r6, r14);
      FloatVector t14 = LOW.selectFrom(r7, r15);
      FloatVector t15 = HIGH.selectFrom(r7, r15);
      FloatVector u0 = LOW.selectFrom(t0, t8);
      FloatVector u1 = HIGH.selectFrom(t0, t8);
      FloatVector u2 = LOW.selectFrom(t1, t9);
      FloatVector u3 = HIGH.selectFrom(t1, t9);
      FloatVector u4 = LOW.selectFrom(t2, t10);
      FloatVector u5 = HIGH.selectFrom(t2, t10);
      FloatVector u6 = LOW.selectFrom(t3, t11);
      FloatVector u7 = HIGH.selectFrom(t3, t11);
      FloatVector u8 = LOW.selectFrom(t4, t12);
      FloatVector u9 = HIGH.selectFrom(t4, t12);
      FloatVector u10 = LOW.selectFrom(t5, t13);
      FloatVector u11 = HIGH.selectFrom(t5, t13);
      FloatVector u12 = LOW.selectFrom(t6, t14);
      FloatVector u13 = HIGH.selectFrom(t6, t14);
      FloatVector u14 = LOW.selectFrom(t7, t15);
      FloatVector u15 = HIGH.selectFrom(t7, t15);
      FloatVector v0 = LOW.selectFrom(u0, u8);
      FloatVector v1 = HIGH.selectFrom(u0, u8);
      FloatVector v2 = LOW.selectFrom(u1, u9);
      FloatVector v3 = HIGH.selectFrom(u1, u9);
      FloatVector v4 = LOW.selectFrom(u2, u10);
      FloatVector v5 = HIGH.selectFrom(u2, u10);
      FloatVector v6 = LOW.selectFrom(u3, u11);
      FloatVector v7 = HIGH.selectFrom(u3, u11);
      FloatVector v8 = LOW.selectFrom(u4, u12);
      FloatVector v9 = HIGH.selectFrom(u4, u12);
      FloatVector v10 = LOW.selectFrom(u5, u13);
      FloatVector v11 = HIGH.selectFrom(u5, u13);
      FloatVector v12 = LOW.selectFrom(u6, u14);
      FloatVector v13 = HIGH.selectFrom(u6, u14);
      FloatVector v14 = LOW.selectFrom(u7, u15);
      FloatVector v15 = HIGH.selectFrom(u7, u15);
      FloatVector w0 = LOW.selectFrom(v0, v8);
      FloatVector w1 = HIGH.selectFrom(v0, v8);
      FloatVector w2 = LOW.selectFrom(v1, v9);
      FloatVector w3 = HIGH.selectFrom(v1, v9);
      FloatVector w4 = LOW.selectFrom(v2, v10);
      FloatVector w5 = HIGH.selectFrom(v2, v10);
      FloatVector w6 = LOW.selectFrom(v3, v11);
      FloatVector w7 = HIGH.selectFrom(v3, v11);
      FloatVector w8 = LOW.selectFrom(v4, v12);
      FloatVector w9 = HIGH.selectFrom(v4, v12);
      FloatVector w10 = LOW.selectFrom(v5, v13);
      FloatVector w11 = HIGH.selectFrom(v5, v13);
      FloatVector w12 = LOW.selectFrom(v6, v14);
      FloatVector w13 = HIGH.selectFrom(v6, v14);
      FloatVector w14 = LOW.selectFrom(v7, v15);
      FloatVector w15 = HIGH.selectFrom(v7, v15);
      int d = d0 + p * step;
      w0.intoArray(dst, d);
      w1.intoArray(dst, d + advance);
      w2.intoArray(dst, d + 2 * advance);
      w3.intoArray(dst, d + 3 * advance);
      w4.intoArray(dst, d + 4 * advance);
      w5.intoArray(dst, d + 5 * advance);
      w6.intoArray(dst, d + 6 * advance);
      w7.intoArray(dst, d + 7 * advance);
      w8.intoArray(dst, d + 8 * advance);
      w9.intoArray(dst, d + 9 * advance);
      w10.intoArray(dst, d + 10 * advance);
      w11.intoArray(dst, d + 11 * advance);
      w12.intoArray(dst, d + 12 * advance);
      w13.intoArray(dst, d + 13 * advance);
      w14.intoArray(dst, d + 14 * advance);
      w15.intoArray(dst, d + 15 * advance);
      if (p + L == k) {
        return;
      }
      p = Math.min(p + L, k - L);
    }
  }
}
