package jambic.tensor.cpu.gemm;

import jambic.tensor.cpu.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The tile of products for 16 vector registers: 5 rows by 2 vectors, 10 accumulators. Every larger
 * one spills.
 *
 * <p>What bounds it is how many instructions a core takes in, most of all where its other thread is
 * busy. So {@link #packed2} makes two steps in a turn and reads {@code b} at a constant stride,
 * whose checks C2 makes before the loop. But {@code aStep} must stay unknown to C2, as it does
 * because a method of this size is not inlined: the check of each step's place in {@code a} is what
 * keeps it from loading all factors first, for which there are no registers. On a Zen 3 (peak 101
 * GFLOP/s a core) this tile makes 96 to 98 GFLOP/s by its best calls, where one of 4 rows that made
 * a step in a turn and all checks made 84 (bench/README.md).
 */
final class Tile5x2 implements Tile {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();

  @Override
  public int rows() {
    return 5;
  }

  @Override
  public void packed2(
      int k,
      float[] a,
      int aFrom,
      int aStep,
      float[] b,
      int bFrom,
      float[] c,
      int cFrom,
      int ldc,
      boolean add,
      float[] init,
      int ii) {
    int ai = aFrom;
    FloatVector z0 = FloatVector.fromArray(F, init, ii);
    FloatVector z1 = FloatVector.fromArray(F, init, ii + L);
    FloatVector c00 = z0;
    FloatVector c01 = z1;
    FloatVector c10 = z0;
    FloatVector c11 = z1;
    FloatVector c20 = z0;
    FloatVector c21 = z1;
    FloatVector c30 = z0;
    FloatVector c31 = z1;
    FloatVector c40 = z0;
    FloatVector c41 = z1;
    int p = 0;
    for (; p < k - 1; p += 2) {
      int bi = bFrom + p * 2 * L;
      FloatVector b0 = FloatVector.fromArray(F, b, bi);
      FloatVector b1 = FloatVector.fromArray(F, b, bi + L);
      FloatVector x0 = FloatVector.broadcast(F, a[ai]);
      c00 = x0.fma(b0, c00);
      c01 = x0.fma(b1, c01);
      FloatVector x1 = FloatVector.broadcast(F, a[ai + 1]);
      c10 = x1.fma(b0, c10);
      c11 = x1.fma(b1, c11);
      FloatVector x2 = FloatVector.broadcast(F, a[ai + 2]);
      c20 = x2.fma(b0, c20);
      c21 = x2.fma(b1, c21);
      FloatVector x3 = FloatVector.broadcast(F, a[ai + 3]);
      c30 = x3.fma(b0, c30);
      c31 = x3.fma(b1, c31);
      FloatVector x4 = FloatVector.broadcast(F, a[ai + 4]);
      c40 = x4.fma(b0, c40);
      c41 = x4.fma(b1, c41);
      ai += aStep;
      FloatVector d0 = FloatVector.fromArray(F, b, bi + 2 * L);
      FloatVector d1 = FloatVector.fromArray(F, b, bi + 3 * L);
      FloatVector y0 = FloatVector.broadcast(F, a[ai]);
      c00 = y0.fma(d0, c00);
      c01 = y0.fma(d1, c01);
      FloatVector y1 = FloatVector.broadcast(F, a[ai + 1]);
      c10 = y1.fma(d0, c10);
      c11 = y1.fma(d1, c11);
      FloatVector y2 = FloatVector.broadcast(F, a[ai + 2]);
      c20 = y2.fma(d0, c20);
      c21 = y2.fma(d1, c21);
      FloatVector y3 = FloatVector.broadcast(F, a[ai + 3]);
      c30 = y3.fma(d0, c30);
      c31 = y3.fma(d1, c31);
      FloatVector y4 = FloatVector.broadcast(F, a[ai + 4]);
      c40 = y4.fma(d0, c40);
      c41 = y4.fma(d1, c41);
      ai += aStep;
    }
    if (p < k) {
      int bi = bFrom + p * 2 * L;
      FloatVector b0 = FloatVector.fromArray(F, b, bi);
      FloatVector b1 = FloatVector.fromArray(F, b, bi + L);
      FloatVector x0 = FloatVector.broadcast(F, a[ai]);
      c00 = x0.fma(b0, c00);
      c01 = x0.fma(b1, c01);
      FloatVector x1 = FloatVector.broadcast(F, a[ai + 1]);
      c10 = x1.fma(b0, c10);
      c11 = x1.fma(b1, c11);
      FloatVector x2 = FloatVector.broadcast(F, a[ai + 2]);
      c20 = x2.fma(b0, c20);
      c21 = x2.fma(b1, c21);
      FloatVector x3 = FloatVector.broadcast(F, a[ai + 3]);
      c30 = x3.fma(b0, c30);
      c31 = x3.fma(b1, c31);
      FloatVector x4 = FloatVector.broadcast(F, a[ai + 4]);
      c40 = x4.fma(b0, c40);
      c41 = x4.fma(b1, c41);
    }
    int ci = cFrom;
    if (add) {
      FloatVector.fromArray(F, c, ci).add(c00).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c01).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c10).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c11).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c20).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c21).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c30).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c31).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c40).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c41).intoArray(c, ci + L);
    } else {
      c00.intoArray(c, ci);
      c01.intoArray(c, ci + L);
      ci += ldc;
      c10.intoArray(c, ci);
      c11.intoArray(c, ci + L);
      ci += ldc;
      c20.intoArray(c, ci);
      c21.intoArray(c, ci + L);
      ci += ldc;
      c30.intoArray(c, ci);
      c31.intoArray(c, ci + L);
      ci += ldc;
      c40.intoArray(c, ci);
      c41.intoArray(c, ci + L);
    }
  }

  @Override
  public void steps2(
      int k,
      float[] a,
      int aFrom,
      int aStep,
      float[] b,
      int bFrom,
      int bStep,
      float[] c,
      int cFrom,
      int ldc,
      boolean add,
      float[] init,
      int ii) {
    int ai = aFrom;
    int bi = bFrom;
    FloatVector z0 = FloatVector.fromArray(F, init, ii);
    FloatVector z1 = FloatVector.fromArray(F, init, ii + L);
    FloatVector c00 = z0;
    FloatVector c01 = z1;
    FloatVector c10 = z0;
    FloatVector c11 = z1;
    FloatVector c20 = z0;
    FloatVector c21 = z1;
    FloatVector c30 = z0;
    FloatVector c31 = z1;
    FloatVector c40 = z0;
    FloatVector c41 = z1;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(F, b, bi);
      FloatVector b1 = FloatVector.fromArray(F, b, bi + L);
      FloatVector x0 = FloatVector.broadcast(F, a[ai]);
      c00 = x0.fma(b0, c00);
      c01 = x0.fma(b1, c01);
      FloatVector x1 = FloatVector.broadcast(F, a[ai + 1]);
      c10 = x1.fma(b0, c10);
      c11 = x1.fma(b1, c11);
      FloatVector x2 = FloatVector.broadcast(F, a[ai + 2]);
      c20 = x2.fma(b0, c20);
      c21 = x2.fma(b1, c21);
      FloatVector x3 = FloatVector.broadcast(F, a[ai + 3]);
      c30 = x3.fma(b0, c30);
      c31 = x3.fma(b1, c31);
      FloatVector x4 = FloatVector.broadcast(F, a[ai + 4]);
      c40 = x4.fma(b0, c40);
      c41 = x4.fma(b1, c41);
      ai += aStep;
      bi += bStep;
    }
    int ci = cFrom;
    if (add) {
      FloatVector.fromArray(F, c, ci).add(c00).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c01).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c10).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c11).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c20).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c21).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c30).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c31).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c40).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c41).intoArray(c, ci + L);
    } else {
      c00.intoArray(c, ci);
      c01.intoArray(c, ci + L);
      ci += ldc;
      c10.intoArray(c, ci);
      c11.intoArray(c, ci + L);
      ci += ldc;
      c20.intoArray(c, ci);
      c21.intoArray(c, ci + L);
      ci += ldc;
      c30.intoArray(c, ci);
      c31.intoArray(c, ci + L);
      ci += ldc;
      c40.intoArray(c, ci);
      c41.intoArray(c, ci + L);
    }
  }

  @Override
  public void rows2(
      int k,
      float[] a,
      int ai,
      int lda,
      float[] b,
      int bFrom,
      int bStep,
      float[] c,
      int cFrom,
      int ldc,
      boolean add,
      float[] init,
      int ii) {
    int bi = bFrom;
    FloatVector z0 = FloatVector.fromArray(F, init, ii);
    FloatVector z1 = FloatVector.fromArray(F, init, ii + L);
    FloatVector c00 = z0;
    FloatVector c01 = z1;
    FloatVector c10 = z0;
    FloatVector c11 = z1;
    FloatVector c20 = z0;
    FloatVector c21 = z1;
    FloatVector c30 = z0;
    FloatVector c31 = z1;
    FloatVector c40 = z0;
    FloatVector c41 = z1;
    int a1 = ai + lda;
    int a2 = ai + 2 * lda;
    int a3 = ai + 3 * lda;
    int a4 = ai + 4 * lda;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(F, b, bi);
      FloatVector b1 = FloatVector.fromArray(F, b, bi + L);
      FloatVector x0 = FloatVector.broadcast(F, a[ai + p]);
      c00 = x0.fma(b0, c00);
      c01 = x0.fma(b1, c01);
      FloatVector x1 = FloatVector.broadcast(F, a[a1 + p]);
      c10 = x1.fma(b0, c10);
      c11 = x1.fma(b1, c11);
      FloatVector x2 = FloatVector.broadcast(F, a[a2 + p]);
      c20 = x2.fma(b0, c20);
      c21 = x2.fma(b1, c21);
      FloatVector x3 = FloatVector.broadcast(F, a[a3 + p]);
      c30 = x3.fma(b0, c30);
      c31 = x3.fma(b1, c31);
      FloatVector x4 = FloatVector.broadcast(F, a[a4 + p]);
      c40 = x4.fma(b0, c40);
      c41 = x4.fma(b1, c41);
      bi += bStep;
    }
    int ci = cFrom;
    if (add) {
      FloatVector.fromArray(F, c, ci).add(c00).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c01).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c10).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c11).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c20).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c21).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c30).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c31).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c40).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c41).intoArray(c, ci + L);
    } else {
      c00.intoArray(c, ci);
      c01.intoArray(c, ci + L);
      ci += ldc;
      c10.intoArray(c, ci);
      c11.intoArray(c, ci + L);
      ci += ldc;
      c20.intoArray(c, ci);
      c21.intoArray(c, ci + L);
      ci += ldc;
      c30.intoArray(c, ci);
      c31.intoArray(c, ci + L);
      ci += ldc;
      c40.intoArray(c, ci);
      c41.intoArray(c, ci + L);
    }
  }

  @Override
  public void steps1(
      int k,
      float[] a,
      int aFrom,
      int aStep,
      float[] b,
      int bFrom,
      int bStep,
      float[] c,
      int cFrom,
      int ldc,
      boolean add,
      float[] init,
      int ii) {
    int ai = aFrom;
    int bi = bFrom;
    FloatVector z0 = FloatVector.fromArray(F, init, ii);
    FloatVector c00 = z0;
    FloatVector c10 = z0;
    FloatVector c20 = z0;
    FloatVector c30 = z0;
    FloatVector c40 = z0;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(F, b, bi);
      FloatVector x0 = FloatVector.broadcast(F, a[ai]);
      c00 = x0.fma(b0, c00);
      FloatVector x1 = FloatVector.broadcast(F, a[ai + 1]);
      c10 = x1.fma(b0, c10);
      FloatVector x2 = FloatVector.broadcast(F, a[ai + 2]);
      c20 = x2.fma(b0, c20);
      FloatVector x3 = FloatVector.broadcast(F, a[ai + 3]);
      c30 = x3.fma(b0, c30);
      FloatVector x4 = FloatVector.broadcast(F, a[ai + 4]);
      c40 = x4.fma(b0, c40);
      ai += aStep;
      bi += bStep;
    }
    int ci = cFrom;
    if (add) {
      FloatVector.fromArray(F, c, ci).add(c00).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c10).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c20).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c30).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c40).intoArray(c, ci);
    } else {
      c00.intoArray(c, ci);
      ci += ldc;
      c10.intoArray(c, ci);
      ci += ldc;
      c20.intoArray(c, ci);
      ci += ldc;
      c30.intoArray(c, ci);
      ci += ldc;
      c40.intoArray(c, ci);
    }
  }

  @Override
  public void rows1(
      int k,
      float[] a,
      int ai,
      int lda,
      float[] b,
      int bFrom,
      int bStep,
      float[] c,
      int cFrom,
      int ldc,
      boolean add,
      float[] init,
      int ii) {
    int bi = bFrom;
    FloatVector z0 = FloatVector.fromArray(F, init, ii);
    FloatVector c00 = z0;
    FloatVector c10 = z0;
    FloatVector c20 = z0;
    FloatVector c30 = z0;
    FloatVector c40 = z0;
    int a1 = ai + lda;
    int a2 = ai + 2 * lda;
    int a3 = ai + 3 * lda;
    int a4 = ai + 4 * lda;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(F, b, bi);
      FloatVector x0 = FloatVector.broadcast(F, a[ai + p]);
      c00 = x0.fma(b0, c00);
      FloatVector x1 = FloatVector.broadcast(F, a[a1 + p]);
      c10 = x1.fma(b0, c10);
      FloatVector x2 = FloatVector.broadcast(F, a[a2 + p]);
      c20 = x2.fma(b0, c20);
      FloatVector x3 = FloatVector.broadcast(F, a[a3 + p]);
      c30 = x3.fma(b0, c30);
      FloatVector x4 = FloatVector.broadcast(F, a[a4 + p]);
      c40 = x4.fma(b0, c40);
      bi += bStep;
    }
    int ci = cFrom;
    if (add) {
      FloatVector.fromArray(F, c, ci).add(c00).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c10).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c20).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c30).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c40).intoArray(c, ci);
    } else {
      c00.intoArray(c, ci);
      ci += ldc;
      c10.intoArray(c, ci);
      ci += ldc;
      c20.intoArray(c, ci);
      ci += ldc;
      c30.intoArray(c, ci);
      ci += ldc;
      c40.intoArray(c, ci);
    }
  }
}
