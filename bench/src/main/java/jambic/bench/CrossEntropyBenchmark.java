package jambic.bench;

import jambic.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Softmax and cross-entropy of logits. */
public class CrossEntropyBenchmark extends Workbench {
  /** Tokens, vocabulary. */
  @Param({"256x65", "768x65", "16384x65", "256x50257"})
  public String shape;

  private Tensor logits;
  private Tensor targets;
  private Tensor loss;
  private Tensor lse;
  private Tensor dloss;
  private Tensor dlogits;

  @Override
  void prepare() {
    int rows = extents(shape)[0];
    int vocab = extents(shape)[1];
    logits = normal(rows, vocab);
    targets = ids(vocab, rows);
    loss = empty(1);
    lse = empty(rows);
    dloss = normal(1);
    dlogits = empty(rows, vocab);
  }

  /** The forward pass. */
  @Benchmark
  public void forward() {
    backend().loss().crossEntropy(loss, lse, logits, targets, 0);
  }

  /** Both passes. */
  @Benchmark
  public void forwardBackward() {
    forward();
    backend().loss().crossEntropyBackward(dlogits, dloss, lse, logits, targets, 0);
  }
}
