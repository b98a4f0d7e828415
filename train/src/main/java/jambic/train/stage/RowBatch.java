package jambic.train.stage;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences side by side, padded on the right, and the positions of them that a head reads: the
 * tokens before those of an answer, or the ends.
 *
 * @param size B, the number of sequences
 * @param width T, the longest with padding
 * @param ids B times T tokens
 * @param index R positions in all B times T, those of a sequence side by side
 * @param targets R tokens that follow them, or -1 where none is asked for
 * @param rows which of the R positions are of which sequence; R may be larger, by padding
 */
public record RowBatch(
    int size, int width, int[] ids, int[] index, int[] targets, AnswerTokens rows) {
  private static final int WIDTHS = 16; // widths and rows are multiples: there are few shapes
  private static final int ROWS = 32; // and at most an eighth of the rows is padding

  /**
   * What decides the shapes of all tensors.
   *
   * @param size B
   * @param width T
   * @param rows R
   */
  public record Shape(int size, int width, int rows) {}

  /**
   * Lays out sequences that end with an answer: the rows predict the answers' tokens.
   *
   * @param sequences prompts with their answers, as tokens
   * @param answerLengths how many tokens of each are its answer
   * @param context the most tokens that are read
   * @return the batch, which reads no last token: nothing follows it
   * @throws JambicException if a sequence is too long, or an answer has no token
   */
  public static RowBatch answers(List<int[]> sequences, int[] answerLengths, int context) {
    RowBatch batch = of(sequences, 1, context, AnswerTokens.ofLengths(answerLengths));
    for (int i = 0; i < sequences.size(); i++) {
      int[] ids = sequences.get(i);
      for (int j = 0; j < answerLengths[i]; j++) {
        int before = ids.length - answerLengths[i] + j - 1;
        batch.index[batch.rows.start(i) + j] = i * batch.width + before;
        batch.targets[batch.rows.start(i) + j] = ids[before + 1];
      }
    }
    return batch;
  }

  /**
   * Lays out sequences of which the last position counts.
   *
   * @param sequences tokens
   * @param context the most tokens that are read
   * @return the batch, with a row for each sequence
   * @throws JambicException if a sequence is too long, or empty
   */
  public static RowBatch ends(List<int[]> sequences, int context) {
    int[] ones = new int[sequences.size()];
    Arrays.fill(ones, 1);
    RowBatch batch = of(sequences, 0, context, AnswerTokens.ofLengths(ones));
    for (int i = 0; i < sequences.size(); i++) {
      batch.index[i] = i * batch.width + sequences.get(i).length - 1;
    }
    return batch;
  }

  /** The tokens alone; the last {@code unread} of each sequence have nothing to predict. */
  private static RowBatch of(List<int[]> sequences, int unread, int context, AnswerTokens rows) {
    int longest = 0;
    for (int[] sequence : sequences) {
      int read = sequence.length - unread;
      if (read < 1 || read > context) {
        throw new JambicException(
            Text.format("sequences have from 1 to %d tokens to read, got %d", context, read));
      }
      longest = Math.max(longest, read);
    }
    int width = Math.min(context, Math.ceilDiv(longest, WIDTHS) * WIDTHS);
    int[] ids = new int[sequences.size() * width];
    for (int i = 0; i < sequences.size(); i++) {
      int[] sequence = sequences.get(i);
      System.arraycopy(sequence, 0, ids, i * width, sequence.length - unread);
    }
    int multiple = Math.max(ROWS, Integer.highestOneBit(rows.tokens()) / 8);
    int padded = Math.ceilDiv(rows.tokens(), multiple) * multiple;
    int[] targets = new int[padded];
    Arrays.fill(targets, -1);
    return new RowBatch(sequences.size(), width, ids, new int[padded], targets, rows);
  }

  /**
   * Returns what decides the shapes of all tensors.
   *
   * @return the shape
   */
  public Shape shape() {
    return new Shape(size, width, index.length);
  }

  /**
   * Returns how many positions are computed.
   *
   * @return B times T, with padding
   */
  public long tokens() {
    return (long) size * width;
  }

  /**
   * Returns how many rows count.
   *
   * @return at most R
   */
  public int count() {
    return rows.tokens();
  }

  /**
   * Sums numbers by sequence.
   *
   * @param byRow a number for each row that counts
   * @return a sum for each sequence
   */
  public double[] sums(double[] byRow) {
    double[] sums = new double[size];
    for (int i = 0; i < size; i++) {
      for (int row = rows.start(i); row < rows.end(i); row++) {
        sums[i] += byRow[row];
      }
    }
    return sums;
  }
}
