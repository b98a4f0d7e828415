package jambic.cuda;

import jambic.cuda.Matmul.Epilogue;
import jambic.cuda.Matmul.Kind;
import jambic.tensor.Activation;
import jambic.tensor.DType;
import jambic.tensor.Tensor;
import jambic.tensor.spi.ActivationKernels;
import jambic.tensor.spi.LinearKernels;

/**
 * Linear layers by cuBLASLt, which counts columns first: our (M, N) is its (N, M), so {@code out =
 * x wᵀ} is computed as {@code outᵀ = w xᵀ} with nothing copied.
 *
 * <p>Weights are F32 and stay so. Where activations are BF16, a product reads {@link Bf16Weights}.
 */
final class CudaLinear implements LinearKernels {
  private final Gpu gpu;
  private final Matmul matmul;
  private final ActivationKernels activations;

  CudaLinear(Gpu gpu, Matmul matmul, ActivationKernels activations) {
    this.gpu = gpu;
    this.matmul = matmul;
    this.activations = activations;
  }

  @Override
  public void forward(Tensor out, Tensor x, Tensor w, Tensor b) {
    forward(out, x, operands(x.dtype(), w, b));
    gpu.copies().written(out);
  }

  /** Where cuBLASLt cannot add this bias, it stands in all rows first and the product is added. */
  private void forward(Tensor out, Tensor x, Operands operands) {
    boolean biased = operands.b != 0;
    if (biased && offer(out, out, x, operands, Epilogue.BIAS)) {
      return;
    }
    if (biased) {
      gpu.kernels("columns.cu", out.dtype())
          .launch(
              "repeatRow",
              CudaElementwise.grid(out),
              out,
              operands.b,
              out.size(),
              out.dim(-1),
              out.rowStride());
    }
    Kind kind = kind(out, out, x, operands, Epilogue.NOTHING, biased);
    matmul.multiply(kind, DeviceStorage.address(out), operands.w, DeviceStorage.address(x));
  }

  /**
   * In bfloat16 the tanh form of GELU is a part of the product, where cuBLASLt has it. In 32 bits
   * it is not: how closely cuBLASLt computes it, nothing says.
   */
  @Override
  public void forwardActivated(
      Tensor out, Tensor pre, Tensor x, Tensor w, Tensor b, Activation activation) {
    Operands operands = operands(x.dtype(), w, b);
    if (activation == Activation.GELU_TANH && out.dtype() == DType.BF16) {
      boolean kept = pre != out;
      Epilogue fused =
          b.isNone()
              ? (kept ? Epilogue.GELU_AUX : Epilogue.GELU)
              : (kept ? Epilogue.GELU_AUX_BIAS : Epilogue.GELU_BIAS);
      if (offer(out, pre, x, operands, fused)) {
        return;
      }
    }
    forward(pre, x, operands);
    gpu.copies().written(pre);
    activations.forward(out, pre, activation);
  }

  @Override
  public void backwardActivated(
      Tensor dpre, Tensor db, Tensor dout, Tensor pre, Activation activation, boolean accumulate) {
    if (db.isNone()) {
      activations.backward(dpre, dout, pre, activation);
    } else {
      ColumnSums.sumSlopes(gpu, db, dpre, dout, pre, activation, accumulate);
    }
  }

  /**
   * The weight and the bias in the type that a product wants.
   *
   * @param w address of the weight
   * @param rows its rows, and the zeros behind them
   * @param b address of the bias; 0 for none
   */
  private record Operands(long w, int rows, long b) {
    /** The columns of an output or its gradient: with its padding, if there are as many rows. */
    int columns(Tensor x) {
      return b == 0 ? CudaLinear.columns(x, rows) : x.dim(-1);
    }
  }

