package jambic.bench;

import jambic.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Log-probabilities of targets, of logits and with a gradient for each row. */
public class LogProbsBenchmark extends Workbench {
  /** Tokens, vocabulary. */
  @Param({"256x65", "768x65", "16384x65", "256x50257"})
  public String shape;

  /** What logits are divided by; 1 takes a shorter way. */
  @Param({"1", "0.7"})
  public float temperature;

  private Tensor logits;
  private Tensor targets;
  private Tensor out;
  private Tensor lse;
  private Tensor dout;
  private Tensor dlogits;

  @Override
  void prepare() {
    int rows = extents(shape)[0];
    int vocab = extents(shape)[1];
    logits = normal(rows, vocab);
    targets = ids(vocab, rows);
    out = empty(rows);
    lse = empty(rows);
    dout = normal(rows);
    dlogits = empty(rows, vocab);
  }

  /** The forward pass. */
  @Benchmark
  public void forward() {
    backend().loss().logProbs(out, lse, logits, targets, temperature);
  }

  /** Both passes. */
  @Benchmark
  public void forwardBackward() {
    forward();
    backend().loss().logProbsBackward(dlogits, dout, lse, logits, targets, temperature);
  }
}
