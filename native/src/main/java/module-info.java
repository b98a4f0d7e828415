/**
 * The CUDA backend, for NVIDIA's GPUs: found by the service loader where its jar is on the module
 * path, and required by nobody. The libraries are the machine's own; nothing is bundled.
 */
module jambic.cuda {
  requires jambic.tensor;

  provides jambic.tensor.spi.BackendProvider with
      jambic.cuda.CudaProvider;
}
