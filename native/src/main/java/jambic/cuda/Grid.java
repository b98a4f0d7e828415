package jambic.cuda;

/**
 * The shape of a launch.
 *
 * @param x blocks along x
 * @param y blocks along y
 * @param z blocks along z
 * @param threads threads a block, along x
 * @param sharedBytes dynamic shared memory a block
 */
record Grid(int x, int y, int z, int threads, int sharedBytes) {
  /** A row of blocks. */
  static Grid of(int blocks, int threads) {
    return new Grid(blocks, 1, 1, threads, 0);
  }

  /** As many blocks as it takes to give each item a thread. */
  static Grid over(long items, int threads) {
    return of(Math.toIntExact(Math.ceilDiv(items, threads)), threads);
  }

  /** The same with blocks in a plane. */
  Grid planes(int y, int z) {
    return new Grid(x, y, z, threads, sharedBytes);
  }

  /** The same with dynamic shared memory. */
  Grid sharing(int bytes) {
    return new Grid(x, y, z, threads, bytes);
  }
}
