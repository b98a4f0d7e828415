/**
 * The CUDA backend, for NVIDIA's GPUs: found by the service loader where its jar is on the module
 * path, and required by nobody. The libraries are the machine's own; nothing is bundled.
 *
 * <p>What is used of the driver, cuBLASLt and NVRTC is the same from CUDA 12.0 to 13.0: functions,
 * constants, structures. A driver takes libraries of its own major version or an older one, NVRTC
 * and cuBLASLt each for itself. Kernels are compiled to machine code for the GPU at hand, so that
 * the driver has nothing to compile; NVRTC 12.1, 12.3, 12.6 and 12.9 compile them all, for
 * Blackwell the last of these (12.8 is the first that knows it). On a GPU, only CUDA 13 has run.
 */
module jambic.cuda {
  requires jambic.tensor;

  provides jambic.tensor.spi.BackendProvider with
      jambic.cuda.CudaProvider;
}
