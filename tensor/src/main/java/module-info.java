/**
 * Tensors, automatic differentiation and the CPU backends: {@code cpu} on the Vector API, {@code
 * reference} in plain loops. No third-party dependency. Start at the package {@link jambic.tensor}.
 */
module jambic.tensor {
  requires jdk.incubator.vector;
  requires static jdk.jfr;

  exports jambic.tensor;
  exports jambic.tensor.spi;

  uses jambic.tensor.spi.BackendProvider;

  provides jambic.tensor.spi.BackendProvider with
      jambic.tensor.cpu.CpuProvider,
      jambic.tensor.reference.ReferenceProvider;
}
