/**
 * Joins the processes that a launcher of MPI started to one job: found by the service loader where
 * its jar is on the module path, and required by nobody. The MPI library is the machine's own.
 *
 * <p>One binding serves Open MPI 4 and 5, MPICH 4 (and what has its ABI, such as Intel MPI), and
 * the standard ABI of MPI 5.0: only the values of handles differ. It is written by hand, because
 * headers say them as pointers to symbols, as integers and as pointers that are numbers. Only bytes
 * travel, so that no types and no operations of MPI are needed.
 */
module jambic.mpi {
  requires jambic.tensor;

  provides jambic.tensor.spi.CommunicatorProvider with
      jambic.mpi.MpiProvider;
}
