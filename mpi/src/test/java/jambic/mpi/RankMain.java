package jambic.mpi;

import jambic.tensor.JambicException;
import jambic.tensor.spi.Communicator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.function.LongFunction;

/** What the ranks do in {@link JobTest}: a process of its own each. */
final class RankMain {
  /** Bytes of a call in these jobs, so that small data takes many. */
  private static final int CHUNK = 1000;

  private static final long[] SIZES = {0, 1, 7, 249, 250, 251, 1000, 12_345};

  private RankMain() {}

  /**
   * Plays a part.
   *
   * @param args its name
   */
  public static void main(String... args) throws Exception {
    if (args[0].equals("error")) {
      error();
      return;
    }
    Optional<Communicator> job;
    try {
      job = new MpiProvider().open(CHUNK);
    } catch (JambicException e) {
      say("refused: " + e.getMessage());
      System.exit(1);
      return;
    }
    if (job.isEmpty()) {
      say("alone");
      return;
    }
    Communicator ranks = job.get();
    say(
        "rank %d of %d, %d of %d here"
            .formatted(ranks.rank(), ranks.size(), ranks.localRank(), ranks.localSize()));
    switch (args[0]) {
      case "move" -> move(ranks);
      case "refuse" -> refuse(ranks);
      case "abort" -> {
        if (ranks.rank() == 1) {
          ranks.abort(42);
        }
        waitForOthers(ranks);
      }
      case "abort-inside" -> abortInside(ranks);
      case "absent" -> {
        if (ranks.rank() == 1) {
          Thread.sleep(60_000);
        }
        waitForOthers(ranks);
      }
      case "exit" -> {
        if (ranks.rank() == 1) {
          System.exit(0);
        }
        waitForOthers(ranks);
      }
      case "go on" -> {
        while (true) { // for tests by hand, with a network that goes down
          waitForOthers(ranks);
          Thread.sleep(500);
        }
      }
      case "kill" -> signal(ranks, "-KILL");
      case "stop" -> {
        Runtime.getRuntime().addShutdownHook(new Thread(RankMain::save));
        signal(ranks, "-TERM");
      }
      case "faults" -> faults(ranks);
      default -> throw new IllegalArgumentException(args[0]);
    }
    ranks.close();
    ranks.close();
    say("closed %d".formatted(ranks.rank()));
  }

  private static void say(String line) {
    System.out.print(line + "\n"); // at once, so that ranks do not share a line
    System.out.flush();
  }

  private static void waitForOthers(Communicator ranks) {
    ranks.gatherAll(
        MemorySegment.ofArray(new byte[1]), MemorySegment.ofArray(new byte[ranks.size()]));
    say("arrived %d".formatted(ranks.rank()));
  }

  /** Everything in every kind of memory, of sizes below, at and above what one call moves. */
  private static void move(Communicator ranks) {
    LongFunction<MemorySegment> heap = bytes -> MemorySegment.ofArray(new byte[(int) bytes]);
    LongFunction<MemorySegment> outside =
        bytes -> Arena.ofAuto().allocate(Math.max(bytes, 1)).asSlice(0, bytes);
    boolean odd = ranks.rank() % 2 == 1;
    int moved = 0;
    for (long bytes : SIZES) {
      moved += move(ranks, bytes, heap, heap);
      moved += move(ranks, bytes, outside, outside);
      moved += move(ranks, bytes, odd ? heap : outside, odd ? outside : heap);
    }
    say("moved %d".formatted(moved));
  }

  private static int move(
      Communicator ranks,
      long bytes,
      LongFunction<MemorySegment> here,
      LongFunction<MemorySegment> there) {
    int size = ranks.size();
    int root = size - 1;
    MemorySegment data = here.apply(bytes);
    if (ranks.rank() == root) {
      fill(data, root, 99);
    }
    ranks.broadcast(data, root);
    check(data, root, 99);

    MemorySegment send = here.apply(bytes * size);
    MemorySegment receive = there.apply(bytes * size);
    for (int to = 0; to < size; to++) {
      fill(send.asSlice(to * bytes, bytes), ranks.rank(), to);
    }
    ranks.exchange(send, receive);
    for (int from = 0; from < size; from++) {
      check(receive.asSlice(from * bytes, bytes), from, ranks.rank());
    }

    MemorySegment mine = there.apply(bytes);
    MemorySegment all = here.apply(bytes * size);
    fill(mine, ranks.rank(), 7);
    ranks.gatherAll(mine, all);
    for (int from = 0; from < size; from++) {
      check(all.asSlice(from * bytes, bytes), from, 7);
    }
    return 1;
  }

