package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.host.Indices;
import jambic.tensor.spi.LossKernels;
import java.util.Arrays;

/** Softmax cross-entropy and log-probabilities, a row at a time. */
final class ReferenceLoss implements LossKernels {
  @Override
  public void crossEntropy(
      Tensor loss, Tensor lse, Tensor logits, Tensor targets, float smoothing) {
    Indices.requireTargets("crossEntropy", targets, logits.dim(-1));
    int n = (int) targets.size();
    int vocabulary = logits.dim(-1);
    float[] ls = floats(logits);
    double total = 0;
    for (int i = 0; i < n; i++) {
      int row = offset(logits) + i * vocabulary;
      double sum = 0;
      for (int j = 0; j < vocabulary; j++) {
        sum += ls[row + j];
      }
      double rowLse = logSumExp(ls, row, vocabulary, 1);
      floats(lse)[offset(lse) + i] = (float) rowLse;
      int target = ints(targets)[offset(targets) + i];
      if (target != -1) {
        total += rowLse - (1.0 - smoothing) * ls[row + target] - smoothing * (sum / vocabulary);
      }
    }
    floats(loss)[offset(loss)] = (float) (total / Math.max(1, counted(targets)));
  }

  @Override
  public void crossEntropyBackward(
      Tensor dlogits, Tensor dloss, Tensor lse, Tensor logits, Tensor targets, float smoothing) {
    Indices.requireTargets("crossEntropy", targets, logits.dim(-1));
    int n = (int) targets.size();
    int vocabulary = logits.dim(-1);
    float[] ds = floats(dlogits);
    float[] ls = floats(logits);
    double scale = (double) floats(dloss)[offset(dloss)] / Math.max(1, counted(targets));
    for (int i = 0; i < n; i++) {
      int row = offset(logits) + i * vocabulary;
      int dRow = offset(dlogits) + i * vocabulary;
      int target = ints(targets)[offset(targets) + i];
      if (target == -1) {
        Arrays.fill(ds, dRow, dRow + vocabulary, 0);
        continue;
      }
      double rowLse = floats(lse)[offset(lse) + i];
      for (int j = 0; j < vocabulary; j++) {
        double wanted = (double) smoothing / vocabulary + (j == target ? 1.0 - smoothing : 0);
        ds[dRow + j] = (float) ((Math.exp(ls[row + j] - rowLse) - wanted) * scale);
      }
    }
  }

  @Override
  public void logProbs(Tensor out, Tensor lse, Tensor logits, Tensor targets, float temperature) {
    Indices.requireTargets("logProbs", targets, logits.dim(-1));
    int vocabulary = logits.dim(-1);
    float[] ls = floats(logits);
    for (int i = 0; i < targets.size(); i++) {
      int row = offset(logits) + i * vocabulary;
      int target = ints(targets)[offset(targets) + i];
      double rowLse = logSumExp(ls, row, vocabulary, temperature);
      floats(lse)[offset(lse) + i] = (float) rowLse;
      floats(out)[offset(out) + i] =
          target == -1 ? 0 : (float) (ls[row + target] / (double) temperature - rowLse);
    }
  }

  @Override
  public void logProbsBackward(
      Tensor dlogits, Tensor dout, Tensor lse, Tensor logits, Tensor targets, float temperature) {
    Indices.requireTargets("logProbs", targets, logits.dim(-1));
    int vocabulary = logits.dim(-1);
    float[] ds = floats(dlogits);
    float[] ls = floats(logits);
    for (int i = 0; i < targets.size(); i++) {
      int row = offset(logits) + i * vocabulary;
      int dRow = offset(dlogits) + i * vocabulary;
      int target = ints(targets)[offset(targets) + i];
      if (target == -1) {
        Arrays.fill(ds, dRow, dRow + vocabulary, 0);
        continue;
      }
      double rowLse = floats(lse)[offset(lse) + i];
      double scale = (double) floats(dout)[offset(dout) + i] / temperature;
      for (int j = 0; j < vocabulary; j++) {
        double p = Math.exp(ls[row + j] / (double) temperature - rowLse);
        ds[dRow + j] = (float) (((j == target ? 1 : 0) - p) * scale);
      }
    }
  }

  /** The logarithm of the sum of {@code exp(logit / temperature)} over {@code ls[row .. row+n)}. */
  private static double logSumExp(float[] ls, int row, int n, double temperature) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < n; j++) {
      max = Math.max(max, ls[row + j]);
    }
    double exponentials = 0;
    for (int j = 0; j < n; j++) {
      exponentials += Math.exp((ls[row + j] - max) / temperature);
    }
    return max / temperature + Math.log(exponentials);
  }

  private static int counted(Tensor targets) {
    int count = 0;
    for (int i = 0; i < targets.size(); i++) {
      count += ints(targets)[offset(targets) + i] == -1 ? 0 : 1;
    }
    return count;
  }
}
