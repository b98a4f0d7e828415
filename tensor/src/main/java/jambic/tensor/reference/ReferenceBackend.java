package jambic.tensor.reference;

import jambic.tensor.JambicException;
import jambic.tensor.Program;
import jambic.tensor.host.HostRegion;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.KernelFamilies;
import jambic.tensor.spi.QuantizedKernels;
import jambic.tensor.spi.Region;

/** Every kernel as it is defined. A launch is done when it returns. */
final class ReferenceBackend implements Backend {
  static final String NAME = "reference";
  static final String DESCRIPTION = "plain Java loops, 1 thread, no vector instructions: slow";

  private final KernelFamilies kernels =
      new KernelFamilies(
          new ReferenceLinear(),
          new ReferenceEmbedding(),
          new ReferenceNorm(),
          new ReferenceActivation(),
          new ReferenceAttention(),
          new ReferenceElementwise(),
          new ReferenceLoss(),
          new ReferenceOptimizer());
  private final QuantizedKernels quantized = new ReferenceQuantized();
  private volatile boolean closed;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String description() {
    return DESCRIPTION;
  }

  @Override
  public Region region() {
    requireOpen();
    return new HostRegion();
  }

  @Override
  public synchronized void launch(Runnable kernels) {
    requireOpen();
    kernels.run();
  }

  private void requireOpen() {
    if (closed) {
      throw new JambicException("the backend reference is closed; open another");
    }
  }

  @Override
  public Program capture(Runnable body) {
    return () -> launch(body);
  }

  @Override
  public void synchronize() {}

  @Override
  public KernelFamilies kernels() {
    return kernels;
  }

  @Override
  public QuantizedKernels quantized() {
    return quantized;
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}
