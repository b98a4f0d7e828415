package jambic.train.data;

import jambic.model.io.ErrorText;
import jambic.model.io.Uninterrupted;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Token ids as nanoGPT's {@code .bin} files hold them: unsigned, little endian, no header. The file
 * is mapped, not read, so it may be larger than memory.
 */
final class TokenFile implements TokenSource {
  private static final ValueLayout.OfShort UINT16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt UINT32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int MOST_IN_16_BITS = 65_535;

  private final Path file;
  private final MemorySegment bytes;
  private final int width;
  private final int vocabSize;

  private TokenFile(Path file, MemorySegment bytes, int width, int vocabSize) {
    this.file = file;
    this.bytes = bytes;
    this.width = width;
    this.vocabSize = vocabSize;
  }

  /** Bytes of an id: two, or four for a vocabulary of more than 65,535 tokens. */
  static int width(int vocabSize) {
    return vocabSize <= MOST_IN_16_BITS ? Short.BYTES : Integer.BYTES;
  }

  /**
   * Maps a file.
   *
   * @param file the file
   * @param vocabSize tokens of its vocabulary, which tells how wide its ids are
   */
  static TokenFile map(Path file, int vocabSize) {
    try {
      return Uninterrupted.call(() -> mapped(file, vocabSize));
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  private static TokenFile mapped(Path file, int vocabSize) throws IOException {
    int width = width(vocabSize);
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      if (size % width != 0) {
        throw new JambicException(
            Text.format(
                "%s has %d bytes, which is no number of ids of %d bits; it is cut short or damaged",
                file, size, 8 * width));
      }
      MemorySegment bytes =
          channel.map(FileChannel.MapMode.READ_ONLY, 0, size, Arena.ofAuto()); // lives as this does
      return new TokenFile(file, bytes, width, vocabSize);
    }
  }

  @Override
  public long length() {
    return bytes.byteSize() / width;
  }

  @Override
  public void copy(long from, int[] target, int at, int count) {
    Objects.checkFromIndexSize(from, count, length());
    Objects.checkFromIndexSize(at, count, target.length);
    for (int i = 0; i < count; i++) {
      int id = id(from + i);
      if (Integer.compareUnsigned(id, vocabSize) >= 0) {
        throw new JambicException(
            Text.format(
                "%s: token %d has the id %d, but the vocabulary ends at %d; the file was made with"
                    + " another vocabulary",
                file, from + i, Integer.toUnsignedLong(id), vocabSize - 1));
      }
      target[at + i] = id;
    }
  }

  private int id(long index) {
    try {
      return width == Short.BYTES
          ? Short.toUnsignedInt(bytes.get(UINT16, index * Short.BYTES))
          : bytes.get(UINT32, index * Integer.BYTES);
    } catch (InternalError e) { // what the virtual machine makes of a page that has no file
      throw new JambicException(
          file + " was cut or replaced while it was read; write it again, then start again", e);
    }
  }
}
