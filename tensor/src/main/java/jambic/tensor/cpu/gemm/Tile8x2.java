package jambic.tensor.cpu.gemm;

import jambic.tensor.cpu.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The tile for 32 vector registers: 8 rows by 2 vectors, 16 accumulators. Each step costs 16
 * multiply-adds, 2 loads and 8 broadcasts, so that the multiply-adds bind even where the loads
 * cross cache lines.
 *
 * <p>On a Zen 5 core, whose multiply-adds peak at 277 GFLOP/s with 512 bits, panels of 384 steps
 * reach 258 to 271. So do 10 x 2, 12 x 2 and 6 x 4, which waste more at the edges of common sizes;
 * 8 x 3 and 5 x 5 do not (218). C2 spills no vector of this loop; the bounds checks it keeps, since
 * the distances of steps are variables, hide behind the multiply-adds.
 */
final class Tile8x2 implements Tile {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();

  @Override
  public int rows() {
    return 8;
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
    FloatVector c50 = z0;
    FloatVector c51 = z1;
    FloatVector c60 = z0;
    FloatVector c61 = z1;
    FloatVector c70 = z0;
    FloatVector c71 = z1;
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
      FloatVector x5 = FloatVector.broadcast(F, a[ai + 5]);
      c50 = x5.fma(b0, c50);
      c51 = x5.fma(b1, c51);
      FloatVector x6 = FloatVector.broadcast(F, a[ai + 6]);
      c60 = x6.fma(b0, c60);
      c61 = x6.fma(b1, c61);
      FloatVector x7 = FloatVector.broadcast(F, a[ai + 7]);
      c70 = x7.fma(b0, c70);
      c71 = x7.fma(b1, c71);
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
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c50).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c51).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c60).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c61).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c70).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c71).intoArray(c, ci + L);
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
      ci += ldc;
      c50.intoArray(c, ci);
      c51.intoArray(c, ci + L);
      ci += ldc;
      c60.intoArray(c, ci);
      c61.intoArray(c, ci + L);
      ci += ldc;
      c70.intoArray(c, ci);
      c71.intoArray(c, ci + L);
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
    FloatVector c50 = z0;
    FloatVector c51 = z1;
    FloatVector c60 = z0;
    FloatVector c61 = z1;
    FloatVector c70 = z0;
    FloatVector c71 = z1;
    int a1 = ai + lda;
    int a2 = ai + 2 * lda;
    int a3 = ai + 3 * lda;
    int a4 = ai + 4 * lda;
    int a5 = ai + 5 * lda;
    int a6 = ai + 6 * lda;
    int a7 = ai + 7 * lda;
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
      FloatVector x5 = FloatVector.broadcast(F, a[a5 + p]);
      c50 = x5.fma(b0, c50);
      c51 = x5.fma(b1, c51);
      FloatVector x6 = FloatVector.broadcast(F, a[a6 + p]);
      c60 = x6.fma(b0, c60);
      c61 = x6.fma(b1, c61);
      FloatVector x7 = FloatVector.broadcast(F, a[a7 + p]);
      c70 = x7.fma(b0, c70);
      c71 = x7.fma(b1, c71);
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
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c50).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c51).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c60).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c61).intoArray(c, ci + L);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c70).intoArray(c, ci);
      FloatVector.fromArray(F, c, ci + L).add(c71).intoArray(c, ci + L);
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
      ci += ldc;
      c50.intoArray(c, ci);
      c51.intoArray(c, ci + L);
      ci += ldc;
      c60.intoArray(c, ci);
      c61.intoArray(c, ci + L);
      ci += ldc;
      c70.intoArray(c, ci);
      c71.intoArray(c, ci + L);
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
    FloatVector c50 = z0;
    FloatVector c60 = z0;
    FloatVector c70 = z0;
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
      FloatVector x5 = FloatVector.broadcast(F, a[ai + 5]);
      c50 = x5.fma(b0, c50);
      FloatVector x6 = FloatVector.broadcast(F, a[ai + 6]);
      c60 = x6.fma(b0, c60);
      FloatVector x7 = FloatVector.broadcast(F, a[ai + 7]);
      c70 = x7.fma(b0, c70);
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
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c50).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c60).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c70).intoArray(c, ci);
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
      ci += ldc;
      c50.intoArray(c, ci);
      ci += ldc;
      c60.intoArray(c, ci);
      ci += ldc;
      c70.intoArray(c, ci);
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
    FloatVector c50 = z0;
    FloatVector c60 = z0;
    FloatVector c70 = z0;
    int a1 = ai + lda;
    int a2 = ai + 2 * lda;
    int a3 = ai + 3 * lda;
    int a4 = ai + 4 * lda;
    int a5 = ai + 5 * lda;
    int a6 = ai + 6 * lda;
    int a7 = ai + 7 * lda;
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
      FloatVector x5 = FloatVector.broadcast(F, a[a5 + p]);
      c50 = x5.fma(b0, c50);
      FloatVector x6 = FloatVector.broadcast(F, a[a6 + p]);
      c60 = x6.fma(b0, c60);
      FloatVector x7 = FloatVector.broadcast(F, a[a7 + p]);
      c70 = x7.fma(b0, c70);
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
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c50).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c60).intoArray(c, ci);
      ci += ldc;
      FloatVector.fromArray(F, c, ci).add(c70).intoArray(c, ci);
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
      ci += ldc;
      c50.intoArray(c, ci);
      ci += ldc;
      c60.intoArray(c, ci);
      ci += ldc;
      c70.intoArray(c, ci);
    }
  }
}
