package jambic.train.run;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.model.io.Uninterrupted;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.parallel.DataParallel;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps a run's folder to one trainer: a lock of the operating system on its file {@code .lock},
 * which ends with the process, be it killed.
 */
public final class RunLock implements AutoCloseable {
  private static final String FILE = ".lock";

  /**
   * What this process has locked. The system does not keep a process from itself; worse, closing a
   * file that is open twice gives up the lock.
   */
  private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;
  private final List<Path> made; // what was not there: the file, its folder and those around it

  private RunLock(Path file, FileChannel channel, List<Path> made) {
    this.file = file;
    this.channel = channel;
    this.made = made;
  }

  /**
   * Locks a folder for a new run.
   *
   * @param folder the run's; made where it is missing
   * @return the lock, to be closed
   * @throws JambicException if another trainer has it, a run would overwrite what it holds, or it
   *     cannot be written; nothing in it has changed then
   */
  public static RunLock ofNewRun(Path folder) {
    requireVacant(folder); // before a lock is left in a folder of something else
    RunLock lock = of(folder, "name another folder");
    try {
      requireVacant(folder); // nobody may have been faster
      return lock;
    } catch (RuntimeException e) {
      lock.discard();
      throw e;
    }
  }

  /**
   * Locks the folder of a run that goes on.
   *
   * @param folder the run's
   * @return the lock, to be closed
   * @throws JambicException if another trainer has it, or it cannot be written
   */
  public static RunLock ofRun(Path folder) {
    return of(
        folder,
        "a resumed run writes into its own folder: allow that, or copy it and resume the copy");
  }

  /**
   * Locks a folder for a new run, on the rank that writes into it.
   *
   * @param folder the run's; made where it is missing
   * @param ranks that train together
   * @return the lock, to be closed; empty on the other ranks
   * @throws JambicException as {@link #ofNewRun(Path)}
   */
  public static Optional<RunLock> ofNewRun(Path folder, DataParallel ranks) {
    return ranks.isFirst() ? Optional.of(ofNewRun(folder)) : Optional.empty();
  }

  /**
   * Locks the folder of a run that goes on, on the rank that writes into it.
   *
   * @param folder the run's
   * @param ranks that train together
   * @return the lock, to be closed; empty on the other ranks
   * @throws JambicException as {@link #ofRun(Path)}
   */
  public static Optional<RunLock> ofRun(Path folder, DataParallel ranks) {
    return ranks.isFirst() ? Optional.of(ofRun(folder)) : Optional.empty();
  }

  private static RunLock of(Path folder, String remedy) {
    try {
      List<Path> made = missing(folder.resolve(FILE));
      Files.createDirectories(folder);
      Path file = folder.toRealPath().resolve(FILE);
      if (!OWN.add(file)) {
        throw inUse(folder, "this process");
      }
      try {
        return Uninterrupted.call(() -> lock(folder, file, made));
      } catch (IOException | RuntimeException e) {
        OWN.remove(file);
        throw e;
      }
    } catch (FileAlreadyExistsException e) {
      throw new JambicException(folder + " is no folder; name another for the run", e);
    } catch (IOException e) {
      throw new JambicException(
          Text.format("cannot write to %s: %s; %s", folder, ErrorText.reason(e), remedy), e);
    }
  }

  private static List<Path> missing(Path file) {
    List<Path> missing = new ArrayList<>();
    for (Path path = file.toAbsolutePath().normalize();
        path != null && Files.notExists(path);
        path = path.getParent()) {
      missing.add(path);
    }
    return missing;
  }

  private static RunLock lock(Path folder, Path file, List<Path> made) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() == null) {
        throw inUse(folder, "another process");
      }
      return new RunLock(file, channel, made);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static JambicException inUse(Path folder, String whose) {
    return new JambicException(
        Text.format(
            "%s is in use by a run of %s; wait for it, or name another folder", folder, whose));
  }

  /**
   * Refuses a folder in which a new run cannot begin.
   *
   * @param folder where a run is to begin; need not exist
   * @throws JambicException if it holds a run or something else that would be overwritten
   */
  public static void requireVacant(Path folder) {
    if (AtomicFolder.exists(folder.resolve(RunCheckpoints.LAST))) {
      throw new ConfigException(
          "%s holds a run already; resume it with %s, or name another folder",
          folder, new Name("resume", "Trainer.resume"));
    }
    List<String> held = new ArrayList<>();
    for (String name : List.of(RunCheckpoints.LAST, RunCheckpoints.BEST)) {
      if (AtomicFolder.exists(folder.resolve(name)) || Files.exists(folder.resolve(name))) {
        held.add(name);
      }
    }
    if (!MetricsLog.isWithoutSteps(folder.resolve(MetricsLog.FILE_NAME))) {
      held.add(MetricsLog.FILE_NAME);
    }
    if (!held.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s holds %s, which a new run would overwrite, and no checkpoint to resume from; name"
                  + " another folder, or move what it holds",
              folder, String.join(" and ", held)));
    }
  }

  /**
   * Tells whether a trainer has a run's folder now.
   *
   * @param folder the run's
   * @return whether its lock is held; not where the folder cannot be written, so nobody can tell
   */
  public static boolean isHeld(Path folder) {
    try {
      Path file = folder.toRealPath().resolve(FILE);
      if (OWN.contains(file)) { // opening and closing it would give up the lock
        return true;
      }
      if (!Files.isWritable(file)) {
        return false;
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        return channel.tryLock() == null;
      }
    } catch (IOException | OverlappingFileLockException e) {
      return false;
    }
  }

  /** Gives the folder back as it was: nothing has been written into it. */
  public void discard() {
    try {
      for (Path path : made) {
        Files.delete(path);
      }
    } catch (IOException stays) {
      // An empty file that a later run locks, or a folder that holds something else by now.
    }
    close();
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException stillLocked) {
      // The system ends the lock with the process.
    } finally {
      OWN.remove(file);
    }
  }
}
