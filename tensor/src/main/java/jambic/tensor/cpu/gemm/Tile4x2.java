package jambic.tensor.cpu.gemm;

import jambic.tensor.cpu.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** The tile of attention for 16 vector registers: 4 rows by 2 vectors, 8 accumulators. */
final class Tile4x2 implements Tile {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();

  @Override
  public int rows() {
    return 4;
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
    int a1 = ai + lda;
    int a2 = ai + 2 * lda;
    int a3 = ai + 3 * lda;
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
    } else {
      c00.intoArray(c, ci);
      ci += ldc;
      c10.intoArray(c, ci);
      ci += ldc;
      c20.intoArray(c, ci);
      ci += ldc;
      c30.intoArray(c, ci);
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
    int a1 = ai + lda;
    int a2 = ai + 2 * lda;
    int a3 = ai + 3 * lda;
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
    } else {
      c00.intoArray(c, ci);
      ci += ldc;
      c10.intoArray(c, ci);
      ci += ldc;
      c20.intoArray(c, ci);
      ci += ldc;
      c30.intoArray(c, ci);
    }
  }
}
