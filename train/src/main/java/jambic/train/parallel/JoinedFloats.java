package jambic.train.parallel;

import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Several F32 tensors seen as one row of numbers, parts of which are copied to the host and back,
 * wherever they begin and end.
 */
final class JoinedFloats {
  private final List<Tensor> tensors; // as rows
  private final long[] starts;
  private final long size;

  JoinedFloats(List<Tensor> tensors) {
    this.tensors = tensors.stream().map(JoinedFloats::row).toList();
    starts = new long[tensors.size()];
    long sum = 0;
    for (int i = 0; i < starts.length; i++) {
      starts[i] = sum;
      sum += tensors.get(i).size();
    }
    size = sum;
  }

  /** All of a tensor as one row. */
  static Tensor row(Tensor tensor) {
    return tensor.reshape(Shape.of(1, Math.toIntExact(tensor.size())));
  }

  /** The number of elements of all. */
  long size() {
    return size;
  }

  /** The number of elements of one. */
  int size(int tensor) {
    return Math.toIntExact(tensors.get(tensor).size());
  }

  /** A tensor's part of a range. */
  record Part(int tensor, int from, int count, long at) {}

  /**
   * The parts of tensors that make a range, in order.
   *
   * @param from the first element
   * @param count how many; what lies past the end is left out
   */
  List<Part> parts(long from, long count) {
    List<Part> parts = new ArrayList<>();
    long end = Math.min(size, from + count);
    int tensor = Math.max(0, at(from));
    for (long next = from; next < end; tensor++) {
      long stop = Math.min(end, starts[tensor] + tensors.get(tensor).size());
      if (stop > next) {
        parts.add(new Part(tensor, (int) (next - starts[tensor]), (int) (stop - next), next));
        next = stop;
      }
    }
    return parts;
  }

  private int at(long element) {
    int found = Arrays.binarySearch(starts, element);
    return found >= 0 ? found : -found - 2;
  }

  /** A view of a part, of one row. */
  Tensor view(Part part) {
    return tensors.get(part.tensor).columns(part.from, part.count);
  }

  /** Copies a range to the host; what lies past the end becomes 0. */
  void read(long from, MemorySegment to) {
    long count = to.byteSize() / Float.BYTES;
    long read = 0;
    for (Part part : parts(from, count)) {
      view(part).read(slice(to, part.at - from, part.count));
      read += part.count;
    }
    slice(to, read, count - read).fill((byte) 0);
  }

  /** Copies a range from the host; what lies past the end is left out. */
  void write(long from, MemorySegment values) {
    for (Part part : parts(from, values.byteSize() / Float.BYTES)) {
      view(part).write(slice(values, part.at - from, part.count));
    }
  }

  private static MemorySegment slice(MemorySegment floats, long from, long count) {
    return floats.asSlice(from * Float.BYTES, count * Float.BYTES);
  }
}
