package jambic.tensor;

import jambic.tensor.spi.Storage;
import jambic.tensor.text.Text;
import java.lang.foreign.MemorySegment;

/**
 * A typed block of numbers on a backend: row-major, in memory that a {@link
 * jambic.tensor.spi.Region} owns.
 *
 * <p>A tensor is a handle. It does not compute ({@link Ops} does) and does not free itself (its
 * region does, and a tensor of a closed one is refused, as is one that a {@link Tape} has written
 * over). {@link #set} and {@link #toFloats} move numbers between the host and the backend.
 */
public final class Tensor {
  /** The absent tensor: stands for a bias, mask or gradient that is not there. */
  public static final Tensor NONE =
      new Tensor(Shape.of(0), DType.F32, new Storage.Absent(), 0, 0, null);

  private final Shape shape;
  private final DType dtype;
  private final Storage storage;
  private final long offset;
  private final int rowStride;
  private final Tensor viewed;
  private Tensor grad;
  private Tensor scales;
  private String overwriter;

  private Tensor(
      Shape shape, DType dtype, Storage storage, long offset, int rowStride, Tensor viewed) {
    this.shape = shape;
    this.dtype = dtype;
    this.storage = storage;
    this.offset = offset;
    this.rowStride = rowStride;
    this.viewed = viewed == null ? this : viewed;
  }

  /**
   * A contiguous tensor over storage; for backends.
   *
   * @param shape its extents
   * @param dtype its element type
   * @param storage the memory that holds it
   * @param offset the index of its first element in the storage
   * @return the tensor
   */
  public static Tensor over(Shape shape, DType dtype, Storage storage, long offset) {
    return new Tensor(shape, dtype, storage, offset, shape.dim(-1), null);
  }

  /**
   * Whether this is {@link #NONE}.
   *
   * @return true for the absent tensor
   */
  public boolean isNone() {
    return this == NONE;
  }

  /**
   * The extents.
   *
   * @return the shape
   */
  public Shape shape() {
    return shape;
  }

  /**
   * One extent; a negative index counts from the innermost.
   *
   * @param i the dimension
   * @return its extent
   */
  public int dim(int i) {
    return shape.dim(i);
  }

  /**
   * The number of elements.
   *
   * @return the product of the extents
   */
  public long size() {
    return shape.size();
  }

  /**
   * The element type.
   *
   * @return the dtype
   */
  public DType dtype() {
    return dtype;
  }

  /**
   * The memory that holds this tensor; for backends.
   *
   * @return the storage
   */
  public Storage storage() {
    return storage;
  }

  /**
   * The index of the first element in the storage; for backends.
   *
   * @return the offset, in elements
   */
  public long offset() {
    return offset;
  }

  /**
   * The distance between successive rows, in elements; the innermost extent unless this is a {@link
   * #columns} view.
   *
   * @return the row stride
   */
  public int rowStride() {
    return rowStride;
  }

  /**
   * Whether rows follow each other without a gap.
   *
   * @return false for a proper {@link #columns} view of several rows
   */
  public boolean isContiguous() {
    return rowStride == shape.dim(-1) || shape.rows() == 1;
  }

  /** The tensor that this one is a view of, or itself. */
  Tensor viewed() {
    return viewed;
  }

  /** The tensor whose memory this one sees, and which is no view. */
  Tensor whole() {
    return viewed == this ? this : viewed.whole();
  }

  /**
   * A view of the same elements under another shape.
   *
   * @param next a shape of the same size
   * @return the view
   * @throws ShapeException if the sizes differ or this is a column view
   */
  public Tensor reshape(Shape next) {
    if (next.size() != shape.size() || !isContiguous()) {
      throw new ShapeException("reshape: " + this + " cannot be seen as " + next);
    }
    return new Tensor(next, dtype, storage, offset, next.dim(-1), this);
  }

  /**
   * A view of some columns of every row, as q, k and v lie side by side in (B, T, 3C).
   *
   * @param from the first column
   * @param count how many columns
   * @return a view with this tensor's row stride
   * @throws ShapeException if the columns reach past the innermost extent
   */
  public Tensor columns(int from, int count) {
    if (from < 0 || count < 0 || count > shape.dim(-1) - from) {
      throw new ShapeException(
          Text.format(
              "columns: %s has no part that begins with column %d and is %d wide",
              this, from, count));
    }
    return new Tensor(shape.withLast(count), dtype, storage, offset + from, rowStride, this);
  }

  /**
   * The tensor that collects this one's gradient, or {@link #NONE} when it is not trained.
   *
   * @return the gradient, of this tensor's shape
   */
  public Tensor grad() {
    return grad == null ? NONE : grad;
  }

  /**
   * Makes this tensor a trained one: {@link Tape} adds its gradient to {@code grad}, or writes it
   * there.
   *
   * @param grad a tensor of the same type and shape, or {@link #NONE} to freeze this one
   * @throws ShapeException if types or shapes differ, or {@code grad} is not contiguous
   * @throws JambicException if this tensor is quantized
   */
  public void setGrad(Tensor grad) {
    if (!grad.isNone() && !scales().isNone()) {
      throw new JambicException(
          "int8 weights cannot be trained; train the model that they were made from");
    }
    if (!grad.isNone() && !(grad.dtype == dtype && grad.shape.equals(shape))) {
      throw new ShapeException("setGrad: " + this + " got a gradient " + grad);
    }
    Checks.contiguous("setGrad", grad);
    this.grad = grad;
  }

