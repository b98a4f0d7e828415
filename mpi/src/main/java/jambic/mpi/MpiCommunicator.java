package jambic.mpi;

import jambic.tensor.spi.Communicator;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;

/** The ranks of {@code MPI_COMM_WORLD}. */
final class MpiCommunicator implements Communicator {
  /** As long as a name of a host may be, and room. */
  private static final int HOST_BYTES = 256;

  /** How long the end of all ranks may take before this one ends by itself. */
  private static final Duration ABORT_PATIENCE = Duration.ofSeconds(2);

  private final MpiLibrary library;
  private final MpiThread thread;
  private final Chunks chunks;
  private final int rank;
  private final int size;
  private final int localRank;
  private final int localSize;
  private final ExitGuard guard;
  private boolean closed;

  private MpiCommunicator(
      MpiLibrary library, MpiThread thread, int rank, int size, int chunkBytes) {
    this.library = library;
    this.thread = thread;
    this.rank = rank;
    this.size = size;
    this.chunks = new Chunks(watched(library, thread), size, chunkBytes, Arena.global());
    this.guard = ExitGuard.install(Text.format("rank %d of %d", rank, size));
    byte[][] hosts = gatherHosts();
    this.localRank = countMine(hosts, rank);
    this.localSize = countMine(hosts, size);
  }

  /**
   * Joins the job.
   *
   * @param patience how long a collective waits for other ranks; zero for ever
   * @param chunkBytes the most bytes that a call of MPI moves
   */
  static MpiCommunicator join(
      Launcher launcher, MpiLibrary library, Duration patience, int chunkBytes) {
    MpiThread thread = new MpiThread(launcher.rankInWords(), patience);
    int[] place = new int[2];
    try {
      thread.run(
          "start",
          () -> {
            library.init();
            place[0] = library.rank();
            place[1] = library.size();
            leaveIfTorn(launcher, library, place[1]);
          });
      return new MpiCommunicator(library, thread, place[0], place[1], chunkBytes);
    } catch (RuntimeException e) {
      thread.end();
      throw e;
    }
  }

  private static void leaveIfTorn(Launcher launcher, MpiLibrary library, int size) {
    try {
      launcher.requireJoined(library.description(), size);
    } catch (RuntimeException e) {
      library.end();
      throw e;
    }
  }

  private static Collectives watched(MpiLibrary library, MpiThread thread) {
    return new Collectives() {
      @Override
      public void broadcast(MemorySegment data, int root) {
        library.broadcast(data, root);
        thread.progressed();
      }

      @Override
      public void exchange(MemorySegment send, MemorySegment receive, int bytes) {
        library.exchange(send, receive, bytes);
        thread.progressed();
      }

      @Override
      public void gatherAll(MemorySegment mine, MemorySegment all, int bytes) {
        library.gatherAll(mine, all, bytes);
        thread.progressed();
      }
    };
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public int localRank() {
    return localRank;
  }

  @Override
  public int localSize() {
    return localSize;
  }

  @Override
  public void broadcast(MemorySegment data, int root) {
    require(root >= 0 && root < size, "there is no rank %d among %d to broadcast from", root, size);
    run("broadcast", () -> chunks.broadcast(data, root, rank == root));
  }

  @Override
  public void exchange(MemorySegment send, MemorySegment receive) {
    require(
        send.byteSize() == receive.byteSize() && send.byteSize() % size == 0,
        "%d and %d bytes are not the same %d parts to exchange",
        send.byteSize(),
        receive.byteSize(),
        size);
    run("exchange", () -> chunks.exchange(send, receive));
  }

  @Override
  public void gatherAll(MemorySegment mine, MemorySegment all) {
    require(
        all.byteSize() == mine.byteSize() * size,
        "%d bytes are not %d parts of %d to gather",
        all.byteSize(),
        size,
        mine.byteSize());
    run("gatherAll", () -> chunks.gatherAll(mine, all));
  }

  @Override
  public void abort(int code) {
    require(code >= 1 && code <= 255, "an exit code of a failure is from 1 to 255, not %d", code);
    Thread aborting =
        Thread.ofPlatform().name("jambic-mpi-abort").daemon(true).start(() -> abortAll(code));
    try {
      aborting.join(ABORT_PATIENCE);
    } catch (InterruptedException e) {
      // All the more.
    }
    Runtime.getRuntime().halt(code);
  }

  private void abortAll(int code) {
    try {
      if (thread.isBusy()) {
        library.abort(code); // the owner of MPI waits for another rank: any thread has to do
      } else {
        thread.run("abort", () -> library.abort(code));
      }
    } catch (RuntimeException e) {
      // The job is left, or does not hear: the end of this process ends it.
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    thread.run(
        "close",
        () -> {
          library.barrier();
          library.end();
        });
    guard.remove();
    thread.end();
  }

  private void run(String name, Runnable task) {
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException(name + " after the communicator was closed");
      }
    }
    thread.run(name, task);
  }

  private static void require(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new IllegalArgumentException(Text.format(message, arguments));
    }
  }

  private byte[][] gatherHosts() {
    byte[] mine = Arrays.copyOf(hostName().getBytes(StandardCharsets.UTF_8), HOST_BYTES);
    byte[] all = new byte[size * HOST_BYTES];
    gatherAll(MemorySegment.ofArray(mine), MemorySegment.ofArray(all));
    byte[][] hosts = new byte[size][HOST_BYTES];
    for (int i = 0; i < size; i++) {
      ByteBuffer.wrap(all).get(i * HOST_BYTES, hosts[i]);
    }
    return hosts;
  }

  /** How many of the first ranks are on this one's machine. */
  private int countMine(byte[][] hosts, int first) {
    int count = 0;
    for (int i = 0; i < first; i++) {
      count += Arrays.equals(hosts[i], hosts[rank]) ? 1 : 0;
    }
    return count;
  }

  private static String hostName() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException notLinux) {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (IOException nameless) {
        return "";
      }
    }
  }
}
