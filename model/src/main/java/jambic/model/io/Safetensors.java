package jambic.model.io;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A safetensors file, memory-mapped: named tensors in little-endian order behind a JSON header.
 *
 * <p>{@link #open} checks the whole header before any tensor can be seen: its length, its JSON,
 * each tensor's type, shape and place, and that the tensors cover the data exactly. A file that
 * breaks a rule is refused with a sentence that names the file and the tensor. Data is read from
 * the disk when it is touched, so opening costs the header only. The file must not be cut while it
 * is open: touching a page that is gone ends in an {@link InternalError}.
 *
 * <p>Any thread may read a view; {@link #close} ends every {@linkplain Entry#data segment} of it.
 */
public final class Safetensors implements AutoCloseable {
  private final Path file;
  private final Arena arena;
  private final Map<String, String> metadata;
  private final Map<String, Entry> entries;

  private Safetensors(Path file, Arena arena, SafetensorsHeader header, MemorySegment data) {
    this.file = file;
    this.arena = arena;
    this.metadata = Collections.unmodifiableMap(header.metadata());
    Map<String, Entry> views = new LinkedHashMap<>();
    header
        .tensors()
        .forEach((name, slot) ->
            views.put(
                name,
                new Entry(
                    name,
                    slot.type(),
                    slot.shape(),
                    data.asSlice(slot.begin(), slot.end() - slot.begin()))));
    this.entries = Collections.unmodifiableMap(views);
  }

  /**
   * Opens a file and checks all of its header.
   *
   * @param file the file
   * @return the view, to be closed
   * @throws JambicException if the file cannot be read or is not a sound safetensors file
   */
  public static Safetensors open(Path file) {
    try {
      return Uninterrupted.call(() -> map(file));
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    }
  }

  private static Safetensors map(Path file) throws IOException {
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long dataBegin = Long.BYTES + headerLength(file, channel);
      SafetensorsHeader header;
      try (Reader json = utf8(new Window(channel, Long.BYTES, dataBegin))) {
        header = SafetensorsHeader.read(file.toString(), json, channel.size() - dataBegin);
      }
      MemorySegment data =
          channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena).asSlice(dataBegin);
      return new Safetensors(file, arena, header, data);
    } catch (IOException | JambicException e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Writes a file so that a crash leaves either the old one or the new one, never a part.
   *
   * @param file the file, replaced if it exists
   * @param metadata free text for the header's {@code __metadata__}
   * @param tensors what to store; stored by falling element size, otherwise in the given order, so
   *     that every tensor is aligned to its elements
   * @throws JambicException if the file cannot be written; what was there before is untouched
   * @throws IllegalArgumentException if a name occurs twice or a shape is impossible
   */
  public static void write(Path file, Map<String, String> metadata, Collection<Source> tensors) {
    List<Source> ordered =
        tensors.stream()
            .sorted(Comparator.comparingInt((Source source) -> -source.type().bytes()))
            .toList();
    Map<String, SafetensorsHeader.Slot> slots = new LinkedHashMap<>();
    long end = 0;
    for (Source source : ordered) {
      long begin = end;
      end = Math.addExact(begin, source.byteSize());
      var slot = new SafetensorsHeader.Slot(source.type(), source.shape(), begin, end);
      if (slots.put(source.name(), slot) != null) {
        throw new IllegalArgumentException("two tensors are named " + source.name());
      }
    }
    AtomicFile.write(
        file,
        stream -> {
          byte[] header = new SafetensorsHeader(metadata, slots).toBytes();
          try (ChunkedChannel out = new ChunkedChannel(stream)) {
            out.write(
                ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(0, header.length));
            out.write(ByteBuffer.wrap(header));
            for (Source source : ordered) {
              long expected = out.written() + source.byteSize();
              source.content().writeTo(out);
              if (out.written() != expected) {
                throw new IllegalStateException(
                    Text.format(
                        "tensor %s wrote %d bytes more than its %d",
                        source.name(), out.written() - expected, source.byteSize()));
              }
            }
          }
        });
  }

  /**
   * The file this is a view of.
   *
   * @return its path as given to {@link #open}
   */
  public Path file() {
    return file;
  }

  /**
   * The free text of the header's {@code __metadata__}.
   *
   * @return an unmodifiable map in the header's order
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * All tensors by name.
   *
   * @return an unmodifiable map in the header's order
   */
  public Map<String, Entry> entries() {
    return entries;
  }

  /**
   * One tensor.
   *
   * @param name its name
   * @return the tensor
   * @throws JambicException if the file has no tensor of that name
   */
  public Entry entry(String name) {
    return Optional.ofNullable(entries.get(name))
        .orElseThrow(
            () -> new JambicException(file + ": there is no tensor " + ErrorText.quote(name)));
  }

  /** Ends the view: its segments can no longer be read. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private static long headerLength(Path file, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < Long.BYTES) {
      throw new JambicException(
          Text.format("%s: a safetensors file has at least 8 bytes, this one has %d", file, size));
    }
    ByteBuffer prefix =
        ByteBuffer.allocate((int) Math.min(size, ForeignFormat.PREFIX))
            .order(ByteOrder.LITTLE_ENDIAN);
    while (prefix.hasRemaining() && channel.read(prefix, prefix.position()) >= 0) {}
    long length = prefix.getLong(0);
    ForeignFormat.refuse(file.toString(), prefix.array());
    if (length < 0 || length > size - Long.BYTES) {
      throw new JambicException(
          Text.format(
              "%s: a header of %s bytes is announced, but only %d follow: it is truncated or not a"
                  + " safetensors file",
              file, Long.toUnsignedString(length), size - Long.BYTES));
    }
    if (length > SafetensorsHeader.LONGEST) {
      throw new JambicException(
          Text.format(
              "%s: a header of %d bytes is announced, the format allows %d",
              file, length, SafetensorsHeader.LONGEST));
    }
    return length;
  }

  /** Unlike the decoder that a charset gives, this one refuses what is not UTF-8. */
  private static Reader utf8(InputStream bytes) {
    return new InputStreamReader(
        bytes,
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT));
  }

  /**
   * One tensor of an open file.
   *
   * @param name its name
   * @param type element type
   * @param shape dimensions, outermost first; none for a scalar
   * @param data the elements, little-endian, row-major, read-only and perhaps unaligned
   */
  public record Entry(String name, SafetensorsType type, List<Long> shape, MemorySegment data) {

    /**
     * Number of elements.
     *
     * @return the product of the shape
     */
    public long size() {
      return data.byteSize() / type.bytes();
    }

    /**
     * Copies all elements as floats; half precisions are widened exactly, double precision is
     * rounded.
     *
     * @param target where to write
     * @param offset index of the first element written
     * @throws JambicException if the elements are neither F32, F16, BF16 nor F64
     * @throws IndexOutOfBoundsException if they do not fit
     */
    public void readFloats(float[] target, int offset) {
      readFloats(target, offset, 0, Math.toIntExact(Math.min(size(), Integer.MAX_VALUE)));
    }

    /** The same for {@code count} elements from {@code first} on. */
    void readFloats(float[] target, int offset, long first, int count) {
      StoredTensor.of(this).readFloats(target, offset, first, count);
    }
  }

  /**
   * One tensor to store.
   *
   * @param name its name, unique in the file
   * @param type element type
   * @param shape dimensions, outermost first
   * @param content writes the elements when their turn has come
   */
  public record Source(String name, SafetensorsType type, List<Long> shape, Content content) {

    /**
     * Checks the name and the shape.
     *
     * @throws IllegalArgumentException if the name is the one reserved for metadata, or the shape
     *     is negative or too large
     */
    public Source {
      shape = List.copyOf(shape);
      if (name.equals(SafetensorsHeader.METADATA)
          || SafetensorsHeader.byteSize(type, shape).isEmpty()) {
        throw new IllegalArgumentException("no tensor can be " + name + " " + shape);
      }
    }

    /**
     * A tensor of floats in an array.
     *
     * @param name its name
     * @param shape dimensions, outermost first
     * @param values the array that holds the elements, read when the file is written
     * @param offset index of the first element
     * @return the source
     */
    public static Source ofFloats(String name, List<Long> shape, float[] values, int offset) {
      Objects.checkFromIndexSize(offset, size(shape), values.length);
      return new Source(
          name, SafetensorsType.F32, shape, out -> write(out, values, offset, size(shape)));
    }

    /**
     * A tensor of floats that are made when the file is written.
     *
     * @param name its name
     * @param shape dimensions, outermost first
     * @param values makes an array of all elements
     * @return the source
     */
    public static Source ofFloats(String name, List<Long> shape, Supplier<float[]> values) {
      return new Source(
          name, SafetensorsType.F32, shape, out -> write(out, values.get(), 0, size(shape)));
    }

    private static long size(List<Long> shape) {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }

    private static void write(WritableByteChannel out, float[] values, int offset, long size)
        throws IOException {
      ByteBuffer chunk = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
      int end = Math.toIntExact(offset + size);
      for (int at = offset; at < end; ) {
        int count = Math.min(end - at, chunk.capacity() / Float.BYTES);
        chunk.clear().asFloatBuffer().put(values, at, count);
        out.write(chunk.limit(count * Float.BYTES));
        at += count;
      }
    }

    private long byteSize() {
      return SafetensorsHeader.byteSize(type, shape).orElseThrow();
    }
  }

  /** Writes the elements of one tensor. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes all elements, row-major and little-endian.
     *
     * @param out takes exactly the tensor's bytes, in any portions; each write takes all of its
     *     buffer
     * @throws IOException if {@code out} throws it
     */
    void writeTo(WritableByteChannel out) throws IOException;
  }

  /** The bytes of a file from {@code at} to {@code end}. */
  private static final class Window extends InputStream {
    private final FileChannel channel;
    private final long end;
    private long at;

    Window(FileChannel channel, long begin, long end) {
      this.channel = channel;
      this.end = end;
      this.at = begin;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int most = (int) Math.min(length, end - at);
      int count = at == end ? -1 : channel.read(ByteBuffer.wrap(bytes, offset, most), at);
      at += Math.max(count, 0);
      return count;
    }
  }
}
