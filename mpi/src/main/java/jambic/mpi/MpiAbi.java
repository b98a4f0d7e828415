package jambic.mpi;

/**
 * The values of what headers of MPI name. All handles travel as 64-bit integers: MPICH reads the
 * lower half as an {@code int}, the others read all of it as a pointer.
 *
 * @param title the name for people
 * @param world {@code MPI_COMM_WORLD}
 * @param bytes {@code MPI_BYTE}
 * @param errorsReturn {@code MPI_ERRORS_RETURN}
 * @param funneled {@code MPI_THREAD_FUNNELED}: one thread calls
 */
record MpiAbi(String title, long world, long bytes, long errorsReturn, int funneled) {
  /** {@code MPI_SUCCESS}, everywhere. */
  static final int SUCCESS = 0;

  /** MPICH since 3.1, and Intel MPI, MVAPICH and Cray's, which follow it. */
  static final MpiAbi MPICH = new MpiAbi("MPICH's ABI", 0x44000000L, 0x4c00010dL, 0x54000001L, 1);

  /** MPI 5.0, as the header of the MPI Forum has it. */
  static final MpiAbi STANDARD =
      new MpiAbi("the standard ABI of MPI 5", 0x101L, 0x247L, 0x142L, 1024);

  /** The symbol that only Open MPI has. */
  static final String OPEN_MPI_WORLD = "ompi_mpi_comm_world";

  /** Where a library has its symbols. */
  @FunctionalInterface
  interface Symbols {
    /** The address of a symbol; 0 if there is none. */
    long address(String name);
  }

  /**
   * Tells the ABI of a library by what is in it.
   *
   * @param symbols what is in it
   * @param standard the major version that MPI_Abi_get_version says; less than 1 without one
   */
  static MpiAbi of(Symbols symbols, int standard) {
    long world = symbols.address(OPEN_MPI_WORLD);
    if (world != 0) {
      return new MpiAbi(
          "Open MPI's ABI",
          world,
          symbols.address("ompi_mpi_byte"),
          symbols.address("ompi_mpi_errors_return"),
          1);
    }
    return standard >= 1 ? STANDARD : MPICH;
  }
}
