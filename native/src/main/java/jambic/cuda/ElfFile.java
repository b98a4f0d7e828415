package jambic.cuda;

import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What a library says of itself, read before the loader maps it: one that is not all there may end
 * the whole process. What is missing in the midst of it is not seen.
 *
 * @see <a href="https://gabi.xinuos.com/elf/02-eheader.html">The header of an ELF file</a>
 */
final class ElfFile {
  private static final int MAGIC = 0x464C457F; // 0x7F, "ELF"
  private static final int HEADER_BYTES = 64;
  private static final int SEGMENT_BYTES = 56;
  private static final int SECTION_BYTES = 64;
  private static final Map<String, Integer> MACHINES = Map.of("amd64", 62, "aarch64", 183);

  private ElfFile() {}

  /** Why the loader must not see a file, as the end of a sentence about it; empty if it may. */
  static Optional<String> flaw(Path file) {
    try (RandomAccessFile elf = new RandomAccessFile(file.toFile(), "r")) {
      ByteBuffer header = read(elf, 0, HEADER_BYTES);
      if (!isForThisMachine(header)) {
        return Optional.of("is no library for this machine");
      }
      long bytes = elf.length();
      long whole = wholeBytes(elf, header);
      if (bytes < whole) {
        return Optional.of(Text.format("is cut short: %d of %d bytes", bytes, whole));
      }
      return endsInZeros(elf, header)
          ? Optional.of("is incomplete: it ends in zeros")
          : Optional.empty();
    } catch (IOException e) {
      return Optional.of("cannot be read");
    }
  }

  private static boolean isForThisMachine(ByteBuffer header) {
    int machine = header.getShort(18);
    return header.getInt(0) == MAGIC
        && header.get(4) == 2 // 64 bits
        && header.get(5) == 1 // little-endian
        && header.getLong(32) >= 0 // where its segments are listed
        && machine == MACHINES.getOrDefault(System.getProperty("os.arch"), machine);
  }

  /** Up to where the file must reach: its headers and segments, of which the sections are last. */
  private static long wholeBytes(RandomAccessFile elf, ByteBuffer header) throws IOException {
    long segments = header.getLong(32);
    int segmentBytes = Short.toUnsignedInt(header.getShort(56)) * SEGMENT_BYTES;
    long sections = header.getLong(40);
    int sectionBytes = Short.toUnsignedInt(header.getShort(60)) * SECTION_BYTES;
    long whole = Math.max(HEADER_BYTES, sections + sectionBytes);
    whole = Math.max(whole, segments + segmentBytes);
    ByteBuffer table = read(elf, segments, segmentBytes);
    for (int at = 0; at < segmentBytes; at += SEGMENT_BYTES) {
      whole = Math.max(whole, table.getLong(at + 8) + table.getLong(at + 32));
    }
    return whole;
  }

  /**
   * An interrupted download may have its full length. What comes last in nearly every library is
   * the list of its sections, of which the first alone is all zeros.
   */
  private static boolean endsInZeros(RandomAccessFile elf, ByteBuffer header) throws IOException {
    long sections = header.getLong(40);
    int bytes = Short.toUnsignedInt(header.getShort(60)) * SECTION_BYTES;
    return bytes > SECTION_BYTES
        && sections > 0
        && sections <= elf.length() - bytes
        && read(elf, sections, bytes).rewind().equals(ByteBuffer.allocate(bytes));
  }

  /** Zeros stand for what is beyond the end. */
  private static ByteBuffer read(RandomAccessFile elf, long position, int bytes)
      throws IOException {
    byte[] read = new byte[bytes];
    elf.seek(position); // not a channel, which an interrupt would close
    int at = 0;
    for (int count; at < bytes && (count = elf.read(read, at, bytes - at)) > 0; at += count) {}
    return ByteBuffer.wrap(read).order(ByteOrder.LITTLE_ENDIAN);
  }
}
