package jambic.train.pairs;

import jambic.train.data.BatchSampler;
import java.util.Arrays;
import java.util.List;

/**
 * Pairs of about the same length, each side filled up to one length, all in row-major order. Rows
 * at the end may be empty: a source of one padding token, and no target that counts.
 *
 * @param shape the sizes
 * @param source ids of the sources, (B, S)
 * @param sourceLengths how many ids of a row are no padding, (B), from 1 to S
 * @param decoderInput the start token and the target without its end, (B, T)
 * @param targets the target with its end, then {@link BatchSampler#IGNORED}, (B, T)
 * @param targetCount how many targets count
 */
public record PairBatch(
    Shape shape,
    int[] source,
    int[] sourceLengths,
    int[] decoderInput,
    int[] targets,
    int targetCount) {
  /** Lengths are multiples of it, unless the longest that is allowed is not. */
  static final int MULTIPLE = 8;

  /**
   * The sizes of a batch. There are few, so that a program can be recorded for each.
   *
   * @param batchSize rows, B
   * @param sourceLength tokens of a source, S
   * @param targetLength tokens of a target, T
   */
  public record Shape(int batchSize, int sourceLength, int targetLength) {}

  /** Puts rows together. */
  static PairBatch of(Shape shape, List<EncodedPairs.Ids> rows, int start, int pad) {
    int batch = shape.batchSize();
    int length = shape.targetLength();
    int[] source = filled(batch * shape.sourceLength(), pad);
    int[] sourceLengths = filled(batch, 1);
    int[] decoderInput = filled(batch * length, pad);
    int[] targets = filled(batch * length, BatchSampler.IGNORED);
    int count = 0;
    for (int row = 0; row < batch; row++) {
      decoderInput[row * length] = start;
      if (row < rows.size()) {
        int[] from = rows.get(row).source();
        int[] to = rows.get(row).target();
        System.arraycopy(from, 0, source, row * shape.sourceLength(), from.length);
        sourceLengths[row] = from.length;
        System.arraycopy(to, 0, decoderInput, row * length + 1, to.length - 1);
        System.arraycopy(to, 0, targets, row * length, to.length);
        count += to.length;
      }
    }
    return new PairBatch(shape, source, sourceLengths, decoderInput, targets, count);
  }

  private static int[] filled(int length, int value) {
    int[] array = new int[length];
    Arrays.fill(array, value);
    return array;
  }
}
