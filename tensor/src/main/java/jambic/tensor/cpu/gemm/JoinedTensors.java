package jambic.tensor.cpu.gemm;

import jambic.tensor.Tensor;
import jambic.tensor.cpu.simd.Workers;
import java.util.Arrays;
import java.util.List;

/**
 * Several tensors seen as one row of numbers and cut into pieces of equal size, so that a model's
 * many small vectors and few large matrices keep all threads equally busy. Reused from call to
 * call: it allocates only when a list is longer than any before.
 */
public final class JoinedTensors {
  /** One tensor's share of a piece. */
  @FunctionalInterface
  public interface Span {
    /**
     * Works on neighbouring elements.
     *
     * @param piece which piece they belong to
     * @param worker who runs it: names the scratch to use
     * @param tensor the index of their tensor in the list
     * @param from the first element within the tensor
     * @param count how many
     */
    void run(int piece, int worker, int tensor, int from, int count);
  }

  /** The elements of a piece. */
  public static final int PIECE = 8192;

  private final Workers workers;
  private long[] starts = new long[1];

  public JoinedTensors(Workers workers) {
    this.workers = workers;
  }

  /** The number of pieces that {@link #parallel} makes of the tensors. */
  public static int pieces(List<Tensor> tensors) {
    long size = 0;
    for (int i = 0; i < tensors.size(); i++) {
      size += tensors.get(i).size();
    }
    return (int) Math.ceilDiv(size, PIECE);
  }

  /** Runs the spans of all pieces; those of one piece in order on one thread. */
  public void parallel(List<Tensor> tensors, Span span) {
    int count = tensors.size();
    if (starts.length <= count) {
      starts = new long[count + 1];
    }
    long size = 0;
    for (int i = 0; i < count; i++) {
      starts[i] = size;
      size += tensors.get(i).size();
    }
    starts[count] = size;
    long end = size;
    workers.parallel(
        (int) Math.ceilDiv(size, PIECE), (index, worker) -> run(index, worker, count, end, span));
  }

  private void run(int piece, int worker, int count, long size, Span span) {
    long from = (long) piece * PIECE;
    long end = Math.min(from + PIECE, size);
    int tensor = tensorAt(from, count);
    while (from < end) {
      long stop = Math.min(end, starts[tensor + 1]);
      if (stop > from) {
        span.run(piece, worker, tensor, (int) (from - starts[tensor]), (int) (stop - from));
        from = stop;
      }
      tensor++;
    }
  }

  /** The tensor that holds an element, or an empty one that starts there. */
  private int tensorAt(long element, int count) {
    int found = Arrays.binarySearch(starts, 0, count, element);
    return found >= 0 ? found : -found - 2;
  }
}
