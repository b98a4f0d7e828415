/**
 * Tensors, automatic differentiation and the CPU backends: {@code cpu} on the Vector API, {@code
 * reference} in plain loops. No third-party dependency. Start at the package {@link jambic.tensor}.
 *
 * <p>Here and in the modules above no argument may be null, and nothing returned is: what may be
 * absent is an {@link java.util.Optional} or {@link jambic.tensor.Tensor#NONE}.
 */
@SuppressWarnings("module") // those that it exports to are compiled later
module jambic.tensor {
  requires jdk.incubator.vector;
  requires static jdk.jfr;

  exports jambic.tensor;
  exports jambic.tensor.spi;
  exports jambic.tensor.meta to
      jambic.model,
      jambic.train;
  exports jambic.tensor.text to
      jambic.app,
      jambic.cuda,
      jambic.model,
      jambic.mpi,
      jambic.serve,
      jambic.train;

  uses jambic.tensor.spi.BackendProvider;
  uses jambic.tensor.spi.CommunicatorProvider;

  provides jambic.tensor.spi.BackendProvider with
      jambic.tensor.cpu.CpuProvider,
      jambic.tensor.reference.ReferenceProvider;
}
