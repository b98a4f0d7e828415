package jambic.tensor.cpu.gemm;

import static jdk.incubator.vector.VectorOperators.F2I;
import static jdk.incubator.vector.VectorOperators.LT;

import jambic.tensor.cpu.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Inner products of the rows of two matrices, row by row. Lanes run along the rows; the sums that
 * they hold at the end are added up for as many rows at a time as there are lanes, in an order that
 * depends on nothing but the length of a row.
 *
 * <p>Two loads and more feed each multiply-add, and limit it. The kernels are small because the
 * first compiler (C1) gives up on a method that unfolds to too many vector operations, and then the
 * second never gets to see it.
 */
public final class RowDots {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();

  private static final FloatVector INDEX = FloatVector.zero(F).addIndex(1);

  // Orders of lanes. As integers: those of floats would be converted again and again.
  private static final IntVector LOW = order(Lanes.LOW);
  private static final IntVector HIGH = order(Lanes.HIGH);

  /** The numbers below the lane count with their bits in reverse. */
  private static final IntVector REVERSED = order(reversed());

  private RowDots() {}

  private static FloatVector reversed() {
    float[] order = new float[L];
    for (int i = 0; i < L; i++) {
      order[i] = Integer.reverse(i) >>> Integer.numberOfLeadingZeros(L) + 1;
    }
    return FloatVector.fromArray(F, order, 0);
  }

  private static IntVector order(FloatVector lanes) {
    return (IntVector) lanes.convert(F2I, 0);
  }

  /** How much memory the parts of {@code rows} products need. */
  public static int parts(int rows) {
    return (rows + L - 1) / L * L * L;
  }

  /**
   * Multiplies row i of {@code a} by row i of {@code b}.
   *
   * @param w holds what follows
   * @param dots receives the products: {@code rows} rounded up to whole vectors, of which those
   *     behind the last row mean nothing
   * @param parts is overwritten
   * @param a one matrix, {@code n} wide, from {@code ai}, rows {@code lda} apart
   * @param b the other
   */
  public static void multiply(
      float[] w,
      int dots,
      int parts,
      float[] a,
      int ai,
      int lda,
      float[] b,
      int bi,
      int ldb,
      int rows,
      int n) {
    sums(w, parts, a, ai, lda, b, bi, ldb, rows, n);
    combine(w, dots, parts, rows);
  }

  /**
   * Leaves each product in the lanes of a vector. Four vectors of all rows come first, then the
   * next four: a loop over one short row would cost more to enter than it does.
   */
  private static void sums(
      float[] w,
      int parts,
      float[] a,
      int ai,
      int lda,
      float[] b,
      int bi,
      int ldb,
      int rows,
      int n) {
    int d = 0;
    for (; d <= n - 4 * L; d += 4 * L) {
      for (int i = 0; i < rows; i++) {
        int x = ai + i * lda + d;
        int y = bi + i * ldb + d;
        FloatVector s = FloatVector.fromArray(F, a, x).mul(FloatVector.fromArray(F, b, y));
        FloatVector t = FloatVector.fromArray(F, a, x + L).mul(FloatVector.fromArray(F, b, y + L));
        s = FloatVector.fromArray(F, a, x + 2 * L).fma(FloatVector.fromArray(F, b, y + 2 * L), s);
        t = FloatVector.fromArray(F, a, x + 3 * L).fma(FloatVector.fromArray(F, b, y + 3 * L), t);
        s = s.add(t);
        if (d > 0) {
          s = s.add(FloatVector.fromArray(F, w, parts + i * L));
        }
        s.intoArray(w, parts + i * L);
      }
    }
    for (; d < n; d += L) {
      VectorMask<Float> exists = INDEX.compare(LT, (float) (n - d));
      for (int i = 0; i < rows; i++) {
        FloatVector x = FloatVector.fromArray(F, a, ai + i * lda + d, exists);
        FloatVector y = FloatVector.fromArray(F, b, bi + i * ldb + d, exists);
        FloatVector s = x.mul(y);
        if (d > 0) {
          s = s.add(FloatVector.fromArray(F, w, parts + i * L));
        }
        s.intoArray(w, parts + i * L);
      }
    }
  }

  /**
   * Adds up the lanes of each product. Every round halves the vectors: two become the sum of the
   * halves of their interleaving. In the end lane l holds the product whose number is l with its
   * bits in reverse.
   */
  private static void combine(float[] w, int dots, int parts, int rows) {
    int vectors = (rows + L - 1) / L;
    for (int n = vectors * L / 2; n >= vectors; n /= 2) {
      for (int i = 0; i < n; i++) {
        IntVector x = FloatVector.fromArray(F, w, parts + 2 * i * L).reinterpretAsInts();
        IntVector y = FloatVector.fromArray(F, w, parts + 2 * i * L + L).reinterpretAsInts();
        FloatVector low = LOW.selectFrom(x, y).reinterpretAsFloats();
        low.add(HIGH.selectFrom(x, y).reinterpretAsFloats()).intoArray(w, parts + i * L);
      }
    }
    for (int i = 0; i < vectors; i++) {
      IntVector x = FloatVector.fromArray(F, w, parts + i * L).reinterpretAsInts();
      REVERSED.selectFrom(x).reinterpretAsFloats().intoArray(w, dots + i * L);
    }
  }
}