  private static byte value(long i, int from, int to) {
    return (byte) (i * 31 + from * 17 + to * 5 + 1);
  }

  private static void fill(MemorySegment segment, int from, int to) {
    for (long i = 0; i < segment.byteSize(); i++) {
      segment.set(ValueLayout.JAVA_BYTE, i, value(i, from, to));
    }
  }

  private static void check(MemorySegment segment, int from, int to) {
    for (long i = 0; i < segment.byteSize(); i++) {
      if (segment.get(ValueLayout.JAVA_BYTE, i) != value(i, from, to)) {
        throw new AssertionError(
            "byte %d of %d from %d to %d".formatted(i, segment.byteSize(), from, to));
      }
    }
  }

  private static void refuse(Communicator ranks) {
    MemorySegment three = MemorySegment.ofArray(new byte[3]);
    MemorySegment four = MemorySegment.ofArray(new byte[4]);
    for (Runnable wrong :
        new Runnable[] {
          () -> ranks.broadcast(three, ranks.size()),
          () -> ranks.broadcast(three, -1),
          () -> ranks.exchange(three, three),
          () -> ranks.exchange(three, four),
          () -> ranks.gatherAll(three, four),
          () -> ranks.abort(0),
          () -> new MpiProvider().open()
        }) {
      try {
        wrong.run();
        say("took it");
      } catch (IllegalArgumentException | JambicException e) {
        say(e.getMessage());
      }
    }
    ranks.close();
    try {
      ranks.broadcast(three, 0);
      say("took it");
    } catch (IllegalStateException e) {
      say(e.getMessage());
    }
  }

  private static void abortInside(Communicator ranks) throws InterruptedException {
    if (ranks.rank() == 1) {
      Thread waiting = new Thread(() -> waitForOthers(ranks));
      waiting.setDaemon(true);
      waiting.start();
      Thread.sleep(500);
      ranks.abort(43);
    }
    Thread.sleep(60_000);
  }

  private static void signal(Communicator ranks, String signal) throws Exception {
    if (ranks.rank() == 1) {
      new ProcessBuilder("kill", signal, Long.toString(ProcessHandle.current().pid()))
          .inheritIO()
          .start()
          .waitFor();
      Thread.sleep(60_000);
    }
    waitForOthers(ranks);
  }

  private static void save() {
    try {
      Thread.sleep(700);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    say("saved");
  }

  /** The JVM finds null pointers and ends of stacks by signals that libraries like to take. */
  private static void faults(Communicator ranks) {
    waitForOthers(ranks);
    int[][] rows = new int[1000][];
    for (int i = 0; i < 999; i++) {
      rows[i] = new int[1];
    }
    long sum = 0;
    for (int round = 0; round < 30_000; round++) {
      for (int i = 0; i < 999; i++) {
        sum += first(rows, i);
      }
    }
    int nulls = 0;
    for (int round = 0; round < 2000; round++) {
      try {
        sum += first(rows, 999);
      } catch (NullPointerException e) {
        nulls++;
      }
    }
    int overflows = 0;
    for (int round = 0; round < 3; round++) {
      try {
        sum += deep(0);
      } catch (StackOverflowError e) {
        overflows++;
      }
    }
    say("%d null pointers, %d stack overflows, sum %d".formatted(nulls, overflows, sum));
  }

  private static int first(int[][] rows, int i) {
    return rows[i][0];
  }

  private static int deep(int depth) {
    return deep(depth + 1) + 1;
  }

  /** A call that MPI refuses, past all checks of ours. */
  private static void error() {
    MpiLibrary library =
        LibrarySearch.ofProcess().load(Launcher.find(System.getenv()).map(Launcher::kind));
    library.init();
    try (Arena arena = Arena.ofConfined()) {
      library.broadcast(arena.allocate(8), 99);
      say("took it");
    } catch (JambicException e) {
      say(e.getMessage());
    }
    library.end();
  }
}
