package jambic.train;

import jambic.tensor.DType;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.ActivationKernels;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.ElementwiseKernels;
import jambic.tensor.spi.EmbeddingKernels;
import jambic.tensor.spi.LinearKernels;
import jambic.tensor.spi.LossKernels;
import jambic.tensor.spi.NormKernels;
import jambic.tensor.spi.OptimizerKernels;
import jambic.tensor.spi.Region;
import jambic.tensor.spi.Storage;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;

/** A backend on paper: tensors take no memory and kernels do nothing, but regions count bytes. */
final class PaperBackend implements Backend {
  /** Keeps nothing. */
  private record Paper() implements Storage {
    @Override
    public void write(long offset, MemorySegment source) {}

    @Override
    public void read(long offset, MemorySegment destination) {
      throw new IllegalStateException("there are no numbers on paper");
    }
  }

  /** Counts as the CPU's region does: released memory serves later tensors of the same size. */
  private static final class Ledger implements Region {
    private final Map<Long, Integer> released = new HashMap<>(); // how many, by bytes
    private long bytes;

    @Override
    public Tensor allocate(DType dtype, Shape shape) {
      long size = size(dtype, shape);
      int free = released.getOrDefault(size, 0);
      if (free > 0) {
        released.put(size, free - 1);
      } else {
        bytes = Math.addExact(bytes, size);
      }
      return Tensor.over(shape, dtype, new Paper(), 0);
    }

    @Override
    public void release(Tensor tensor) {
      released.merge(size(tensor.dtype(), tensor.shape()), 1, Integer::sum);
    }

    private static long size(DType dtype, Shape shape) {
      return Math.multiplyExact(shape.size(), dtype.bytes());
    }

    @Override
    public void rewind() {
      throw new IllegalStateException("nobody computes twice on paper");
    }

    @Override
    public long bytes() {
      return bytes;
    }

    @Override
    public void close() {}
  }

  private static <K> K idle(Class<K> kernels) {
    return kernels.cast(
        Proxy.newProxyInstance(
            kernels.getClassLoader(), new Class<?>[] {kernels}, (proxy, method, args) -> null));
  }

  private final LinearKernels linear = idle(LinearKernels.class);
  private final EmbeddingKernels embedding = idle(EmbeddingKernels.class);
  private final NormKernels norm = idle(NormKernels.class);
  private final ActivationKernels activation = idle(ActivationKernels.class);
  private final AttentionKernels attention = idle(AttentionKernels.class);
  private final ElementwiseKernels elementwise = idle(ElementwiseKernels.class);
  private final LossKernels loss = idle(LossKernels.class);
  private final OptimizerKernels optimizer = idle(OptimizerKernels.class);

  @Override
  public String name() {
    return "paper";
  }

  @Override
  public String description() {
    return "computes nothing";
  }

  @Override
  public Region region() {
    return new Ledger();
  }

  @Override
  public Program capture(Runnable body) {
    return () -> {};
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
  public void close() {}
}