  /**
   * The same I8 elements as quantized numbers: row i stands for its integers times {@code
   * scales[i]}. {@link Ops} computes with such a tensor as with the numbers it stands for, but does
   * not train it.
   *
   * @param scales F32, one for each row
   * @return a tensor over the same memory
   * @throws ShapeException if this is not I8, or there is not one scale a row
   */
  public Tensor scaledBy(Tensor scales) {
    if (dtype != DType.I8 || scales.dtype != DType.F32 || scales.size() != shape.rows()) {
      throw new ShapeException("scaledBy: " + this + " got the scales " + scales);
    }
    Tensor quantized = new Tensor(shape, dtype, storage, offset, rowStride, null);
    quantized.scales = scales;
    return quantized;
  }

  /**
   * What the rows of a quantized tensor are multiplied by.
   *
   * @return F32, one for each row, or {@link #NONE} when this tensor is not quantized
   */
  public Tensor scales() {
    return scales == null ? NONE : scales;
  }

  /**
   * Copies floats from the host; a BF16 tensor takes each rounded to nearest, ties to even.
   *
   * @param values as many as this tensor has elements
   * @throws ShapeException if the count or the type differs
   */
  public void set(float... values) {
    if (dtype == DType.BF16) {
      short[] halves = new short[values.length];
      for (int i = 0; i < halves.length; i++) {
        halves[i] = upperHalf(values[i]);
      }
      require(DType.BF16, halves.length);
      storage.write(offset, MemorySegment.ofArray(halves));
    } else {
      require(DType.F32, values.length);
      storage.write(offset, MemorySegment.ofArray(values));
    }
  }

  /**
   * Copies integers from the host.
   *
   * @param values as many as this tensor has elements
   * @throws ShapeException if the count or the type differs
   */
  public void set(int... values) {
    if (dtype == DType.F32 || dtype == DType.BF16) {
      throw new ShapeException(this + " takes floats and got integers; write 1f instead of 1");
    }
    require(DType.I32, values.length);
    storage.write(offset, MemorySegment.ofArray(values));
  }

  /**
   * Copies raw little-endian elements of this tensor's type from the host.
   *
   * @param source exactly this tensor's bytes
   * @throws ShapeException if the byte count differs
   */
  public void write(MemorySegment source) {
    requireBytes(source);
    storage.write(offset, source);
  }

  /**
   * Copies raw little-endian elements of this tensor's type to the host, after all launched work
   * has finished.
   *
   * @param destination exactly this tensor's bytes
   * @throws ShapeException if the byte count differs
   */
  public void read(MemorySegment destination) {
    requireBytes(destination);
    storage.read(offset, destination);
  }

  /**
   * Copies the floats, or the BF16 numbers as floats, to the host after all launched work has
   * finished.
   *
   * @return a fresh array, row-major
   */
  public float[] toFloats() {
    float[] values = new float[Math.toIntExact(size())];
    toFloats(values);
    return values;
  }

  /**
   * Copies the floats, or the BF16 numbers as floats, to an array on the host after all launched
   * work has finished.
   *
   * @param values as many as this tensor has elements, overwritten row-major
   * @throws ShapeException if the count or the type differs
   */
  public void toFloats(float[] values) {
    if (dtype == DType.BF16) {
      short[] halves = new short[values.length];
      require(DType.BF16, halves.length);
      storage.read(offset, MemorySegment.ofArray(halves));
      for (int i = 0; i < halves.length; i++) {
        values[i] = Float.intBitsToFloat(halves[i] << 16);
      }
    } else {
      require(DType.F32, values.length);
      storage.read(offset, MemorySegment.ofArray(values));
    }
  }

  /**
   * Copies the integers to the host, after all launched work has finished.
   *
   * @return a fresh array, row-major
   */
  public int[] toInts() {
    int[] values = new int[Math.toIntExact(size())];
    require(DType.I32, values.length);
    storage.read(offset, MemorySegment.ofArray(values));
    return values;
  }

  private static short upperHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40); // rounding could make an infinity of it
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  /** Says that an operation uses the memory for something else: this tensor and its views end. */
  void overwrittenBy(String operation) {
    whole().overwriter = operation;
  }

  /** Refuses a tensor whose region is closed, or whose memory holds something else by now. */
  void requireLive(String operation) {
    String overwriter = whole().overwriter;
    if (overwriter != null) {
      throw new JambicException(
          Text.format(
              "%s: %s is gone, since %s reuses its memory; read it before that, or compute it again",
              operation, this, overwriter));
    }
    if (!storage.isLive()) {
      throw new JambicException(
          Text.format(
              "%s: the region of %s is closed, and with it the tensor; use it before",
              operation, this));
    }
  }

  private void require(DType wanted, long count) {
    requireLive("copy");
    if (dtype != wanted || count != size() || !isContiguous()) {
      throw new ShapeException(
          this + " cannot be copied from or to " + count + " contiguous " + wanted);
    }
  }

  private void requireBytes(MemorySegment host) {
    requireLive("copy");
    if (host.byteSize() != size() * dtype.bytes() || !isContiguous()) {
      throw new ShapeException(this + " cannot be copied from or to " + host.byteSize() + " bytes");
    }
  }

  /** Type and shape, as in {@code F32(64, 256, 384)}. */
  @Override
  public String toString() {
    return isNone() ? "none" : dtype.toString() + shape;
  }
}
