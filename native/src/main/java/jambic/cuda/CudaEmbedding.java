package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.Tensor;
import jambic.tensor.spi.EmbeddingKernels;

/** Rows by their index: token and position embeddings, and rows of activations. */
final class CudaEmbedding implements EmbeddingKernels {
  private static final String SOURCE = "embedding.cu";
  private static final int THREADS = 128;

  /** Sorted tokens that a block adds up, as in {@code embedding.cu}. */
  private static final int PIECE = 32;

  /** Tokens that a block ranks, and its threads, as in {@code embedding.cu}. */
  private static final int RANKED = 128;

  private static final int RANKING = 1024;

  private final Gpu gpu;

  CudaEmbedding(Gpu gpu) {
    this.gpu = gpu;
  }

  @Override
  public void forward(Tensor out, Tensor ids, Tensor wte, Tensor wpe, Tensor starts, float scale) {
    KernelModule kernels = gpu.kernels(SOURCE, out.dtype());
    Grid grid = Grid.of(Math.toIntExact(ids.size()), THREADS);
    int c = wte.dim(-1);
    int v = wte.dim(0);
    if (wte.dtype() == DType.F32) {
      int steps = ids.dim(-1);
      long tokens = DeviceStorage.address(wte);
      long positions = DeviceStorage.address(wpe);
      int p = wpe.dim(0);
      kernels.launch("embed", grid, out, ids, tokens, positions, starts, steps, c, v, p, scale);
    } else {
      kernels.launch("rows", grid, out, ids, wte, c, v);
    }
  }

  @Override
  public void backward(Tensor dwte, Tensor dwpe, Tensor dout, Tensor ids, float scale) {
    KernelModule kernels = gpu.kernels(SOURCE, dout.dtype());
    int n = Math.toIntExact(ids.size());
    int steps = ids.dim(-1);
    int c = dout.dim(-1);
    int columnBlocks = Math.ceilDiv(c, THREADS);
    if (!dwte.isNone()) {
      int pieces = Math.ceilDiv(n, PIECE);
      long borderBytes = 2L * Float.BYTES * pieces * c;
      long borders = gpu.scratch().bytes(borderBytes + (long) Integer.BYTES * n);
      long order = borders + borderBytes;
      Grid grid = Grid.of(pieces, THREADS).planes(columnBlocks, 1);
      sort(kernels, order, ids, n);
      int v = dwte.dim(0);
      kernels.launch("embedBackward", grid, dwte, borders, dout, ids, order, n, c, v, scale);
      kernels.launch("embedBackwardBorders", grid, dwte, borders, ids, order, n, c, v, scale);
    }
    if (!dwpe.isNone()) {
      kernels.launch(
          "embedPositionsBackward",
          Grid.of(steps, THREADS).planes(columnBlocks, 1),
          dwpe,
          dout,
          n / steps,
          steps,
          c);
    }
  }

  @Override
  public void rows(Tensor out, Tensor x, Tensor index) {
    Grid grid = Grid.of(Math.toIntExact(index.size()), THREADS);
    gpu.kernels(SOURCE, x.dtype()).launch("rows", grid, out, index, x, x.dim(-1), x.shape().rows());
  }

  @Override
  public void rowsBackward(Tensor dx, Tensor dout, Tensor index, boolean accumulate) {
    KernelModule kernels = gpu.kernels(SOURCE, dx.dtype());
    int n = Math.toIntExact(index.size());
    int c = dx.dim(-1);
    int rows = dx.shape().rows();
    long order = gpu.scratch().bytes((long) Integer.BYTES * n);
    sort(kernels, order, index, n);
    Grid grid = Grid.of(rows, THREADS).planes(Math.ceilDiv(c, THREADS), 1);
    int add = accumulate ? 1 : 0;
    kernels.launch("rowsBackward", grid, dx, dout, index, order, n, c, rows, add);
  }

  private static void sort(KernelModule kernels, long order, Tensor ids, int n) {
    kernels.launch("sortTokens", Grid.of(Math.ceilDiv(n, RANKED), RANKING), order, ids, n);
  }
}
