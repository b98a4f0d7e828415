package jambic.model.io;

import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/**
 * The temporary siblings of a file or folder that is being replaced. Each name carries the process
 * that made it, {@code .NAME.tmp-PID-START-RANDOM}, so that a later writer can tell an abandoned
 * one and delete it. The start is the process's, in seconds since 1970: in a container every
 * process may have the same number.
 *
 * @param parent the folder that holds the target and its siblings
 * @param prefix how the name of every sibling begins
 */
record TempSiblings(Path parent, String prefix) {
  private static final int MOST_LINKS = 40; // as many as Linux follows
  private static final int CLOCK_SECONDS = 2; // when a process began is told from the clock of now

  /** The siblings of a target, which has a name. */
  static TempSiblings of(Path target) {
    Path absolute = target.toAbsolutePath().normalize();
    return new TempSiblings(absolute.getParent(), "." + absolute.getFileName() + ".tmp-");
  }

  /** A target's own place: a link to it stays a link, also where nothing is yet. */
  static Path resolve(Path name) throws IOException {
    Path target = name.toAbsolutePath().normalize();
    for (int links = 0; Files.isSymbolicLink(target); links++) {
      if (links == MOST_LINKS) {
        throw new IOException("its links go in a circle");
      }
      target = target.resolveSibling(Files.readSymbolicLink(target)).normalize();
    }
    if (target.getParent() == null) {
      throw new IOException("it is the root of the file system");
    }
    return target;
  }

  /** A name for a sibling of this process that nothing has. */
  Path fresh() {
    long random = ThreadLocalRandom.current().nextLong() >>> 16;
    ProcessHandle own = ProcessHandle.current();
    return parent.resolve(
        Text.format("%s%d-%d-%x", prefix, own.pid(), start(own).orElse(0), random));
  }

  /** Whether a process that lives, perhaps this one, has a sibling here. */
  boolean inUse() throws IOException {
    return list().stream().anyMatch(this::ownerLives);
  }

  /** Deletes what processes that are gone left behind. */
  void deleteAbandoned() throws IOException {
    for (Path sibling : list()) {
      if (!ownerLives(sibling)) {
        deleteTree(sibling);
        System.getLogger("jambic.model")
            .log(Level.DEBUG, "deleted {0}, which a process that is gone left behind", sibling);
      }
    }
  }

  /** Deletes a file, or a folder with all that is in it; links are not followed. */
  static void deleteTree(Path root) throws IOException {
    for (Path path : childrenFirst(root)) {
      Files.deleteIfExists(path);
    }
  }

  /** Brings every file and folder of a tree to the disk. */
  static void syncTree(Path root) throws IOException {
    for (Path path : childrenFirst(root)) {
      if (Files.isDirectory(path)) {
        syncFolder(path);
      } else {
        syncFile(path);
      }
    }
  }

  /** Brings a file's bytes to the disk. */
  static void syncFile(Path file) throws IOException {
    sync(() -> FileChannel.open(file, StandardOpenOption.WRITE));
  }

  /** Brings the names in a folder to the disk, where the system can do that. */
  static void syncFolder(Path folder) throws IOException {
    try {
      FileChannel.open(folder, StandardOpenOption.READ).close();
    } catch (IOException windowsOpensNoFolders) {
      return;
    }
    sync(() -> FileChannel.open(folder, StandardOpenOption.READ));
  }

  private static void sync(Uninterrupted.Action<FileChannel> opened) throws IOException {
    Uninterrupted.call(() -> {
      try (FileChannel channel = opened.run()) {
        channel.force(true);
        return channel;
      }
    });
  }

  private static List<Path> childrenFirst(Path root) throws IOException {
    if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
      return List.of();
    }
    try (Stream<Path> walk = Files.walk(root)) {
      return walk.sorted(Comparator.reverseOrder()).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private List<Path> list() throws IOException {
    try (Stream<Path> children = Files.list(parent)) {
      return children.filter(p -> p.getFileName().toString().startsWith(prefix)).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private boolean ownerLives(Path sibling) {
    String[] parts = sibling.getFileName().toString().substring(prefix.length()).split("-");
    try {
      long start = Long.parseLong(parts[1]);
      return ProcessHandle.of(Long.parseLong(parts[0]))
          .filter(process -> Math.abs(start(process).orElse(start) - start) <= CLOCK_SECONDS)
          .isPresent();
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException notOurs) {
      return true;
    }
  }

  private static OptionalLong start(ProcessHandle process) {
    return process.info().startInstant().stream().mapToLong(Instant::getEpochSecond).findFirst();
  }
}
