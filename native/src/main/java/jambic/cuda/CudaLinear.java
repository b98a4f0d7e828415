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
 * <p>Weights are F32 and stay so. Where activations are BF16, a product reads {@link
 * RoundedCopies}.
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
    Operands operands = operands(x.dtype(), w, b);
    int packed = packedColumns(out);
    forward(out.columns(0, packed), x, operands);
    int rest = out.dim(-1) - packed;
    if (rest > 0) {
      forward(out.columns(packed, rest), x, operands.after(packed, w, x.dtype()));
    }
    gpu.copies().written(out);
  }

  /**
   * How many columns a product can take in whole packs. Where rows begin with a pack and lie apart
   * (and only there are packs whole), the few others are left to a product of their own, so that
   * the large one takes the fast path.
   */
  private static int packedColumns(Tensor x) {
    int pack = Matmul.PACK_BYTES / x.dtype().bytes();
    int n = x.dim(-1);
    return x.isContiguous() ? n : n / pack * pack;
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

  /** Addresses of the weight and the bias in the type that a product wants. */
  private record Operands(long w, long b) {
    /** Those of the columns of the output that follow so many. */
    Operands after(int columns, Tensor weight, DType type) {
      long bytes = (long) columns * type.bytes();
      return new Operands(w + bytes * weight.dim(1), b == 0 ? 0 : b + bytes);
    }
  }

  private Operands operands(DType type, Tensor w, Tensor b) {
    if (w.dtype() == type) {
      return new Operands(DeviceStorage.address(w), DeviceStorage.address(b));
    }
    long copyOfW = gpu.copies().of(w);
    long copyOfB = b.isNone() ? 0 : gpu.copies().of(b);
    if (copyOfW != 0 && (copyOfB != 0 || b.isNone())) {
      return new Operands(copyOfW, copyOfB);
    }
    long start = gpu.scratch().bytes(lines(w) + lines(b));
    round(start, w);
    if (!b.isNone()) {
      round(start + lines(w), b);
    }
    return new Operands(start, b.isNone() ? 0 : start + lines(w));
  }

  /** Bytes of a rounded copy, up to where another may start. */
  private static long lines(Tensor x) {
    return Math.ceilDiv(x.size() * DType.BF16.bytes(), 256) * 256;
  }

  private void round(long copy, Tensor x) {
    RoundedCopies.round(gpu, copy, DeviceStorage.address(x), x.size());
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
        out.dim(-1),
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

  /** The few columns first: what the large product adds to has been rounded, but is small. */
  @Override
  public void backwardInput(Tensor dx, Tensor dout, Tensor w, boolean accumulate) {
    Operands operands = operands(dout.dtype(), w, Tensor.NONE);
    int packed = packedColumns(dout);
    int rest = dout.dim(-1) - packed;
    if (rest > 0) {
      long after = operands.after(packed, w, dout.dtype()).w;
      backwardInput(dx, dout.columns(packed, rest), after, accumulate);
    }
    backwardInput(dx, dout.columns(0, packed), operands.w, accumulate || rest > 0);
    gpu.copies().written(dx);
  }

  private void backwardInput(Tensor dx, Tensor dout, long w, boolean accumulate) {
    long d = DeviceStorage.address(dx);
    long b = DeviceStorage.address(dout);
    Kind kind =
        new Kind(
            dx.dim(-1),
            dout.shape().rows(),
            dout.dim(-1),
            false,
            false,
            dout.rowStride(),
            dx.dim(-1),
            dout.dtype(),
            dx.dtype(),
            Epilogue.NOTHING,
            accumulate,
            Matmul.alignment(d, w, b));
    matmul.multiply(kind, d, w, b);
  }

  @Override
  public void backwardWeight(Tensor dw, Tensor db, Tensor dout, Tensor x, boolean accumulate) {
    if (!dw.isNone()) {
      int packed = packedColumns(dout);
      int rest = dout.dim(-1) - packed;
      long d = DeviceStorage.address(dw);
      backwardWeight(d, dout.columns(0, packed), x, dw.dtype(), accumulate);
      if (rest > 0) {
        long after = d + (long) packed * dw.dim(1) * dw.dtype().bytes();
        backwardWeight(after, dout.columns(packed, rest), x, dw.dtype(), accumulate);
      }
      gpu.copies().written(dw);
    }
    if (!db.isNone()) {
      ColumnSums.sumAll(gpu, db, dout, accumulate);
    }
  }

  private void backwardWeight(long d, Tensor dout, Tensor x, DType type, boolean accumulate) {
    long a = DeviceStorage.address(x);
    long b = DeviceStorage.address(dout);
    Kind kind =
        new Kind(
            x.dim(-1),
            dout.dim(-1),
            x.shape().rows(),
            false,
            true,
            dout.rowStride(),
            x.dim(-1),
            x.dtype(),
            type,
            Epilogue.NOTHING,
            accumulate,
            Matmul.alignment(d, a, b));
    matmul.multiply(kind, d, a, b);
  }
}
