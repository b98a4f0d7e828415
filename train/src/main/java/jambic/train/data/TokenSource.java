package jambic.train.data;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Objects;

/**
 * A long sequence of token ids. All that a batch needs of one is its length and a copy of a window,
 * so an array in memory and a mapped file of 16-bit ids look the same from here.
 */
public interface TokenSource {
  /**
   * Returns the number of tokens.
   *
   * @return the number of tokens
   */
  long length();

  /**
   * Copies tokens {@code from .. from + count - 1} into {@code target[at .. at + count - 1]}.
   *
   * @param from the first token to copy
   * @param target where to
   * @param at the first index of {@code target} to write
   * @param count how many
   * @throws IndexOutOfBoundsException if either range does not fit
   */
  void copy(long from, int[] target, int at, int count);

  /**
   * A view of the tokens {@code from .. to - 1}.
   *
   * @param from the first token of the view
   * @param to one past its last token
   * @return a view, sharing this sequence's storage
   * @throws IndexOutOfBoundsException if the range does not fit
   */
  default TokenSource slice(long from, long to) {
    Objects.checkFromToIndex(from, to, length());
    TokenSource whole = this;
    return new TokenSource() {
      @Override
      public long length() {
        return to - from;
      }

      @Override
      public void copy(long start, int[] target, int at, int count) {
        Objects.checkFromIndexSize(start, count, length());
        whole.copy(from + start, target, at, count);
      }
    };
  }

  /**
   * Wraps an array, without copying it.
   *
   * @param ids the token ids, none negative
   * @return the array as tokens
   * @throws JambicException if an id is negative
   */
  static TokenSource of(int... ids) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0) {
        throw new JambicException(Text.format("token %d has the id %d, below 0", i, ids[i]));
      }
    }
    return new TokenSource() {
      @Override
      public long length() {
        return ids.length;
      }

      @Override
      public void copy(long from, int[] target, int at, int count) {
        Objects.checkFromIndexSize(from, count, length());
        System.arraycopy(ids, (int) from, target, at, count);
      }
    };
  }
}
