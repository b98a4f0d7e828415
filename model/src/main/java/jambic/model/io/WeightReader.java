package jambic.model.io;

import jambic.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/**
 * Copies stored tensors into a model's. What lies in the file as it lies in memory goes there at
 * once; the rest takes a detour over one buffer, on all processors. Reading costs about what
 * touching the memory for the first time does.
 */
public final class WeightReader {
  /** Rows that are transposed together: a cache line and more of each row that they become. */
  private static final int ROWS = 32;

  /** Elements converted as one piece of work. */
  private static final int PIECE = 1 << 16;

  private float[] buffer = {};

  /** Copies a tensor of the same shape. */
  public void read(Tensor target, StoredTensor entry) {
    if (entry.type() == SafetensorsType.F32 && entry.isContiguous()) {
      target.write(entry.data());
      return;
    }
    int size = Math.toIntExact(entry.size());
    float[] values = buffer(size);
    IntStream.range(0, Math.ceilDiv(size, PIECE))
        .parallel()
        .forEach(piece -> {
          int from = piece * PIECE;
          entry.readFloats(values, from, from, Math.min(PIECE, size - from));
        });
    write(target, values);
  }

  /** Copies the transpose of a (K, N) matrix into an (N, K) one. */
  public void readTransposed(Tensor target, StoredTensor entry) {
    if (entry.transposed().isContiguous()) { // as nanoGPT stores them
      read(target, entry.transposed());
      return;
    }
    int rows = target.dim(1);
    int columns = target.dim(0);
    float[] to = buffer(rows * columns);
    IntStream.range(0, Math.ceilDiv(rows, ROWS))
        .parallel()
        .forEach(piece -> {
          int first = piece * ROWS;
          int count = Math.min(ROWS, rows - first);
          float[] from = new float[count * columns];
          entry.readFloats(from, 0, (long) first * columns, from.length);
          for (int c = 0; c < columns; c++) {
            gather(to, c * rows + first, from, c, columns, count);
          }
        });
    write(target, to);
  }

  private static void gather(float[] to, int at, float[] from, int start, int stride, int count) {
    for (int i = 0; i < count; i++) {
      to[at + i] = from[start + i * stride];
    }
  }

  private float[] buffer(int size) {
    if (buffer.length < size) {
      buffer = new float[size];
    }
    return buffer;
  }

  private static void write(Tensor target, float[] values) {
    target.write(MemorySegment.ofArray(values).asSlice(0, target.size() * Float.BYTES));
  }
}
