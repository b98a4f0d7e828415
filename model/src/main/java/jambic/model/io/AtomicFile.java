package jambic.model.io;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Replaces one file so that a crash leaves either the old file or the new one: the new bytes go to
 * a temporary sibling, reach the disk, and only then take the name. A link stays, and the file it
 * leads to is replaced; what is no file, such as a pipe or a device, is written to as it stands.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /** Writes the bytes of a file. */
  @FunctionalInterface
  public interface Body {
    /**
     * Writes the bytes.
     *
     * @param out the empty temporary file, which an interrupt does not close
     * @throws IOException if {@code out} throws it
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Replaces a file.
   *
   * @param file the file; its folder must exist
   * @param body writes the new bytes
   * @throws JambicException if that fails; the old file is untouched and no temporary file is left
   */
  public static void write(Path file, Body body) {
    try {
      if (Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file)) {
        try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.WRITE)) {
          body.writeTo(out);
        }
        return;
      }
      Path target = TempSiblings.resolve(file);
      TempSiblings leftovers = TempSiblings.of(target);
      leftovers.deleteAbandoned();
      Path temporary = leftovers.fresh();
      try {
        try (OutputStream out =
            Files.newOutputStream(
                temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
          body.writeTo(out);
        }
        TempSiblings.syncFile(temporary);
        Files.move(
            temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        TempSiblings.syncFolder(leftovers.parent());
      } catch (IOException | RuntimeException e) {
        Files.deleteIfExists(temporary);
        throw e;
      }
    } catch (IOException e) {
      throw new JambicException("cannot write " + file + ": " + ErrorText.reason(e), e);
    }
  }

  /**
   * Replaces a file by text in UTF-8.
   *
   * @param file the file; its folder must exist
   * @param text the new content
   * @throws JambicException if that fails; the old file is untouched and no temporary file is left
   */
  public static void writeString(Path file, String text) {
    write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }
}
