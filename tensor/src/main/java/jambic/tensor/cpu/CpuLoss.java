package jambic.tensor.cpu;

import static jambic.tensor.cpu.simd.Exponential.C0;
import static jambic.tensor.cpu.simd.Exponential.C1;
import static jambic.tensor.cpu.simd.Exponential.C2;
import static jambic.tensor.cpu.simd.Exponential.C3;
import static jambic.tensor.cpu.simd.Exponential.C4;
import static jambic.tensor.cpu.simd.Exponential.EXPONENT_SHIFT;
import static jambic.tensor.cpu.simd.Exponential.LN2;
import static jambic.tensor.cpu.simd.Exponential.LN2_REST;
import static jambic.tensor.cpu.simd.Exponential.LOG2_E;
import static jambic.tensor.cpu.simd.Exponential.MIN;
import static jambic.tensor.cpu.simd.Exponential.ROUND;
import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;

import jambic.tensor.Tensor;
import jambic.tensor.cpu.simd.LaneSum;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.host.Indices;
import jambic.tensor.spi.LossKernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Softmax cross-entropy and log-probabilities: two passes over a row while it is cached, the
 * largest logit and then the sum of exponentials. One exponential a logit and pass: compute-bound
 * while the logits are cached, bound by memory for large vocabularies.
 */
public final class CpuLoss implements LossKernels {
  /** Logits of a piece: whole rows, one at least. */
  private static final int PIECE = 8192;

  /** How many exponentials are summed in float before the sum goes on in double. */
  private static final int CHUNK = 4096;

  /** The target of a row that does not count. */
  private static final int IGNORED = -1;

  private final Workers workers;

  /** The losses of the rows. */
  private double[] rowLosses = new double[0];

  CpuLoss(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void crossEntropy(
      Tensor loss, Tensor lse, Tensor logits, Tensor targets, float smoothing) {
    Indices.requireTargets("crossEntropy", targets, logits.dim(-1));
    int v = logits.dim(-1);
    int rows = logits.shape().rows();
    int rowsPerPiece = Math.ceilDiv(PIECE, v);
    if (rowLosses.length < rows) {
      rowLosses = new double[rows];
    }
    double[] losses = rowLosses;
    workers.parallel(
        Math.ceilDiv(rows, rowsPerPiece),
        (index, worker) -> {
          float[] lanes = workers.scratch(worker, LaneSum.LENGTH);
          int end = Math.min(rows, (index + 1) * rowsPerPiece);
          for (int r = index * rowsPerPiece; r < end; r++) {
            float[] x = floats(logits);
            int i = offset(logits) + r * v;
            double rowLse = logSumExp(x, i, v, lanes);
            floats(lse)[offset(lse) + r] = (float) rowLse;
            int target = ints(targets)[offset(targets) + r];
            if (target == IGNORED) {
              losses[r] = 0;
            } else {
              losses[r] = rowLse - (1.0 - smoothing) * x[i + target];
              if (smoothing > 0) {
                losses[r] -= smoothing / (double) v * sum(x, i, v, lanes);
              }
            }
          }
        });
    double sum = 0;
    for (int r = 0; r < rows; r++) {
      sum += losses[r];
    }
    int counted = counted(targets, rows);
    floats(loss)[offset(loss)] = counted == 0 ? 0 : (float) (sum / counted);
  }

  @Override
  public void crossEntropyBackward(
      Tensor dlogits, Tensor dloss, Tensor lse, Tensor logits, Tensor targets, float smoothing) {
    Indices.requireTargets("crossEntropy", targets, logits.dim(-1));
    int v = logits.dim(-1);
    int rows = logits.shape().rows();
    int rowsPerPiece = Math.ceilDiv(PIECE, v);
    int counted = counted(targets, rows);
    float scale = counted == 0 ? 0 : floats(dloss)[offset(dloss)] / counted;
    workers.parallel(
        Math.ceilDiv(rows, rowsPerPiece),
        (index, worker) -> {
          int end = Math.min(rows, (index + 1) * rowsPerPiece);
          for (int r = index * rowsPerPiece; r < end; r++) {
            float[] d = floats(dlogits);
            int o = offset(dlogits) + r * v;
            int target = ints(targets)[offset(targets) + r];
            if (target == IGNORED) {
              Arrays.fill(d, o, o + v, 0);
            } else {
              float rowLse = floats(lse)[offset(lse) + r];
              int i = offset(logits) + r * v;
              softmaxGradient(d, o, floats(logits), i, v, rowLse, smoothing / v, scale);
              d[o + target] -= (1 - smoothing) * scale;
            }
          }
        });
  }

  @Override
  public void logProbs(Tensor out, Tensor lse, Tensor logits, Tensor targets, float temperature) {
    Indices.requireTargets("logProbs", targets, logits.dim(-1));
    int v = logits.dim(-1);
    forEachRow(
        logits,
        temperature,
        (r, x, i, scratch) -> {
          double rowLse = logSumExp(x, i, v, scratch);
          floats(lse)[offset(lse) + r] = (float) rowLse;
          int target = ints(targets)[offset(targets) + r];
          floats(out)[offset(out) + r] = target == IGNORED ? 0 : (float) (x[i + target] - rowLse);
        });
  }

  @Override
  public void logProbsBackward(
      Tensor dlogits, Tensor dout, Tensor lse, Tensor logits, Tensor targets, float temperature) {
    Indices.requireTargets("logProbs", targets, logits.dim(-1));
    int v = logits.dim(-1);
    float[] d = floats(dlogits);
    forEachRow(
        logits,
        temperature,
        (r, x, i, scratch) -> {
          int o = offset(dlogits) + r * v;
          int target = ints(targets)[offset(targets) + r];
          if (target == IGNORED) {
            Arrays.fill(d, o, o + v, 0);
            return;
          }
          float scale = floats(dout)[offset(dout) + r] / temperature;
          softmaxGradient(d, o, x, i, v, floats(lse)[offset(lse) + r], 0, -scale);
          d[o + target] += scale;
        });
  }

  /** What is done with row r of {@code logits / temperature}, which begins at {@code x[i]}. */
  @FunctionalInterface
  private interface RowKernel {
    void run(int r, float[] x, int i, float[] scratch);
  }

  /** Rows are divided in scratch memory, so that the kernels know of no temperature. */
  private void forEachRow(Tensor logits, float temperature, RowKernel kernel) {
    int v = logits.dim(-1);
    int rows = logits.shape().rows();
    int rowsPerPiece = Math.ceilDiv(PIECE, v);
    workers.parallel(
        Math.ceilDiv(rows, rowsPerPiece),
        (index, worker) -> {
          int divided = temperature == 1 ? 0 : v;
          float[] scratch = workers.scratch(worker, LaneSum.LENGTH + divided);
          int end = Math.min(rows, (index + 1) * rowsPerPiece);
          for (int r = index * rowsPerPiece; r < end; r++) {
            int i = offset(logits) + r * v;
            if (temperature == 1) {
              kernel.run(r, floats(logits), i, scratch);
            } else {
              divide(scratch, LaneSum.LENGTH, floats(logits), i, v, temperature);
              kernel.run(r, scratch, LaneSum.LENGTH, scratch);
            }
          }
        });
  }

  private static int counted(Tensor targets, int rows) {
    int[] t = ints(targets);
    int counted = 0;
    for (int r = offset(targets); r < offset(targets) + rows; r++) {
      counted += t[r] == IGNORED ? 0 : 1;
    }
    return counted;
  }

  private static double logSumExp(float[] x, int i, int n, float[] lanes) {
    float max = max(x, i, n);
    double sum = 0;
    for (int k = 0; k < n; k += CHUNK) {
      sum += sumExp(x, i + k, Math.min(CHUNK, n - k), max, lanes);
    }
    return max + Math.log(sum);
  }

  private static void divide(float[] out, int o, float[] x, int i, int n, float divisor) {
    VectorSpecies<Float> f = Lanes.F;
    for (int k = 0; k < n; k += f.length()) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      fromArray(f, x, i + k, rest).div(divisor).intoArray(out, o + k, rest);
    }
  }

