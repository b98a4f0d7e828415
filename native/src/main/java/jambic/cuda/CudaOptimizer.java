package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.Tensor;
import jambic.tensor.spi.OptimizerKernels;
import java.util.List;

/** The update of parameters: AdamW of all of a model in one launch, Muon matrix by matrix. */
final class CudaOptimizer implements OptimizerKernels {
  private static final String SOURCE = "optimizer.cu";
  private static final int THREADS = 256;

  private final Gpu gpu;

  CudaOptimizer(Gpu gpu) {
    this.gpu = gpu;
  }

  @Override
  public void clipNorm(Tensor norm, Tensor scale, List<Tensor> grads, float maxNorm) {
    KernelModule kernels = gpu.kernels(SOURCE, DType.F32);
    TensorLists lists = TensorLists.of(gpu.tables(), grads);
    long sums = gpu.scratch().bytes((long) Float.BYTES * lists.blocks());
    if (!lists.isEmpty()) {
      kernels.launch("sumSquares", lists.grid(THREADS), sums, lists.table(), lists.tensors());
    }
    kernels.launch("clipScale", Grid.of(1, 1024), norm, scale, sums, lists.blocks(), maxNorm);
  }

  @Override
  public void adamW(
      List<Tensor> params,
      List<Tensor> m,
      List<Tensor> v,
      List<Tensor> grads,
      Tensor hyper,
      Tensor scale,
      double beta1,
      double beta2,
      float eps,
      float weightDecay) {
    TensorLists lists =
        TensorLists.of(
            gpu.tables(),
            params,
            TensorLists.addresses(params),
            TensorLists.addresses(m),
            TensorLists.addresses(v),
            TensorLists.addresses(grads),
            params.stream().mapToLong(gpu.copies()::besides).toArray());
    if (!lists.isEmpty()) {
      gpu.kernels(SOURCE, DType.F32)
          .launch(
              "adamW",
              lists.grid(THREADS),
              lists.table(),
              lists.tensors(),
              hyper,
              scale,
              (float) beta1,
              (float) (1 - beta1),
              (float) beta2,
              (float) (1 - beta2),
              eps,
              weightDecay);
      m.forEach(gpu.copies()::written);
      v.forEach(gpu.copies()::written);
    }
  }

  @Override
  public void momentum(Tensor out, Tensor m, Tensor grad, Tensor scale, double beta) {
    gpu.kernels(SOURCE, DType.F32)
        .launch(
            "momentum",
            CudaElementwise.grid(m),
            out,
            m,
            DeviceStorage.address(grad),
            DeviceStorage.address(scale),
            (float) beta,
            (float) (1 - beta),
            m.size());
  }

  @Override
  public void normalize(Tensor out, Tensor x, Tensor norm, float eps) {
    gpu.kernels(SOURCE, DType.F32)
        .launch(
            "normalize",
            CudaElementwise.grid(x),
            out,
            DeviceStorage.address(x),
            DeviceStorage.address(norm),
            eps,
            x.size());
  }

  @Override
  public void weightedSum(Tensor out, Tensor x, Tensor y, float a, float b) {
    gpu.kernels(SOURCE, DType.F32)
        .launch(
            "weightedSum",
            CudaElementwise.grid(x),
            out,
            DeviceStorage.address(x),
            DeviceStorage.address(y),
            a,
            b,
            x.size());
  }

  @Override
  public void descend(
      Tensor param, Tensor direction, Tensor hyper, float factor, float weightDecay) {
    gpu.kernels(SOURCE, DType.F32)
        .launch(
            "descend",
            CudaElementwise.grid(param),
            param,
            DeviceStorage.address(direction),
            DeviceStorage.address(hyper),
            factor,
            weightDecay,
            param.size());
  }
}
