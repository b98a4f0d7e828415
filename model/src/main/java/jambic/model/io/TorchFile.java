package jambic.model.io;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A file of PyTorch's {@code torch.save}, memory-mapped: a ZIP archive with one pickle, which
 * describes tensors, and their storages.
 *
 * <p>{@link #open} reads the pickle with a {@link PickleReader} that knows tensors and dictionaries
 * alone, and checks that every tensor lies inside its storage. Storages are read from the disk when
 * they are touched.
 */
public final class TorchFile implements AutoCloseable {
  private static final String PICKLE = "/data.pkl";
  private static final long LONGEST_PICKLE = 16L << 20;
  private static final int MOST_DIMENSIONS = 64; // as PyTorch allows
  private static final long LEGACY = 0x469cfc6c0a8aL; // how a pickle of PyTorch's number goes on

  private static final Map<String, SafetensorsType> STORAGES =
      Map.ofEntries(
          Map.entry("FloatStorage", SafetensorsType.F32),
          Map.entry("DoubleStorage", SafetensorsType.F64),
          Map.entry("HalfStorage", SafetensorsType.F16),
          Map.entry("BFloat16Storage", SafetensorsType.BF16),
          Map.entry("LongStorage", SafetensorsType.I64),
          Map.entry("IntStorage", SafetensorsType.I32),
          Map.entry("ShortStorage", SafetensorsType.I16),
          Map.entry("CharStorage", SafetensorsType.I8),
          Map.entry("ByteStorage", SafetensorsType.U8),
          Map.entry("BoolStorage", SafetensorsType.BOOL));

  private final Path file;
  private final Arena arena;
  private final long size;
  private final Map<String, StoredZip.Entry> records;
  private final Object root;
  private final Set<StoredZip.Entry> used = new HashSet<>();

  private TorchFile(
      Path file, Arena arena, long size, Map<String, StoredZip.Entry> records, Object root) {
    this.file = file;
    this.arena = arena;
    this.size = size;
    this.records = records;
    this.root = root;
  }

  /** The class of a storage, as a pickle names it. */
  private record StorageType(SafetensorsType type) implements PickleReader.Function {
    @Override
    public Object call(List<?> arguments) throws PickleReader.PickleException {
      throw new PickleReader.PickleException("it makes a storage of its own");
    }
  }

  /** Numbers that tensors are views of. */
  private record Storage(SafetensorsType type, StoredZip.Entry entry) {}

  /** A tensor of the pickle. */
  private record View(StoredTensor tensor, StoredZip.Entry storage) {}

  /**
   * Opens a file and checks the description of its tensors.
   *
   * @throws JambicException if it cannot be read, is of another form, or holds more than data
   */
  public static TorchFile open(Path file) {
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      requireZip(file, bytes);
      Map<String, StoredZip.Entry> records = records(file, StoredZip.of(bytes).entries());
      return new TorchFile(file, arena, bytes.byteSize(), records, unpickle(file, records));
    } catch (IOException e) {
      arena.close();
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    } catch (StoredZip.ZipException | PickleReader.PickleException e) {
      arena.close();
      throw refused(file, e.getMessage());
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  private static void requireZip(Path file, MemorySegment bytes) {
    var layout = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    long start = bytes.byteSize() < Long.BYTES ? 0 : bytes.get(layout, 0);
    boolean tar =
        bytes.byteSize() > 262 && bytes.asSlice(257, 5).asByteBuffer().equals(ascii("ustar"));
    if (start >>> 16 == LEGACY || tar) {
      throw new JambicException(
          Text.format(
                  "%s has the form that PyTorch wrote before 1.6; write it again in Python, with",
                  file)
              + " torch.save(torch.load(FILE, weights_only=True), FILE)");
    }
    long known = Math.min(bytes.byteSize(), ForeignFormat.PREFIX);
    ForeignFormat.refuse(file.toString(), bytes.asSlice(0, known).toArray(ValueLayout.JAVA_BYTE));
    if ((start & 0xffffffffL) != 0x04034b50L) {
      throw refused(file, "it is no ZIP archive");
    }
  }

  private static ByteBuffer ascii(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static JambicException refused(Path file, String why) {
    return new JambicException(
        Text.format(
                "%s is not a file of weights as torch.save writes them: %s; fetch it again, or save the",
                file, why)
            + " weights alone, as a dictionary of tensors");
  }

  /** The entries below the one folder that an archive has, which is called as anyone likes. */
  private static Map<String, StoredZip.Entry> records(
      Path file, Map<String, StoredZip.Entry> entries) throws PickleReader.PickleException {
    String pickle =
        entries.keySet().stream()
            .filter(name -> name.indexOf('/') == name.length() - PICKLE.length())
            .filter(name -> name.endsWith(PICKLE))
            .findFirst()
            .orElseThrow(() -> refused(file, "it has no data.pkl"));
    String folder = pickle.substring(0, pickle.indexOf('/') + 1);
    Map<String, StoredZip.Entry> records = new LinkedHashMap<>();
    entries.forEach((name, entry) -> {
      if (name.startsWith(folder)) {
        records.put(name.substring(folder.length()), entry);
      }
    });
    if (records.containsKey("constants.pkl")) {
      throw refused(file, "it is a program of TorchScript");
    }
    StoredZip.Entry order = records.get("byteorder");
    if (order != null && !order.data().asByteBuffer().equals(ascii("little"))) {
      throw refused(file, "its numbers are not little-endian");
    }
    return records;
  }

  private static Object unpickle(Path file, Map<String, StoredZip.Entry> records)
      throws PickleReader.PickleException {
    StoredZip.Entry pickle = records.get("data.pkl");
    if (pickle.data().byteSize() > LONGEST_PICKLE) {
      throw refused(file, Text.format("its data.pkl is %,d bytes long", pickle.data().byteSize()));
    }
    if (!pickle.isIntact()) {
      throw damaged(file);
    }
    return PickleReader.read(pickle.data().asByteBuffer(), functions(), id -> storage(id, records));
  }

  private static Map<String, PickleReader.Function> functions() {
    Map<String, PickleReader.Function> functions = new LinkedHashMap<>();
    STORAGES.forEach((name, type) -> functions.put("torch." + name, new StorageType(type)));
    functions.put("collections.OrderedDict", TorchFile::dictionary);
    functions.put("torch._utils._rebuild_tensor_v2", TorchFile::tensor);
    functions.put("torch._utils._rebuild_parameter", TorchFile::parameter);
    functions.put("torch.nn.parameter.Parameter", TorchFile::parameter);
    return functions;
  }

  private static Object dictionary(List<?> arguments) throws PickleReader.PickleException {
    if (!arguments.isEmpty()) {
      throw new PickleReader.PickleException("it makes an OrderedDict of something");
    }
    return new LinkedHashMap<>();
  }

  private static Object parameter(List<?> arguments) throws PickleReader.PickleException {
    if (arguments.isEmpty() || !(arguments.getFirst() instanceof View view)) {
      throw new PickleReader.PickleException("it has a parameter that is no tensor");
    }
    return view;
  }

  /** Finds {@code ('storage', class, name, device, number of elements)}. */
  private static Object storage(List<?> id, Map<String, StoredZip.Entry> records)
      throws PickleReader.PickleException {
    if (id.size() != 5
        || !id.get(0).equals("storage")
        || !(id.get(1) instanceof StorageType storage)
        || !(id.get(2) instanceof String name)
        || !(id.get(4) instanceof Long count)) {
      throw new PickleReader.PickleException("it refers to something else than a storage");
    }
    StoredZip.Entry entry = records.get("data/" + name);
    if (entry == null) {
      throw new PickleReader.PickleException(
          "it lacks the storage " + ErrorText.quote("data/" + name));
    }
    long bytes = entry.data().byteSize();
    if (bytes % storage.type().bytes() != 0 || count != bytes / storage.type().bytes()) {
      throw new PickleReader.PickleException(
          Text.format(
              "the storage %s of %d elements (%s) has %d bytes",
              ErrorText.quote("data/" + name), count, storage.type(), bytes));
    }
    return new Storage(storage.type(), entry);
  }

  /** Makes {@code (storage, offset, shape, strides, requires_grad, hooks[, metadata])}. */
  private static Object tensor(List<?> arguments) throws PickleReader.PickleException {
    if (arguments.size() < 4
        || !(arguments.get(0) instanceof Storage storage)
        || !(arguments.get(1) instanceof Long offset)
        || !(arguments.get(2) instanceof List<?> shape)
        || !(arguments.get(3) instanceof List<?> strides)) {
      throw new PickleReader.PickleException("it has a tensor without a storage");
    }
    if (arguments.size() > 6
        && !(arguments.get(6) instanceof Map<?, ?> metadata && metadata.isEmpty())
        && arguments.get(6) != PickleReader.NONE) {
      throw new PickleReader.PickleException("it has a tensor that is a conjugate or a negative");
    }
    if (shape.size() != strides.size() || shape.size() > MOST_DIMENSIONS) {
      throw outside();
    }
    return new View(tensor(storage, offset, lengths(shape), lengths(strides)), storage.entry());
  }

  private static List<Long> lengths(List<?> values) throws PickleReader.PickleException {
    for (Object value : values) {
      if (!(value instanceof Long length) || length < 0) {
        throw outside();
      }
    }
    return values.stream().map(Long.class::cast).toList();
  }

  private static StoredTensor tensor(
      Storage storage, long offset, List<Long> shape, List<Long> strides)
      throws PickleReader.PickleException {
    MemorySegment data = storage.entry().data();
    long width = storage.type().bytes();
    try {
      long size = 1;
      long last = 0;
      for (int i = 0; i < shape.size(); i++) {
        size = Math.multiplyExact(size, shape.get(i));
        last = Math.addExact(last, Math.multiplyExact(shape.get(i) - 1, strides.get(i)));
      }
      Math.multiplyExact(size, width);
      long begin = Math.multiplyExact(offset, width);
      long span = size == 0 ? 0 : Math.multiplyExact(Math.addExact(last, 1), width);
      MemorySegment view = data.asSlice(size == 0 ? 0 : begin, span);
      return new StoredTensor("tensor", storage.type(), shape, strides, view);
    } catch (ArithmeticException | IndexOutOfBoundsException e) {
      throw outside();
    }
  }

  private static PickleReader.PickleException outside() {
    return new PickleReader.PickleException("it has a tensor that goes beyond its storage");
  }

  /** The path it was opened by. */
  public Path file() {
    return file;
  }

  /** What the file describes; its tensors are found by {@link #tensors}. */
  public Object root() {
    return root;
  }

  /**
   * Finds the tensors of a dictionary by name.
   *
   * @param dictionary the file's root, or a part of it
   * @throws JambicException if it is something else than a dictionary of tensors
   */
  public Map<String, StoredTensor> tensors(Object dictionary) {
    if (!(dictionary instanceof Map<?, ?> members)) {
      throw refused(file, "it holds no dictionary of tensors");
    }
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    long claimed = 0;
    for (Map.Entry<?, ?> member : members.entrySet()) {
      if (member.getValue() instanceof Map) {
        throw refused(
            file,
            Text.format(
                "%s is a dictionary of its own; if these are the weights, save them alone with torch.save",
                ErrorText.quote(member.getKey().toString())));
      }
      if (!(member.getKey() instanceof String name) || !(member.getValue() instanceof View view)) {
        throw refused(file, ErrorText.quote(member.getKey().toString()) + " is no tensor");
      }
      claimed += view.tensor().size() * view.tensor().type().bytes();
      if (claimed < 0 || claimed > 2 * size) { // a tied weight is there twice
        throw refused(file, "its tensors make more elements than there are");
      }
      used.add(view.storage());
      tensors.put(name, view.tensor().named(name));
    }
    return tensors;
  }

  /** Refuses a file whose tensors were damaged; reads all that {@link #tensors} has returned. */
  public void requireIntact() {
    // Counted, since an exception thrown in the stream would not wait for the other threads, which
    // would go on to read a file that the caller closes.
    if (used.parallelStream().filter(entry -> !entry.isIntact()).count() > 0) {
      throw damaged(file);
    }
  }

  private static JambicException damaged(Path file) {
    return refused(file, "its checksum is wrong, so it is damaged");
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
