package jambic.tensor.cpu.attention;

/**
 * The extents of one launch of attention, who sees what, and how the work is cut in pieces: by
 * batch element, head and chunk of queries, as the sizes alone determine.
 *
 * @param heads H
 * @param headSize C / H
 * @param queries T
 * @param keys S
 * @param scale the factor of scores
 * @param lengths the number of keys that are no padding by batch element, from {@code lengthsAt}
 * @param starts the position of query 0 by batch element, from {@code startsAt}
 */
public record AttentionSizes(
    int batch,
    int heads,
    int headSize,
    int queries,
    int keys,
    boolean causal,
    float scale,
    int[] lengths,
    int lengthsAt,
    int[] starts,
    int startsAt) {

  /** Chunks are no longer than this: what a chunk keeps in scratch memory fits the second cache. */
  private static final int LONGEST_CHUNK = 256;

  /** Long rows are cut in shorter chunks when there would be fewer pieces than this. */
  private static final int ENOUGH_PIECES = 32;

  /** How many queries a chunk has; the last one may have fewer. A multiple of the block. */
  public int chunkRows() {
    int block = AttentionRows.BLOCK;
    int rows = Math.min(LONGEST_CHUNK, (queries + block - 1) / block * block);
    while (rows > block && batch * heads * ((queries + rows - 1) / rows) < ENOUGH_PIECES) {
      rows = (rows / 2 + block - 1) / block * block;
    }
    return rows;
  }

  /** The row of a query among all. */
  int row(int b, int h, int t) {
    return (b * heads + h) * queries + t;
  }

  /** How many keys the queries before {@code to} see. */
  int keysSeen(int b, int to) {
    int seen = causal ? start(b) + to : keys;
    return lengths.length == 0 ? seen : Math.min(seen, lengths[lengthsAt + b]);
  }

  /** How many keys from {@code key} on query {@code t} sees, without regard to lengths. */
  int visible(int b, int t, int key) {
    return causal ? start(b) + t + 1 - key : keys;
  }

  /** How many keys more than the one before it a query sees. */
  int slope() {
    return causal ? 1 : 0;
  }

  /** The position of query 0. */
  int start(int b) {
    return starts.length == 0 ? 0 : starts[startsAt + b];
  }
}
