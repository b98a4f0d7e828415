package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.Tensor;

/**
 * The blocks of attention and their shared memory, as {@code attention.cu} and {@code
 * attention_bf16.cu} divide the work.
 *
 * @param head the head size
 * @param dtype of queries, keys and values
 */
record AttentionTiles(int head, DType dtype) {
  private boolean tensorCores() {
    return dtype == DType.BF16;
  }

  /** Keys that a block has, or reads at a time. */
  private int tile() {
    return tensorCores() || head <= 64 ? 64 : 32;
  }

  /** Queries that a block has, and with tensor cores keys. */
  private int block() {
    return tensorCores() ? head <= 64 ? 128 : 64 : tile();
  }

  private int threads() {
    return tensorCores() ? 128 : 256;
  }

  /** Bytes of a row in shared memory, padded so that banks do not clash. */
  private int rowBytes() {
    return tensorCores() ? 2 * (Math.ceilDiv(head, 16) * 16 + 8) : 4 * (head | 1);
  }

  /** Bytes of a tile of scores. */
  private int squareBytes() {
    return 4 * tile() * (tile() + 1);
  }

  /** The forward pass: a block for each block of queries. */
  Grid forward(Tensor q, int heads) {
    int bytes =
        tensorCores()
            ? (2 * tile() + Math.max(block(), 2 * tile())) * rowBytes()
            : 3 * tile() * rowBytes() + squareBytes();
    return grid(q, block(), heads, bytes);
  }

  /** The gradient of the queries. */
  Grid queries(Tensor q, int heads) {
    int bytes =
        tensorCores()
            ? (2 * tile() + Math.max(2 * block(), 2 * tile())) * rowBytes()
            : 4 * tile() * rowBytes() + squareBytes();
    return grid(q, block(), heads, bytes);
  }

  /** The gradients of keys and values: a block for each block of them. */
  Grid keys(Tensor k, int heads) {
    int statistics = 2 * 2 * Float.BYTES * tile(); // of the queries of two tiles
    int masks = 2 * tile() * block() / Byte.SIZE;
    int bytes =
        tensorCores()
            ? 2 * (tile() + block()) * rowBytes() + statistics + masks
            : 4 * tile() * rowBytes() + 2 * squareBytes();
    return grid(k, block(), heads, bytes);
  }

  private Grid grid(Tensor rows, int each, int heads, int bytes) {
    return Grid.of(Math.ceilDiv(rows.dim(1), each), threads())
        .planes(heads, rows.dim(0))
        .sharing(bytes);
  }
}