  private static float max(float[] x, int i, int n) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector max = broadcast(f, Float.NEGATIVE_INFINITY);
    for (int k = 0; k < n; k += f.length()) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      FloatVector a = fromArray(f, x, i + k, rest);
      max = max.blend(a, rest.and(a.compare(GT, max))); // a NaN shows up in the sum
    }
    return max.reduceLanes(MAX);
  }

  private static float sumExp(float[] x, int i, int n, float max, float[] lanes) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector sum = FloatVector.zero(f);
    for (int k = 0; k < n; k += f.length()) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      FloatVector h = fromArray(f, x, i + k, rest).sub(max);

      FloatVector rounded = h.fma(broadcast(f, LOG2_E), broadcast(f, ROUND));
      FloatVector w = rounded.sub(ROUND);
      FloatVector r = w.fma(broadcast(f, -LN2_REST), w.fma(broadcast(f, -LN2), h));
      FloatVector p = r.fma(broadcast(f, C4), broadcast(f, C3));
      p = p.fma(r, broadcast(f, C2)).fma(r, broadcast(f, C1)).fma(r, broadcast(f, C0));
      p = p.fma(r, broadcast(f, 1)).fma(r, broadcast(f, 1));
      IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, EXPONENT_SHIFT);
      FloatVector e = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
      e = e.blend(0, h.compare(LT, MIN));
      sum = sum.add(e, rest);
    }
    sum.intoArray(lanes, 0);
    return LaneSum.of(lanes, 0);
  }

  private static float sum(float[] x, int i, int n, float[] lanes) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector sum = FloatVector.zero(f);
    for (int k = 0; k < n; k += f.length()) {
      sum = sum.add(fromArray(f, x, i + k, f.indexInRange(k, n)));
    }
    sum.intoArray(lanes, 0);
    return LaneSum.of(lanes, 0);
  }

  /** {@code out = (exp(x - lse) - share) * scale}. */
  public static void softmaxGradient(
      float[] out, int o, float[] x, int i, int n, float lse, float share, float scale) {
    VectorSpecies<Float> f = Lanes.F;
    for (int k = 0; k < n; k += f.length()) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      FloatVector h = fromArray(f, x, i + k, rest).sub(lse);

      FloatVector rounded = h.fma(broadcast(f, LOG2_E), broadcast(f, ROUND));
      FloatVector w = rounded.sub(ROUND);
      FloatVector r = w.fma(broadcast(f, -LN2_REST), w.fma(broadcast(f, -LN2), h));
      FloatVector p = r.fma(broadcast(f, C4), broadcast(f, C3));
      p = p.fma(r, broadcast(f, C2)).fma(r, broadcast(f, C1)).fma(r, broadcast(f, C0));
      p = p.fma(r, broadcast(f, 1)).fma(r, broadcast(f, 1));
      IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, EXPONENT_SHIFT);
      FloatVector e = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
      e = e.blend(0, h.compare(LT, MIN));
      FloatVector y = e.sub(share).mul(scale);
      if (k + f.length() <= n) {
        y.intoArray(out, o + k);
      } else {
        y.intoArray(out, o + k, rest);
      }
    }
  }
}
