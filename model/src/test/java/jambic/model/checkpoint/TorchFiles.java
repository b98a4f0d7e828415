package jambic.model.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Makes files in the form of torch.save, and changes those that PyTorch made. */
public final class TorchFiles {
  private static final int DIRECTORY = 0x02014b50;

  private TorchFiles() {}

  /** An archive of a pickle and one storage. */
  public static byte[] of(byte[] pickle, byte[] storage) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      stored(zip, "x/data.pkl", pickle);
      stored(zip, "x/data/0", storage);
    }
    return bytes.toByteArray();
  }

  private static void stored(ZipOutputStream zip, String name, byte[] data) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(data.length);
    CRC32 crc = new CRC32();
    crc.update(data);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(data);
  }

  /** A copy of a file whose pickle has another text of the same length in place of one. */
  static Path edited(Path file, Path folder, String text, String other) throws IOException {
    byte[] bytes = withoutChecksums(Files.readAllBytes(file));
    byte[] with = other.getBytes(StandardCharsets.UTF_8);
    int at = find(bytes, text.getBytes(StandardCharsets.UTF_8));
    System.arraycopy(with, 0, bytes, at, with.length);
    return Files.write(folder.resolve(file.getFileName()), bytes);
  }

  /** The same archive as PyTorch writes it when it is to note no checksums. */
  static byte[] withoutChecksums(byte[] archive) {
    byte[] copy = archive.clone();
    ByteBuffer bytes = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at + 46 < copy.length; at++) {
      if (bytes.getInt(at) == DIRECTORY) {
        bytes.putInt(at + 16, 0);
      }
    }
    return copy;
  }

  /** Where the pickle, an archive's first entry, begins and how long it is. */
  static int[] pickle(byte[] archive) {
    ByteBuffer bytes = ByteBuffer.wrap(archive).order(ByteOrder.LITTLE_ENDIAN);
    int directory = find(archive, new byte[] {'P', 'K', 1, 2});
    return new int[] {30 + bytes.getShort(26) + bytes.getShort(28), bytes.getInt(directory + 24)};
  }

  public static int find(byte[] bytes, byte[] part) {
    for (int at = 0; at + part.length <= bytes.length; at++) {
      if (Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
        return at;
      }
    }
    throw new IllegalArgumentException("the bytes are not there");
  }
}
