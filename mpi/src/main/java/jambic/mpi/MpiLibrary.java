package jambic.mpi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A loaded MPI library and the functions of it that are used. Apart from what says it otherwise,
 * all have to be called by one thread, and between {@link #init} and {@link #end}.
 */
final class MpiLibrary implements Collectives {
  private static final Linker LINKER = Linker.nativeLinker();

  /** The longest texts: that of a version has 8,192 bytes, that of an error 512. */
  private static final int TEXT = 8192;

  private final String file;
  private final SymbolLookup symbols;
  private final MpiAbi abi;
  private final String version;
  private final MethodHandle rank;
  private final MethodHandle size;
  private final MethodHandle broadcast;
  private final MethodHandle exchange;
  private final MethodHandle gatherAll;
  private final MethodHandle barrier;
  private final MethodHandle abort;
  private final MethodHandle errorText;

  /**
   * Binds a library that is loaded. Any thread may.
   *
   * @throws JambicException if it lacks a function
   */
  MpiLibrary(String file) {
    this.file = file;
    this.symbols =
        file.contains("/")
            ? SymbolLookup.libraryLookup(Path.of(file), Arena.global())
            : SymbolLookup.libraryLookup(file, Arena.global());
    this.abi = MpiAbi.of(this::address, standardVersion());
    this.version = libraryVersion();
    FunctionDescriptor number = ints(JAVA_LONG, ADDRESS);
    rank = function("MPI_Comm_rank", number);
    size = function("MPI_Comm_size", number);
    broadcast = function("MPI_Bcast", ints(ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG));
    FunctionDescriptor all =
        ints(ADDRESS, JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG);
    exchange = function("MPI_Alltoall", all);
    gatherAll = function("MPI_Allgather", all);
    barrier = function("MPI_Barrier", ints(JAVA_LONG));
    abort = function("MPI_Abort", ints(JAVA_LONG, JAVA_INT));
    errorText = function("MPI_Error_string", ints(JAVA_INT, ADDRESS, ADDRESS));
  }

  /** What it is, in words, such as {@code Open MPI v4.1.4 (libmpi.so.40)}. Any thread may ask. */
  String description() {
    return Text.format("%s (%s)", version, file);
  }

  /** The ABI, in words. Any thread may ask. */
  String abi() {
    return abi.title();
  }

  /**
   * Joins the job. From then on errors are returned, and thrown here.
   *
   * @throws JambicException if this process has joined before
   */
  void init() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment answer = arena.allocate(JAVA_INT);
      check(
          (int) function("MPI_Initialized", ints(ADDRESS)).invokeExact(answer), "MPI_Initialized");
      if (answer.get(JAVA_INT, 0) != 0) {
        throw new JambicException(
            "this process has joined its job before, which MPI allows once: open one communicator"
                + " and pass it on");
      }
      MethodHandle init = function("MPI_Init_thread", ints(ADDRESS, ADDRESS, JAVA_INT, ADDRESS));
      check(
          (int) init.invokeExact(MemorySegment.NULL, MemorySegment.NULL, abi.funneled(), answer),
          "MPI_Init_thread");
      MethodHandle handler = function("MPI_Comm_set_errhandler", ints(JAVA_LONG, JAVA_LONG));
      check((int) handler.invokeExact(abi.world(), abi.errorsReturn()), "MPI_Comm_set_errhandler");
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  int rank() {
    return number(rank, "MPI_Comm_rank");
  }

  int size() {
    return number(size, "MPI_Comm_size");
  }

  @Override
  public void broadcast(MemorySegment data, int root) {
    try {
      check(
          (int) broadcast.invokeExact(data, (int) data.byteSize(), abi.bytes(), root, abi.world()),
          "MPI_Bcast");
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  @Override
  public void exchange(MemorySegment send, MemorySegment receive, int bytes) {
    all(exchange, "MPI_Alltoall", send, receive, bytes);
  }

  @Override
  public void gatherAll(MemorySegment mine, MemorySegment all, int bytes) {
    all(gatherAll, "MPI_Allgather", mine, all, bytes);
  }

  void barrier() {
    try {
      check((int) barrier.invokeExact(abi.world()), "MPI_Barrier");
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  /** Leaves the job; afterwards nothing may be called. */
  void end() {
    try {
      check((int) function("MPI_Finalize", ints()).invokeExact(), "MPI_Finalize");
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  /** Ends all ranks. Does not return, unless it fails. */
  void abort(int code) {
    try {
      check((int) abort.invokeExact(abi.world(), code), "MPI_Abort");
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  private void all(
      MethodHandle function, String call, MemorySegment from, MemorySegment to, int bytes) {
    try {
      check(
          (int) function.invokeExact(from, bytes, abi.bytes(), to, bytes, abi.bytes(), abi.world()),
          call);
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  private int number(MethodHandle function, String call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment answer = arena.allocate(JAVA_INT);
      check((int) function.invokeExact(abi.world(), answer), call);
      return answer.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  private void check(int status, String call) throws Throwable {
    if (status != MpiAbi.SUCCESS) {
      throw new JambicException(
          Text.format(
              "%s failed with error %d (%s): a rank or the network between them is gone; start the"
                  + " job again, a run goes on from its last checkpoint",
              call, status, errorText(status)));
    }
  }

  private String errorText(int status) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(TEXT);
      int failure = (int) errorText.invokeExact(status, text, arena.allocate(JAVA_INT));
      return failure == MpiAbi.SUCCESS ? oneLine(text) : "which MPI has no text for";
    }
  }

  /** Which version of the standard ABI it has; 0 without one. */
  private int standardVersion() {
    String name = "MPI_Abi_get_version";
    if (symbols.find(name).isEmpty()) {
      return 0;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(JAVA_INT);
      MemorySegment minor = arena.allocate(JAVA_INT);
      int failure = (int) function(name, ints(ADDRESS, ADDRESS)).invokeExact(major, minor);
      return failure == MpiAbi.SUCCESS ? major.get(JAVA_INT, 0) : 0;
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  private String libraryVersion() {
    MethodHandle get = function("MPI_Get_library_version", ints(ADDRESS, ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(TEXT);
      int failure = (int) get.invokeExact(text, arena.allocate(JAVA_INT));
      return failure == MpiAbi.SUCCESS
          ? brief(oneLine(text))
          : "an MPI that does not say its version";
    } catch (Throwable e) {
      throw Posix.rethrown(e);
    }
  }

  /** Open MPI adds who built it, and MPICH how, which nobody asked for here. */
  static String brief(String version) {
    return version.replaceFirst(",.*", "").replaceFirst("^MPICH Version: *", "MPICH ");
  }

  private static String oneLine(MemorySegment text) {
    return text.getString(0, StandardCharsets.UTF_8)
        .lines()
        .findFirst()
        .orElse("")
        .strip()
        .replaceAll("\\s+", " ");
  }

  private long address(String name) {
    return symbols.find(name).map(MemorySegment::address).orElse(0L);
  }

  private MethodHandle function(String name, FunctionDescriptor type) {
    return LINKER.downcallHandle(
        symbols
            .find(name)
            .orElseThrow(() ->
                new JambicException(
                    Text.format(
                        "%s lacks the function %s: it is no MPI library; let JAMBIC_MPI name one",
                        file, name))),
        type);
  }

  private static FunctionDescriptor ints(MemoryLayout... arguments) {
    return FunctionDescriptor.of(JAVA_INT, arguments);
  }
}
