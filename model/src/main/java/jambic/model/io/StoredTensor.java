package jambic.model.io;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A tensor of an open file of weights, which may be a view of a larger storage as PyTorch has them.
 *
 * @param name its name
 * @param type element type
 * @param shape dimensions, outermost first; none for a scalar
 * @param strides how many elements apart neighbors along each dimension are
 * @param data little-endian, perhaps unaligned, from the first element to the last
 */
public record StoredTensor(
    String name, SafetensorsType type, List<Long> shape, List<Long> strides, MemorySegment data) {
  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORTS =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLES =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** A tensor of a safetensors file. */
  public static StoredTensor of(Safetensors.Entry entry) {
    return new StoredTensor(
        entry.name(), entry.type(), entry.shape(), rowMajor(entry.shape()), entry.data());
  }

  /** The strides of elements that lie row by row without gaps. */
  static List<Long> rowMajor(List<Long> shape) {
    List<Long> strides = new ArrayList<>();
    long stride = 1;
    for (long dim : shape.reversed()) {
      strides.add(stride);
      stride *= Math.max(dim, 1);
    }
    return strides.reversed();
  }

  /** Number of elements. */
  public long size() {
    return shape.stream().reduce(1L, (a, b) -> a * b);
  }

  /** The same tensor by another name. */
  StoredTensor named(String other) {
    return new StoredTensor(other, type, shape, strides, data);
  }

  /** A view of a matrix with its dimensions exchanged. */
  public StoredTensor transposed() {
    return new StoredTensor(name, type, shape.reversed(), strides.reversed(), data);
  }

  /** A view of the first {@code count} slices along the outermost dimension. */
  public StoredTensor first(int count) {
    List<Long> cut = new ArrayList<>(shape);
    cut.set(0, (long) count);
    StoredTensor view = new StoredTensor(name, type, cut, strides, data);
    return isContiguous()
        ? new StoredTensor(name, type, cut, strides, data.asSlice(0, view.size() * type.bytes()))
        : view;
  }

  /** Whether the elements lie row by row without gaps. */
  public boolean isContiguous() {
    List<Long> plain = rowMajor(shape);
    for (int i = 0; i < shape.size(); i++) {
      if (shape.get(i) > 1 && !strides.get(i).equals(plain.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** Whether every element is 0. */
  public boolean isZero() {
    float[] values = new float[Math.toIntExact(size())];
    readFloats(values, 0, 0, values.length);
    for (float value : values) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  /** Whether another tensor has the same type, shape and elements. */
  public boolean sameAs(StoredTensor other) {
    if (type != other.type || !shape.equals(other.shape)) {
      return false;
    }
    if (strides.equals(other.strides) && data.byteSize() == other.data.byteSize()) {
      return data.address() == other.data.address() || data.mismatch(other.data) < 0;
    }
    int piece = 1 << 16;
    float[] ours = new float[piece];
    float[] theirs = new float[piece];
    for (long at = 0; at < size(); at += piece) {
      int count = (int) Math.min(piece, size() - at);
      readFloats(ours, 0, at, count);
      other.readFloats(theirs, 0, at, count);
      if (!Arrays.equals(ours, 0, count, theirs, 0, count)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Copies elements as floats, in the order of rows; half precisions are widened exactly, double
   * precision is rounded.
   *
   * @param target where to write
   * @param offset index of the first element written
   * @param first which element is the first
   * @param count how many
   */
  public void readFloats(float[] target, int offset, long first, int count) {
    Objects.checkFromIndexSize(offset, count, target.length);
    if (isContiguous()) {
      readRun(target, offset, first, 1, count);
      return;
    }
    int inner = shape.size() - 1;
    long row = shape.get(inner);
    for (int done = 0; done < count; ) {
      long column = (first + done) % row;
      int run = (int) Math.min(count - done, row - column);
      readRun(
          target,
          offset + done,
          rowStart((first + done) / row) + column * strides.get(inner),
          strides.get(inner),
          run);
      done += run;
    }
  }

  /** Where the elements of a row along the innermost dimension begin. */
  private long rowStart(long row) {
    long at = 0;
    for (int dim = shape.size() - 2; dim >= 0; dim--) {
      at += row % shape.get(dim) * strides.get(dim);
      row /= shape.get(dim);
    }
    return at;
  }

  private void readRun(float[] target, int offset, long from, long stride, int count) {
    switch (type) {
      case F32 -> {
        if (stride == 1) {
          MemorySegment.copy(data, FLOATS, from * Float.BYTES, target, offset, count);
          return;
        }
        for (int i = 0; i < count; i++) {
          target[offset + i] = data.getAtIndex(FLOATS, from + i * stride);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          target[offset + i] = Float.float16ToFloat(data.getAtIndex(SHORTS, from + i * stride));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          target[offset + i] =
              Float.intBitsToFloat(data.getAtIndex(SHORTS, from + i * stride) << 16);
        }
      }
      case F64 -> {
        for (int i = 0; i < count; i++) {
          target[offset + i] = rounded(data.getAtIndex(DOUBLES, from + i * stride));
        }
      }
      default ->
          throw new JambicException(
              Text.format(
                  "tensor %s holds %s, not floating-point numbers of 16, 32 or 64 bits",
                  ErrorText.quote(name), type));
    }
  }

  private float rounded(double value) {
    float rounded = (float) value;
    if (Float.isInfinite(rounded) && !Double.isInfinite(value)) {
      throw new JambicException(
          Text.format(
              "tensor %s holds %s, which is too large for a float of 32 bits",
              ErrorText.quote(name), value));
    }
    return rounded;
  }
}
