package jambic.tensor.cpu;

import jambic.tensor.JambicException;
import jambic.tensor.Program;
import jambic.tensor.cpu.simd.FmaPeak;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.host.HostRegion;
import jambic.tensor.spi.ActivationKernels;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.KernelFamilies;
import jambic.tensor.spi.QuantizedKernels;
import jambic.tensor.spi.Region;
import java.util.OptionalDouble;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The processor, with vector instructions and a fixed pool of threads. A launch is done when it
 * returns; work is cut in pieces that do not depend on the number of threads, so neither do
 * results.
 */
final class CpuBackend implements Backend {
  private final ReentrantLock turns = new ReentrantLock(true); // fair
  private final Workers workers;
  private final KernelFamilies kernels;
  private final QuantizedKernels quantized;
  private volatile boolean closed;

  CpuBackend(int threads) {
    workers = new Workers(threads);
    ActivationKernels activation = new CpuActivation(workers);
    kernels =
        new KernelFamilies(
            new CpuLinear(workers, activation),
            new CpuEmbedding(workers),
            new CpuNorm(workers),
            activation,
            new CpuAttention(workers),
            new CpuElementwise(workers),
            new CpuLoss(workers),
            new CpuOptimizer(workers));
    quantized = new CpuQuantized(workers);
  }

  static String describe(int threads) {
    return Lanes.F.vectorBitSize()
        + "-bit vectors, "
        + threads
        + (threads == 1 ? " thread" : " threads");
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public String description() {
    return describe(workers.threads());
  }

  @Override
  public String arithmetic() {
    return Lanes.F.vectorBitSize() + "-bit vectors";
  }

  @Override
  public Region region() {
    requireOpen();
    return new HostRegion();
  }

  @Override
  public void launch(Runnable kernels) {
    turns.lock(); // between them, kernels share the workers and their scratch
    try {
      requireOpen();
      kernels.run();
    } finally {
      turns.unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new JambicException("the backend cpu is closed; open another");
    }
  }

  @Override
  public Program capture(Runnable body) {
    return () -> launch(body);
  }

  @Override
  public void synchronize() {}

  @Override
  public OptionalDouble peakFlops() {
    OptionalDouble[] peak = new OptionalDouble[1];
    launch(() -> peak[0] = FmaPeak.measure(workers));
    return peak[0];
  }

  @Override
  public KernelFamilies kernels() {
    return kernels;
  }

  @Override
  public QuantizedKernels quantized() {
    return quantized;
  }

  @Override
  public void close() {
    turns.lock();
    try {
      closed = true;
      workers.close();
    } finally {
      turns.unlock();
    }
  }
}
