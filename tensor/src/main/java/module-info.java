/** Tensors, the backend SPI, autograd, and the CPU backends. Needs no third-party module. */
module jambic.tensor {
  requires jdk.incubator.vector;

  exports jambic.tensor;
}
