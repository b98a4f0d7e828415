package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.ActivationKernels;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.KernelFamilies;
import jambic.tensor.spi.Region;
import java.util.List;
import java.util.OptionalDouble;

/** One GPU: a launch returns at once, and the stream keeps the order. */
final class CudaBackend implements Backend {
  private final String description;
  private final Precision precision;
  private final Gpu gpu;
  private final Matmul matmul;
  private final GraphPool graphs;
  private final KernelFamilies kernels;
  private volatile boolean closed;

  CudaBackend(
      Device device, Context context, String description, Precision precision, KernelCache cache) {
    this.description = description + ", " + precision;
    this.precision = precision;
    gpu = new Gpu(device, context, new KernelCompiler(cache));
    graphs = new GraphPool(gpu.stream(), gpu.copies()::refresh);
    matmul = new Matmul(gpu, precision);
    ActivationKernels activation = new CudaActivation(gpu);
    kernels =
        new KernelFamilies(
            new CudaLinear(gpu, matmul, activation),
            new CudaEmbedding(gpu),
            new CudaNorm(gpu),
            activation,
            new CudaAttention(gpu),
            new CudaElementwise(gpu),
            new CudaLoss(gpu),
            new CudaOptimizer(gpu));
  }

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public String arithmetic() {
    return description;
  }

  @Override
  public Region region() {
    requireOpen();
    return new DeviceRegion(gpu, this::synchronize);
  }

  @Override
  public DType activationType() {
    return precision == Precision.BF16 ? DType.BF16 : DType.F32;
  }

  @Override
  public boolean usesHeap() {
    return false;
  }

  @Override
  public void launch(Runnable kernels) {
    synchronized (this) {
      requireOpen();
      kernels.run();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new JambicException("the backend cuda is closed; open another");
    }
  }

  /** A program within a program becomes a part of it. */
  @Override
  public Program capture(Runnable body) {
    Graph graph;
    synchronized (this) {
      graph = graphs.of(body);
    }
    return () ->
        launch(() -> {
          if (gpu.stream().isCapturing()) {
            body.run();
          } else {
            graph.launch();
          }
        });
  }

  @Override
  public void synchronize() {
    gpu.stream().synchronize();
  }

  /**
   * The rate of a product of matrices that are large enough for the whole device; none where they
   * would leave little memory.
   */
  @Override
  public OptionalDouble peakFlops() {
    int n = 4096;
    int repeats = 50;
    if (!gpu.memory().hasSpare(3L * n * n * activationType().bytes())) {
      return OptionalDouble.empty();
    }
    try (Region region = region()) {
      Tensor out = region.allocate(activationType(), Shape.of(n, n));
      Tensor x = region.allocate(activationType(), Shape.of(n, n));
      Tensor w = region.allocate(activationType(), Shape.of(n, n));
      launch(() -> {
        elementwise().fill(List.of(x, w), 0.5f);
        linear().forward(out, x, w, Tensor.NONE);
      });
      synchronize();
      long start = System.nanoTime();
      launch(() -> {
        for (int i = 0; i < repeats; i++) {
          linear().forward(out, x, w, Tensor.NONE);
        }
      });
      synchronize();
      return OptionalDouble.of(2.0 * n * n * n * repeats * 1e9 / (System.nanoTime() - start));
    }
  }

  @Override
  public KernelFamilies kernels() {
    return kernels;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    synchronize();
    graphs.close();
    matmul.close();
    gpu.close();
  }
}
