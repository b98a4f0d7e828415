package jambic.tensor.reference;

import jambic.tensor.JambicException;
import jambic.tensor.Program;
import jambic.tensor.host.HostRegion;
import jambic.tensor.spi.ActivationKernels;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.ElementwiseKernels;
import jambic.tensor.spi.EmbeddingKernels;
import jambic.tensor.spi.LinearKernels;
import jambic.tensor.spi.LossKernels;
import jambic.tensor.spi.NormKernels;
import jambic.tensor.spi.OptimizerKernels;
import jambic.tensor.spi.QuantizedKernels;
import jambic.tensor.spi.Region;

/** Every kernel as it is defined. A launch is done when it returns. */
final class ReferenceBackend implements Backend {
  static final String NAME = "reference";
  static final String DESCRIPTION = "plain Java loops, 1 thread, no vector instructions: slow";

  private final LinearKernels linear = new ReferenceLinear();
  private final EmbeddingKernels embedding = new ReferenceEmbedding();
  private final NormKernels norm = new ReferenceNorm();
  private final ActivationKernels activation = new ReferenceActivation();
  private final AttentionKernels attention = new ReferenceAttention();
  private final ElementwiseKernels elementwise = new ReferenceElementwise();
  private final LossKernels loss = new ReferenceLoss();
  private final OptimizerKernels optimizer = new ReferenceOptimizer();
  private final QuantizedKernels quantized = new ReferenceQuantized();
  private boolean closed;

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
    return new HostRegion();
  }

  @Override
  public synchronized void launch(Runnable kernels) {
    if (closed) {
      throw new JambicException("the backend reference is closed; open another");
    }
    kernels.run();
  }

  @Override
  public Program capture(Runnable body) {
    return () -> launch(body);
  }

  @Override
  public void synchronize() {}

  @Override
  public LinearKernels linear() {
    return linear;
  }

  @Override
  public EmbeddingKernels embedding() {
    return embedding;
  }

  @Override
  public NormKernels norm() {
    return norm;
  }

  @Override
  public ActivationKernels activation() {
    return activation;
  }

  @Override
  public AttentionKernels attention() {
    return attention;
  }

  @Override
  public ElementwiseKernels elementwise() {
    return elementwise;
  }

  @Override
  public LossKernels loss() {
    return loss;
  }

  @Override
  public OptimizerKernels optimizer() {
    return optimizer;
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
