package jambic.model.io;

import jambic.tensor.text.Text;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * The entries of a ZIP archive in memory that are stored as they are, also of one beyond 4 GB
 * (ZIP64). Java's own reader does not tell where in the file an entry's bytes lie.
 */
final class StoredZip {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int END = 0x06054b50;
  private static final int END_64 = 0x06064b50;
  private static final int LOCATOR_64 = 0x07064b50;
  private static final int DIRECTORY = 0x02014b50;
  private static final int LOCAL = 0x04034b50;
  private static final int END_SIZE = 22;
  private static final int END_64_SIZE = 56;
  private static final int LOCATOR_SIZE = 20;
  private static final int DIRECTORY_SIZE = 46;
  private static final int LOCAL_SIZE = 30;
  private static final int MOST_ENTRIES = 1 << 18;
  private static final long IN_EXTRA = 0xffffffffL; // the extra field has the number

  private final MemorySegment file;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private StoredZip(MemorySegment file) {
    this.file = file;
  }

  /** Says what is wrong with an archive, to end a sentence that names the file. */
  static final class ZipException extends Exception {
    private static final long serialVersionUID = 1L;

    ZipException(String why) {
      super(why);
    }
  }

  /**
   * One entry.
   *
   * @param data its bytes
   * @param crc their CRC-32 as the archive says it
   */
  record Entry(MemorySegment data, int crc) {
    private static final int CHUNK = 1 << 16;

    /**
     * Whether the bytes are those that were stored, if PyTorch noted a checksum; reads them all.
     */
    boolean isIntact() {
      if (crc == 0) { // as torch.serialization.set_crc32_options(False) leaves it
        return true;
      }
      CRC32 actual = new CRC32();
      // By way of the heap: a page that is gone, as another program cut the file, ends in an
      // InternalError here, but inside of CRC32 in the end of the virtual machine.
      byte[] chunk = new byte[CHUNK];
      for (long at = 0; at < data.byteSize(); at += CHUNK) {
        int count = (int) Math.min(CHUNK, data.byteSize() - at);
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, chunk, 0, count);
        actual.update(chunk, 0, count);
      }
      return (int) actual.getValue() == crc;
    }
  }

  /** Finds the entries of an archive and checks that each lies inside it. */
  static StoredZip of(MemorySegment file) throws ZipException {
    StoredZip zip = new StoredZip(file);
    try {
      zip.readDirectory();
    } catch (IndexOutOfBoundsException | CharacterCodingException e) {
      throw new ZipException("it is cut short or damaged");
    }
    return zip;
  }

  /** All entries by name. */
  Map<String, Entry> entries() {
    return Collections.unmodifiableMap(entries);
  }

  private void readDirectory() throws ZipException, CharacterCodingException {
    long end = findEnd();
    long count = unsigned(SHORT, end + 10);
    long size = unsigned(INT, end + 12);
    long at = unsigned(INT, end + 16);
    long limit = end;
    long locator = end - LOCATOR_SIZE;
    if (locator >= 0 && file.get(INT, locator) == LOCATOR_64) {
      limit = file.get(LONG, locator + 8);
      requireInside(limit, END_64_SIZE, locator);
      if (file.get(INT, limit) != END_64) {
        throw new IndexOutOfBoundsException();
      }
      count = file.get(LONG, limit + 32);
      size = file.get(LONG, limit + 40);
      at = file.get(LONG, limit + 48);
    }
    requireInside(at, size, limit);
    if (count < 0 || count > Math.min(MOST_ENTRIES, size / DIRECTORY_SIZE)) {
      throw new ZipException(Text.format("its list of %d entries cannot be", count));
    }
    long begin = at;
    for (long i = 0; i < count; i++) {
      requireInside(at, DIRECTORY_SIZE, begin + size);
      if (file.get(INT, at) != DIRECTORY) {
        throw new IndexOutOfBoundsException();
      }
      int nameLength = (int) unsigned(SHORT, at + 28);
      int extraLength = (int) unsigned(SHORT, at + 30);
      long length = DIRECTORY_SIZE + nameLength + extraLength + unsigned(SHORT, at + 32);
      requireInside(at, length, begin + size);
      readEntry(at, text(at + DIRECTORY_SIZE, nameLength), extraLength, begin);
      at += length;
    }
  }

  private void readEntry(long at, String name, int extraLength, long limit) throws ZipException {
    if ((file.get(SHORT, at + 8) & 1) != 0 || file.get(SHORT, at + 10) != 0) {
      throw new ZipException(
          Text.format("its entry %s is compressed or encrypted", ErrorText.quote(name)));
    }
    long size = unsigned(INT, at + 24);
    long local = unsigned(INT, at + 42);
    if (size == IN_EXTRA || local == IN_EXTRA || unsigned(INT, at + 20) == IN_EXTRA) {
      long field = extra64(at + DIRECTORY_SIZE + unsigned(SHORT, at + 28), extraLength);
      if (size == IN_EXTRA) {
        size = file.get(LONG, field);
        field += Long.BYTES;
      }
      if (unsigned(INT, at + 20) == IN_EXTRA) {
        field += Long.BYTES; // stored: as long as it is
      }
      if (local == IN_EXTRA) {
        local = file.get(LONG, field);
      }
    }
    requireInside(local, LOCAL_SIZE, limit);
    if (file.get(INT, local) != LOCAL) {
      throw new IndexOutOfBoundsException();
    }
    long data = local + LOCAL_SIZE + unsigned(SHORT, local + 26) + unsigned(SHORT, local + 28);
    requireInside(data, size, limit);
    Entry entry = new Entry(file.asSlice(data, size), file.get(INT, at + 16));
    if (entries.put(name, entry) != null) {
      throw new ZipException("two of its entries are called " + ErrorText.quote(name));
    }
  }

  /** The place of the record that ends the file; a comment may follow it. */
  private long findEnd() throws ZipException {
    long first = Math.max(0, file.byteSize() - END_SIZE - 0xffff);
    for (long at = file.byteSize() - END_SIZE; at >= first; at--) {
      if (file.get(INT, at) == END && at + END_SIZE + unsigned(SHORT, at + 20) == file.byteSize()) {
        return at;
      }
    }
    throw new ZipException("it is cut short or damaged");
  }

  /** The place of the 8-byte numbers among an entry's extra fields. */
  private long extra64(long at, int length) {
    for (long end = at + length; at + 4 <= end; at += 4 + unsigned(SHORT, at + 2)) {
      if (file.get(SHORT, at) == 1) {
        return at + 4;
      }
    }
    throw new IndexOutOfBoundsException();
  }

  private static void requireInside(long at, long size, long limit) {
    if (at < 0 || size < 0 || at > limit || size > limit - at) {
      throw new IndexOutOfBoundsException();
    }
  }

  private String text(long at, int length) throws CharacterCodingException {
    ByteBuffer utf8 = file.asSlice(at, length).asByteBuffer();
    return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
  }

  private long unsigned(ValueLayout.OfShort layout, long at) {
    return Short.toUnsignedLong(file.get(layout, at));
  }

  private long unsigned(ValueLayout.OfInt layout, long at) {
    return Integer.toUnsignedLong(file.get(layout, at));
  }
}
