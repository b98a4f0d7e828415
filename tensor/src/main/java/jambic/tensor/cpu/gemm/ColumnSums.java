package jambic.tensor.cpu.gemm;

import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Adds up the columns of a matrix, which is the gradient of a bias. A worker takes some columns and
 * walks down all rows; sums of {@link #BLOCK} rows are added up in turn, so that rounding errors
 * grow with the number of blocks rather than of rows.
 */
public final class ColumnSums {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();
  private static final int WIDTH = 4 * L;
  private static final int BLOCK = 64;

  /** Below this many elements (a few microseconds) one thread does it. */
  private static final int SERIAL = 1 << 16;

  private final Workers workers;
  private final Workers.Task task = this::sumPiece;

  private float[] sums;
  private int sumsOffset;
  private Matrix x;
  private boolean accumulate;

  /**
   * Creates the kernel.
   *
   * @param workers who computes
   */
  public ColumnSums(Workers workers) {
    this.workers = workers;
  }

  /** {@code sums[sumsOffset + j] = } the sum of column {@code j} of {@code x}, or {@code +=}. */
  public void sum(float[] sums, int sumsOffset, Matrix x, boolean accumulate) {
    assert !x.transposed();
    this.sums = sums;
    this.sumsOffset = sumsOffset;
    this.x = x;
    this.accumulate = accumulate;
    int pieces = (x.columns() + WIDTH - 1) / WIDTH;
    if ((long) x.rows() * x.columns() < SERIAL) {
      for (int i = 0; i < pieces; i++) {
        sumPiece(i, 0);
      }
    } else {
      workers.parallel(pieces, task);
    }
  }

  private void sumPiece(int piece, int worker) {
    int from = piece * WIDTH;
    int end = Math.min(from + WIDTH, x.columns());
    if (!accumulate) {
      Arrays.fill(sums, sumsOffset + from, sumsOffset + end, 0);
    }
    float[] data = x.data();
    int rows = x.rows();
    int stride = x.stride();
    for (int i = 0; i < rows; i += BLOCK) {
      int count = Math.min(BLOCK, rows - i);
      int at = x.at(i, from);
      if (end - from == WIDTH) {
        addWide(sums, sumsOffset + from, data, at, count, stride);
      } else {
        addNarrow(sums, sumsOffset + from, data, at, count, stride, end - from);
      }
    }
  }

  private static void addWide(float[] sums, int to, float[] data, int at, int rows, int stride) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < rows; i++) {
      s0 = s0.add(FloatVector.fromArray(F, data, at));
      s1 = s1.add(FloatVector.fromArray(F, data, at + L));
      s2 = s2.add(FloatVector.fromArray(F, data, at + 2 * L));
      s3 = s3.add(FloatVector.fromArray(F, data, at + 3 * L));
      at += stride;
    }
    s0.add(FloatVector.fromArray(F, sums, to)).intoArray(sums, to);
    s1.add(FloatVector.fromArray(F, sums, to + L)).intoArray(sums, to + L);
    s2.add(FloatVector.fromArray(F, sums, to + 2 * L)).intoArray(sums, to + 2 * L);
    s3.add(FloatVector.fromArray(F, sums, to + 3 * L)).intoArray(sums, to + 3 * L);
  }

  /** As many whole vectors as fit, then a column at a time. */
  private static void addNarrow(
      float[] sums, int to, float[] data, int at, int rows, int stride, int width) {
    int j = 0;
    for (; j <= width - L; j += L) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = 0; i < rows; i++) {
        sum = sum.add(FloatVector.fromArray(F, data, at + j + i * stride));
      }
      sum.add(FloatVector.fromArray(F, sums, to + j)).intoArray(sums, to + j);
    }
    for (; j < width; j++) {
      float sum = 0;
      for (int i = 0; i < rows; i++) {
        sum += data[at + j + i * stride];
      }
      sums[to + j] += sum;
    }
  }
}