  private Operands operands(DType type, Tensor w, Tensor b) {
    if (w.dtype() == type) {
      return new Operands(DeviceStorage.address(w), w.dim(0), DeviceStorage.address(b));
    }
    long copyOfW = gpu.copies().of(w);
    long copyOfB = b.isNone() ? 0 : gpu.copies().of(b);
    if (copyOfW != 0 && (copyOfB != 0 || b.isNone())) {
      return new Operands(copyOfW, rowsAndRoom(w), copyOfB);
    }
    int rows = Math.toIntExact(DeviceRegion.padded(w.dim(0)));
    long countOfW = lines((long) rows * w.dim(1));
    long start = gpu.scratch().bytes((countOfW + lines(b.size())) * DType.BF16.bytes());
    Bf16Weights.round(gpu, start, countOfW, DeviceStorage.address(w), w.size());
    if (b.isNone()) {
      return new Operands(start, rows, 0);
    }
    long copy = start + countOfW * DType.BF16.bytes();
    Bf16Weights.round(gpu, copy, b.size(), DeviceStorage.address(b), b.size());
    return new Operands(start, rows, copy);
  }

  /** So many numbers of a rounded copy, and those up to where another may start. */
  private static long lines(long count) {
    return Math.ceilDiv(count, 128) * 128;
  }

  /** The columns that a product takes of a matrix: with the padding, if the other has such rows. */
  private static int columns(Tensor x, int rows) {
    return x.rowStride() <= rows ? x.rowStride() : x.dim(-1);
  }

  /** The rows of a matrix and of the room behind it, as far as a padded product needs them. */
  private static int rowsAndRoom(Tensor matrix) {
    DeviceStorage storage = DeviceStorage.of(matrix);
    int rows = matrix.dim(0);
    long row = (long) matrix.dim(1) * matrix.dtype().bytes();
    long padded = DeviceRegion.padded(rows);
    boolean isWhole = rows * row == storage.bytes();
    return isWhole && padded * row <= storage.room() ? Math.toIntExact(padded) : rows;
  }

  private boolean offer(Tensor out, Tensor pre, Tensor x, Operands operands, Epilogue epilogue) {
    return matmul.offer(
        kind(out, pre, x, operands, epilogue, false),
        DeviceStorage.address(out),
        operands.w,
        DeviceStorage.address(x),
        operands.b,
        DeviceStorage.address(pre));
  }

  private static Kind kind(
      Tensor out, Tensor pre, Tensor x, Operands operands, Epilogue epilogue, boolean accumulate) {
    return new Kind(
        operands.columns(out),
        x.shape().rows(),
        x.dim(-1),
        true,
        false,
        x.dim(-1),
        out.rowStride(),
        x.dtype(),
        out.dtype(),
        epilogue,
        accumulate,
        Matmul.alignment(
            DeviceStorage.address(out),
            DeviceStorage.address(pre),
            DeviceStorage.address(x),
            operands.w,
            epilogue == Epilogue.NOTHING ? 0 : operands.b));
  }

  @Override
  public void backwardInput(Tensor dx, Tensor dout, Tensor w, boolean accumulate) {
    Operands operands = operands(dout.dtype(), w, Tensor.NONE);
    long d = DeviceStorage.address(dx);
    long b = DeviceStorage.address(dout);
    Kind kind =
        new Kind(
            w.dim(1),
            dout.shape().rows(),
            operands.columns(dout),
            false,
            false,
            dout.rowStride(),
            w.dim(1),
            dout.dtype(),
            dx.dtype(),
            Epilogue.NOTHING,
            accumulate,
            Matmul.alignment(d, operands.w, b));
    matmul.multiply(kind, d, operands.w, b);
    gpu.copies().written(dx);
  }

  /** Where the gradient has room behind it, padding adds zeros to what nobody reads. */
  @Override
  public void backwardWeight(Tensor dw, Tensor db, Tensor dout, Tensor x, boolean accumulate) {
    if (!dw.isNone()) {
      long d = DeviceStorage.address(dw);
      long a = DeviceStorage.address(x);
      long b = DeviceStorage.address(dout);
      Kind kind =
          new Kind(
              dw.dim(1),
              columns(dout, rowsAndRoom(dw)),
              x.shape().rows(),
              false,
              true,
              dout.rowStride(),
              dw.dim(1),
              x.dtype(),
              dw.dtype(),
              Epilogue.NOTHING,
              accumulate,
              Matmul.alignment(d, a, b));
      matmul.multiply(kind, d, a, b);
      gpu.copies().written(dw);
    }
    if (!db.isNone()) {
      ColumnSums.sumAll(gpu, db, dout, accumulate);
    }
  }
}
