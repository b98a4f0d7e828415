package jambic.app.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Reads small files out of a tar archive (POSIX ustar), such as npm's packages are. */
final class TarEntries {
  private static final int BLOCK = 512;
  private static final int NAME_END = 100;
  private static final int SIZE_BEGIN = 124;
  private static final int SIZE_END = 136;

  private TarEntries() {}

  /** The content of those of the named files that are there. */
  static Map<String, byte[]> read(InputStream tar, Set<String> names) throws IOException {
    Map<String, byte[]> found = new HashMap<>();
    for (byte[] header; (header = tar.readNBytes(BLOCK)).length == BLOCK && header[0] != 0; ) {
      long size = Long.parseLong(text(header, SIZE_BEGIN, SIZE_END), 8);
      String name = text(header, 0, NAME_END);
      if (names.contains(name)) {
        byte[] content = tar.readNBytes(Math.toIntExact(size));
        if (content.length < size) {
          throw new EOFException(name + " is cut off");
        }
        found.put(name, content);
        tar.skipNBytes(-size & BLOCK - 1);
      } else {
        tar.skipNBytes(Math.ceilDiv(size, BLOCK) * BLOCK);
      }
    }
    return found;
  }

  /** A field, which ends with a zero or a space. */
  private static String text(byte[] header, int begin, int end) {
    String field = new String(header, begin, end - begin, StandardCharsets.ISO_8859_1);
    int zero = field.indexOf(0);
    return (zero < 0 ? field : field.substring(0, zero)).strip();
  }
}
