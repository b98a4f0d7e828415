package jambic.tensor.host;

import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.text.Text;

/**
 * Refuses integers that would lead a kernel out of a tensor, into its neighbours' memory. Kernels
 * check them at every launch, since a program runs again with others; that is one pass over them.
 */
public final class Indices {
  private Indices() {}

  /**
   * Refuses ids that a table lacks.
   *
   * @param op how the message begins
   * @param ids I32
   * @param rows of the table
   * @throws JambicException if one is not in [0, rows)
   */
  public static void requireIds(String op, Tensor ids, int rows) {
    requireRows(op, "id", ids, rows);
  }

  /**
   * Refuses rows that a tensor lacks.
   *
   * @param op how the message begins
   * @param index I32
   * @param rows of the tensor
   * @throws JambicException if one is not in [0, rows)
   */
  public static void requireRows(String op, Tensor index, int rows) {
    requireRows(op, "row", index, rows);
  }

  private static void requireRows(String op, String what, Tensor index, int rows) {
    int bad = firstOutside(index, 0, rows);
    if (bad >= 0) {
      throw new JambicException(
          Text.format(
              "%s: %s %d at index %d of %s is not in [0, %d)",
              op, what, ints(index)[offset(index) + bad], bad, index, rows));
    }
  }

  /**
   * Refuses sequences without a key, or with more keys than there are.
   *
   * @param op how the message begins
   * @param lengths I32, how many keys of each sequence are no padding, or none for all
   * @param keys how many there are
   * @throws JambicException if one is not in [1, keys]
   */
  public static void requireLengths(String op, Tensor lengths, int keys) {
    if (lengths.isNone()) {
      return;
    }
    int bad = firstOutside(lengths, 1, keys + 1);
    if (bad >= 0) {
      throw new JambicException(
          Text.format(
              "%s: length %d at index %d of %s is not in [1, %d]",
              op, ints(lengths)[offset(lengths) + bad], bad, lengths, keys));
    }
  }

  /**
   * Refuses targets that are no class.
   *
   * @param op how the message begins
   * @param targets I32
   * @param classes how many there are
   * @throws JambicException if one is not in [0, classes) and not -1
   */
  public static void requireTargets(String op, Tensor targets, int classes) {
    int bad = firstOutside(targets, -1, classes);
    if (bad >= 0) {
      throw new JambicException(
          Text.format(
              "%s: target %d at index %d of %s is not in [0, %d), nor -1, which does not count",
              op, ints(targets)[offset(targets) + bad], bad, targets, classes));
    }
  }

  /**
   * Refuses rows of tokens that go past the last position.
   *
   * @param op how the message begins
   * @param starts I32, the position of each row's first token, or none for 0
   * @param steps tokens of a row
   * @param positions how many there are
   * @throws JambicException if a row begins before 0 or ends after {@code positions}
   */
  public static void requirePositions(String op, Tensor starts, int steps, int positions) {
    if (starts.isNone()) {
      return;
    }
    int bad = firstOutside(starts, 0, positions - steps + 1);
    if (bad >= 0) {
      throw new JambicException(
          Text.format(
              "%s: row %d has %d tokens from position %d on, but positions are in [0, %d)",
              op, bad, steps, ints(starts)[offset(starts) + bad], positions));
    }
  }

  /**
   * Refuses copies of pages that there are not, and copies whose order would count. Pairs of a page
   * and itself may occur anywhere.
   *
   * @param op how the message begins
   * @param from I32, the pages that are read
   * @param to I32, as many pages that are written
   * @param pages how many there are
   * @throws JambicException if one is not in [0, pages), or a page is written twice, or read and
   *     written
   */
  public static void requirePageCopies(String op, Tensor from, Tensor to, int pages) {
    requireRows(op, "page", from, pages);
    requireRows(op, "page", to, pages);
    int[] sources = ints(from);
    int[] targets = ints(to);
    int source = offset(from);
    int target = offset(to);
    int n = (int) to.size();
    for (int i = 0; i < n; i++) {
      int page = targets[target + i];
      if (sources[source + i] == page) {
        continue;
      }
      for (int j = 0; j < n; j++) { // cheaper than to copy the page, and takes no memory
        boolean isRead = sources[source + j] == page;
        boolean isWritten = targets[target + j] == page;
        if (j != i && isRead != isWritten) {
          throw new JambicException(
              Text.format(
                  "%s: page %d is the target at index %d and a %s at index %d, but a page that is written is neither read nor written again in the same call",
                  op, page, i, isRead ? "source" : "target", j));
        }
      }
    }
  }

  private static int firstOutside(Tensor tensor, int from, int to) {
    int[] values = ints(tensor);
    int first = offset(tensor);
    int end = first + (int) tensor.size();
    int least = from;
    int largest = from;
    for (int i = first; i < end; i++) { // without a branch, so that it is vectorized
      least = Math.min(least, values[i]);
      largest = Math.max(largest, values[i]);
    }
    if (first == end || least >= from && largest < to) {
      return -1;
    }
    int bad = first;
    while (values[bad] >= from && values[bad] < to) {
      bad++;
    }
    return bad - first;
  }
}
