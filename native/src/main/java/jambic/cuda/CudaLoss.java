package jambic.cuda;

import jambic.tensor.Tensor;
import jambic.tensor.spi.LossKernels;

/** Softmax cross-entropy and log-probabilities. */
final class CudaLoss implements LossKernels {
  private static final String SOURCE = "loss.cu";

  /** Threads of the one block that goes through the targets. */
  private static final int TARGET_THREADS = 1024;

  private final Gpu gpu;

  CudaLoss(Gpu gpu) {
    this.gpu = gpu;
  }

  @Override
  public void crossEntropy(
      Tensor loss, Tensor lse, Tensor logits, Tensor targets, float smoothing) {
    int n = Math.toIntExact(targets.size());
    KernelModule kernels = gpu.kernels(SOURCE, logits.dtype());
    long rowLoss = gpu.scratch().bytes((long) Float.BYTES * n);
    kernels.launch(
        "crossEntropyRows",
        rows(n, logits),
        rowLoss,
        lse,
        logits,
        targets,
        smoothing,
        logits.dim(-1),
        logits.rowStride());
    kernels.launch("crossEntropyMean", Grid.of(1, TARGET_THREADS), loss, rowLoss, targets, n);
  }

  @Override
  public void crossEntropyBackward(
      Tensor dlogits, Tensor dloss, Tensor lse, Tensor logits, Tensor targets, float smoothing) {
    int n = Math.toIntExact(targets.size());
    KernelModule kernels = gpu.kernels(SOURCE, logits.dtype());
    long scale = gpu.scratch().bytes(Float.BYTES);
    kernels.launch("crossEntropyScale", Grid.of(1, TARGET_THREADS), scale, dloss, targets, n);
    kernels.launch(
        "crossEntropyBackward",
        rows(n, logits),
        dlogits,
        scale,
        lse,
        logits,
        targets,
        smoothing,
        logits.dim(-1),
        dlogits.rowStride(),
        logits.rowStride());
  }

  @Override
  public void logProbs(Tensor out, Tensor lse, Tensor logits, Tensor targets, float temperature) {
    gpu.kernels(SOURCE, logits.dtype())
        .launch(
            "logProbs",
            rows(Math.toIntExact(targets.size()), logits),
            out,
            lse,
            logits,
            targets,
            temperature,
            logits.dim(-1),
            logits.rowStride());
  }

  @Override
  public void logProbsBackward(
      Tensor dlogits, Tensor dout, Tensor lse, Tensor logits, Tensor targets, float temperature) {
    gpu.kernels(SOURCE, logits.dtype())
        .launch(
            "logProbsBackward",
            rows(Math.toIntExact(targets.size()), logits),
            dlogits,
            dout,
            lse,
            logits,
            targets,
            temperature,
            logits.dim(-1),
            dlogits.rowStride(),
            logits.rowStride());
  }

  /** A block for each row: a warp for a small vocabulary, many for a large one. */
  private static Grid rows(int n, Tensor logits) {
    int vocabulary = logits.dim(-1);
    return Grid.of(n, vocabulary <= 512 ? 32 : vocabulary <= 4096 ? 128 : 512);
  }
}
