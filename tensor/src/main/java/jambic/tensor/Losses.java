package jambic.tensor;

import jambic.tensor.spi.LossKernels;
import java.util.Arrays;
import java.util.List;

/** How the losses and log-probabilities of {@link Ops} are computed, and their derivatives. */
final class Losses {
  private Losses() {}

  /** As {@link Ops#crossEntropy}. */
  static Tensor crossEntropy(Ops ops, Tensor logits, Tensor targets, float smoothing) {
    Checks.activations(ops, "crossEntropy", logits);
    Checks.targets("crossEntropy", logits, targets);
    Checks.smoothing("crossEntropy", smoothing);
    LossKernels kernels = ops.backend().loss();
    Tensor lse = ops.floats(Shape.of(logits.shape().rows()));
    Tensor loss = mean(ops, lse, logits, targets, smoothing);
    ops.record(
        loss,
        false,
        List.of(lse),
        List.of(logits),
        (tape, dloss) ->
            tape.into(
                "loss.crossEntropyBackward",
                logits,
                dlogits ->
                    () ->
                        kernels.crossEntropyBackward(
                            dlogits, dloss, lse, logits, targets, smoothing)));
    return loss;
  }

  /** As {@link InferenceOps#logSumExp}: a loss of which no row counts. */
  static Tensor logSumExp(Ops ops, Tensor logits) {
    int rows = logits.shape().rows();
    int[] none = new int[rows];
    Arrays.fill(none, -1);
    Tensor targets = ops.region().allocate(DType.I32, Shape.of(rows));
    targets.set(none);
    Tensor lse = ops.floats(Shape.of(rows));
    mean(ops, lse, logits, targets, 0);
    return lse;
  }

  /** As {@link Ops#linearCrossEntropy}. */
  static Tensor linearCrossEntropy(
      Ops ops, Tensor x, Tensor w, Tensor b, Tensor targets, float smoothing) {
    Checks.linear(ops, "linearCrossEntropy", x, w, b);
    Checks.targets("linearCrossEntropy", x, targets);
    Checks.smoothing("linearCrossEntropy", smoothing);
    Tensor logits = logits(ops, x, w, b);
    LossKernels kernels = ops.backend().loss();
    Tensor lse = ops.floats(Shape.of(logits.shape().rows()));
    Tensor loss = mean(ops, lse, logits, targets, smoothing);
    ops.record(
        loss,
        false,
        List.of(logits, lse),
        List.of(x, w, b),
        (tape, dloss) -> {
          tape.launchBack(
              "loss.crossEntropyBackward",
              () -> kernels.crossEntropyBackward(logits, dloss, lse, logits, targets, smoothing));
          ops.linearDerivative(tape, logits, x, w, b);
        });
    return loss;
  }

  /** As {@link Ops#logProbs}. */
  static Tensor logProbs(Ops ops, Tensor x, Tensor w, Tensor b, Tensor targets, float temperature) {
    Checks.linear(ops, "logProbs", x, w, b);
    Checks.targets("logProbs", x, targets);
    Checks.require(
        temperature > 0 && Float.isFinite(temperature),
        "logProbs: temperature must be above 0 and finite, got %s",
        temperature);
    Tensor logits = logits(ops, x, w, b);
    LossKernels kernels = ops.backend().loss();
    Tensor lse = ops.floats(Shape.of(logits.shape().rows()));
    Tensor out = ops.floats(lse.shape());
    ops.launch("loss.logProbs", () -> kernels.logProbs(out, lse, logits, targets, temperature));
    ops.record(
        out,
        false,
        List.of(logits, lse),
        List.of(x, w, b),
        (tape, dout) -> {
          tape.launchBack(
              "loss.logProbsBackward",
              () -> kernels.logProbsBackward(logits, dout, lse, logits, targets, temperature));
          ops.linearDerivative(tape, logits, x, w, b);
        });
    return out;
  }

  /** The output of a linear layer that nobody else reads, its rows as the backend likes them. */
  private static Tensor logits(Ops ops, Tensor x, Tensor w, Tensor b) {
    if (ops.isQuantized(w)) {
      return ops.linear(x, w, b);
    }
    Tensor logits =
        ops.region()
            .allocatePadded(
                ops.backend().activationType(), x.shape().withLast(w.dim(0))); // (..., V)
    ops.launch("linear.forward", () -> ops.computeLinear(logits, x, w, b));
    return logits;
  }

  private static Tensor mean(Ops ops, Tensor lse, Tensor logits, Tensor targets, float smoothing) {
    Tensor loss = ops.floats(Shape.of(1));
    ops.launch(
        "loss.crossEntropy",
        () -> ops.backend().loss().crossEntropy(loss, lse, logits, targets, smoothing));
    return loss;
  }
}
