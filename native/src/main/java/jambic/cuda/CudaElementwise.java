package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.ElementwiseKernels;
import java.util.List;

/** Sums, products, copies and dropout. */
final class CudaElementwise implements ElementwiseKernels {
  private static final String SOURCE = "elementwise.cu";
  private static final int THREADS = 256;

  /** Elements of a thread: 16 bytes of bfloat16. */
  private static final int EACH = 8;

  /** Blocks of a launch at most: the others' elements follow in turn. */
  private static final long BLOCKS = 1 << 16;

  private final Gpu gpu;

  CudaElementwise(Gpu gpu) {
    this.gpu = gpu;
  }

  /** A thread for some elements of a tensor. */
  static Grid grid(Tensor x) {
    return grid(x.size());
  }

  /** The same for so many elements. */
  static Grid grid(long count) {
    return grid(count, EACH);
  }

  /** A thread for the elements whose masks are drawn together: four times 16 bytes. */
  private static Grid drawing(Tensor x) {
    return grid(x.size(), 64 / x.dtype().bytes());
  }

  private static Grid grid(long count, int each) {
    long blocks = Math.ceilDiv(count, (long) THREADS * each);
    return Grid.of((int) Math.clamp(blocks, 1, BLOCKS), THREADS);
  }

  @Override
  public void fill(List<Tensor> outs, float value) {
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      List<Tensor> some = outs.stream().filter(out -> out.dtype() == dtype).toList();
      TensorLists lists = TensorLists.of(gpu.tables(), some);
      if (!lists.isEmpty()) {
        gpu.kernels(SOURCE, dtype)
            .launch("fill", lists.grid(THREADS), lists.table(), lists.tensors(), value);
      }
    }
    outs.forEach(gpu.copies()::written);
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    gpu.kernels(SOURCE, a.dtype()).launch("add", grid(a), out, a, b, a.size());
  }

  @Override
  public void scale(Tensor out, Tensor x, float factor) {
    gpu.kernels(SOURCE, x.dtype()).launch("scale", grid(x), out, x, factor, x.size());
  }

  @Override
  public void multiply(Tensor out, Tensor a, Tensor b) {
    gpu.kernels(SOURCE, a.dtype()).launch("product", grid(a), out, a, b, a.size());
  }

  @Override
  public void dropout(Tensor out, Tensor x, Dropout dropout) {
    gpu.kernels(SOURCE, x.dtype())
        .launch("dropout", drawing(x), out, x, x.size(), KernelStruct.of(dropout));
  }

  @Override
  public void residual(Tensor out, Tensor x, Tensor y, Dropout dropout) {
    if (dropout.isNone()) {
      add(out, x, y);
      return;
    }
    gpu.kernels(SOURCE, x.dtype())
        .launch("residual", drawing(x), out, x, y, x.size(), KernelStruct.of(dropout));
  }
}
