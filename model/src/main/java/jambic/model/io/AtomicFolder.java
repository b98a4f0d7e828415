package jambic.model.io;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Replaces a whole folder so that a crash at any moment leaves the old one or the new one whole.
 *
 * <p>No file system offers to exchange two folders everywhere, so a replacement goes through these
 * states, each made from the one before by a single rename:
 *
 * <table>
 * <caption>States of replacing the folder {@code NAME}</caption>
 * <tr><th>on disk</th><th>what a crash leaves</th></tr>
 * <tr><td>{@code NAME}, {@code .NAME.tmp-1-a} being written</td><td>the old one</td></tr>
 * <tr><td>{@code .NAME.old}, {@code .NAME.tmp-1-a} whole and synced</td><td>the old one, renamed
 * back by the next {@link #read} or {@link #replace}</td></tr>
 * <tr><td>{@code .NAME.old}, {@code NAME}</td><td>the new one</td></tr>
 * <tr><td>{@code NAME}, {@code .NAME.tmp-1-b} (the old one) being deleted</td><td>the new one</td>
 * </tr>
 * </table>
 *
 * <p>So {@code .NAME.old} is always whole, and {@code .NAME.tmp-*} is never needed; the next
 * replacement deletes those whose process is gone. Any number of processes may read a folder while
 * one replaces it. Two that replace it at once each leave a whole folder, unless a crash comes on
 * top.
 */
public final class AtomicFolder {
  private static final int ATTEMPTS = 10;
  private static final long PAUSE_NANOS = 50_000_000;

  private AtomicFolder() {}

  /** Writes the files of a folder. */
  @FunctionalInterface
  public interface Writer {
    /**
     * Writes the files; syncing them is not needed.
     *
     * @param folder an empty temporary folder
     * @throws IOException if a file cannot be written
     */
    void writeTo(Path folder) throws IOException;
  }

  /**
   * Reads the files of a folder.
   *
   * @param <T> what is read
   */
  @FunctionalInterface
  public interface Reader<T> {
    /**
     * Reads the files. If the folder was replaced meanwhile, the result is dropped (and closed, if
     * it is {@link Closeable}) and the reader called again.
     *
     * @param folder the folder
     * @return what was read
     * @throws IOException if a file cannot be read
     */
    T readFrom(Path folder) throws IOException;
  }

  /** The moments at which a test may cut a replacement off. */
  enum Step {
    CREATED,
    WRITTEN,
    SYNCED,
    OLD_ASIDE,
    NEW_IN_PLACE,
    OLD_RETIRED
  }

  /**
   * Replaces a folder, or makes it.
   *
   * @param folder the folder; its parent is made where it is missing
   * @param writer writes the new files; all old ones go
   * @throws JambicException if that fails; the old folder is untouched
   */
  public static void replace(Path folder, Writer writer) {
    replace(folder, writer, step -> {});
  }

  static void replace(Path folder, Writer writer, Consumer<Step> reached) {
    try {
      Path target = TempSiblings.resolve(folder);
      Files.createDirectories(target.getParent());
      TempSiblings leftovers = TempSiblings.of(target);
      repair(target);
      if (Files.exists(target) && !Files.isDirectory(target)) {
        throw new NotDirectoryException(target.toString());
      }
      leftovers.deleteAbandoned();
      Path temporary = leftovers.fresh();
      try {
        Files.createDirectory(temporary);
        reached.accept(Step.CREATED);
        writer.writeTo(temporary);
        reached.accept(Step.WRITTEN);
        TempSiblings.syncTree(temporary);
        reached.accept(Step.SYNCED);
        swap(target, temporary, reached);
      } catch (JambicException e) { // names a file where nobody will find it
        TempSiblings.deleteTree(temporary);
        String there = e.getMessage().replace(temporary.toString(), folder.toString());
        throw there.equals(e.getMessage()) ? e : new JambicException(there, e);
      } catch (IOException | RuntimeException e) {
        TempSiblings.deleteTree(temporary);
        throw e;
      }
      TempSiblings.syncFolder(leftovers.parent());
      retire(old(target), target);
      reached.accept(Step.OLD_RETIRED);
    } catch (IOException e) {
      throw new JambicException("cannot write folder " + folder + ": " + ErrorText.reason(e), e);
    }
  }

  /**
   * Reads a folder as one whole: finishes what a crash left of a replacement, and starts over if
   * the folder is replaced while it is read.
   *
   * @param <T> what is read
   * @param folder the folder
   * @param reader reads the files
   * @return what the reader returned
   * @throws JambicException if the folder does not exist or a file cannot be read
   */
  public static <T> T read(Path folder, Reader<T> reader) {
    try {
      Path target = TempSiblings.resolve(folder);
      for (int attempt = 1; ; attempt++) {
        repair(target);
        Optional<Object> before = identity(target);
        try {
          if (before.isEmpty()) {
            throw new JambicException(folder + ": there is no such folder");
          }
          T result = reader.readFrom(target);
          if (attempt == ATTEMPTS || identity(target).equals(before)) {
            return result;
          }
          discard(result);
        } catch (IOException | RuntimeException e) {
          boolean calm = identity(target).equals(before) && !Files.exists(old(target));
          if (attempt == ATTEMPTS || calm) {
            throw e;
          }
        }
      }
    } catch (IOException e) {
      throw new JambicException("cannot read folder " + folder + ": " + ErrorText.reason(e), e);
    }
  }

  /**
   * Refuses a folder that holds more than what is to be replaced, since replacing deletes the rest.
   *
   * @param folder the folder; need not exist
   * @param names of the files that may be replaced
   * @param replacing what would delete the others, in a word or a few
   * @throws JambicException if it holds something else: what
   */
  public static void requireOnly(Path folder, Set<String> names, String replacing) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      files
          .map(file -> file.getFileName().toString())
          .filter(name -> !names.contains(name))
          .sorted()
          .findFirst()
          .ifPresent(other -> {
            throw new JambicException(
                Text.format(
                    "%s holds %s, which %s would delete; name another folder",
                    folder, other, replacing));
          });
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", folder, ErrorText.reason(e)), e);
    }
  }

  /**
   * Deletes a folder and what is in it, so that a crash at any moment leaves it whole or gone.
   *
   * @param folder the folder; need not exist
   * @throws JambicException if that fails
   */
  public static void delete(Path folder) {
    try {
      Path target = TempSiblings.resolve(folder);
      retire(target, target);
      if (Files.exists(target)) {
        throw new IOException("it cannot be renamed");
      }
    } catch (IOException e) {
      throw new JambicException("cannot delete " + folder + ": " + ErrorText.reason(e), e);
    }
  }

  /**
   * Refuses a folder that may not be read: no file of it could be found.
   *
   * @param folder the folder; need not exist
   * @throws JambicException if it may not be read
   */
  public static void requireReadable(Path folder) {
    if (Files.isDirectory(folder) && !(Files.isReadable(folder) && Files.isExecutable(folder))) {
      throw new JambicException(
          Text.format("cannot read %s: permission denied; allow it, or name another", folder));
    }
  }

  /**
   * Whether there is a folder to read, be it only aside after a crash.
   *
   * @param folder the folder
   * @return whether {@link #read} finds it
   */
  public static boolean exists(Path folder) {
    try {
      Path target = TempSiblings.resolve(folder);
      return Files.isDirectory(target) || Files.isDirectory(old(target));
    } catch (IOException e) {
      return false;
    }
  }

  /** Puts the old folder back if a crash, and not a living process, left it aside. */
  private static void repair(Path target) throws IOException {
    Path old = old(target);
    for (int attempt = 0; !Files.exists(target) && Files.exists(old); attempt++) {
      if (attempt < ATTEMPTS && TempSiblings.of(target).inUse()) {
        pause();
        continue;
      }
      try {
        Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) { // perhaps because another process was faster
        if (attempt >= 2 * ATTEMPTS) {
          throw new IOException(
              "a crash left it as " + old + ", which cannot be renamed: " + ErrorText.reason(e), e);
        }
        pause();
      }
    }
  }

  private static void swap(Path target, Path temporary, Consumer<Step> reached) throws IOException {
    Path old = old(target);
    for (int attempt = 1; ; attempt++) {
      try {
        if (Files.exists(target)) {
          retire(old, target); // what a crash left; the target is newer
          move(target, old);
        }
        reached.accept(Step.OLD_ASIDE);
        move(temporary, target);
        reached.accept(Step.NEW_IN_PLACE);
        return;
      } catch (IOException e) { // perhaps because another process replaces it, too
        if (attempt == ATTEMPTS || e instanceof AccessDeniedException) {
          restore(target);
          throw e;
        }
        pause();
      }
    }
  }

  private static void restore(Path target) throws IOException {
    if (!Files.exists(target) && Files.exists(old(target))) {
      move(old(target), target);
    }
  }

  /**
   * Deletes the old folder under a temporary name, because a half-deleted one must not be found.
   */
  private static void retire(Path old, Path target) throws IOException {
    if (Files.exists(old)) {
      Path doomed = TempSiblings.of(target).fresh();
      try {
        move(old, doomed);
        TempSiblings.deleteTree(doomed);
      } catch (IOException stillOpenSomewhere) {
        // The new folder is in place; a later replacement deletes the rest.
      }
    }
  }

  private static void move(Path from, Path to) throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        return;
      } catch (AccessDeniedException e) { // on Windows also while someone has a file in it open
        if (attempt == ATTEMPTS) {
          throw e;
        }
        pause();
      }
    }
  }

  /** Waits a moment, no less on a thread that is interrupted: it is about to save, perhaps. */
  private static void pause() {
    boolean interrupted = false;
    long end = System.nanoTime() + PAUSE_NANOS;
    for (long left = PAUSE_NANOS; left > 0; left = end - System.nanoTime()) {
      try {
        TimeUnit.NANOSECONDS.sleep(left);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static Path old(Path target) {
    return target.resolveSibling("." + target.getFileName() + ".old");
  }

  /** What tells a folder from another that gets its name; empty if there is none. */
  private static Optional<Object> identity(Path folder) throws IOException {
    try {
      BasicFileAttributes attributes = Files.readAttributes(folder, BasicFileAttributes.class);
      return Optional.of( // a number alone would not do: systems use it again
          Map.entry(
              Objects.requireNonNullElse(attributes.fileKey(), attributes.creationTime()),
              attributes.lastModifiedTime()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static void discard(Object overtaken) throws IOException {
    if (overtaken instanceof Closeable closeable) {
      closeable.close();
    }
  }
}
