package jambic.cuda;

import jambic.tensor.Tensor;
import java.util.List;

/**
 * Lists of tensors for one launch, a block for each chunk of each tensor; {@code lists.cuh} reads
 * the table.
 *
 * @param table its address on the device
 * @param tensors how many there are in each list
 * @param blocks how many chunks they have
 */
record TensorLists(long table, int tensors, int blocks) {
  /** Elements that a block works on, as in {@code lists.cuh}. */
  private static final int CHUNK = 16384;

  /**
   * A table of one list.
   *
   * @param tables keeps it
   * @param tensors the list
   */
  static TensorLists of(ConstantTables tables, List<Tensor> tensors) {
    return of(tables, tensors, addresses(tensors));
  }

  /** Of each tensor. */
  static long[] addresses(List<Tensor> tensors) {
    return tensors.stream().mapToLong(DeviceStorage::address).toArray();
  }

  /**
   * A table of lists.
   *
   * @param tables keeps it
   * @param sized as many tensors as each list has, of the sizes of these
   * @param lists addresses
   */
  static TensorLists of(ConstantTables tables, List<Tensor> sized, long[]... lists) {
    int count = sized.size();
    if (count == 0) {
      return new TensorLists(0, 0, 0); // the driver gives out no memory of 0 bytes
    }
    long[] words = new long[(2 + lists.length) * count];
    long blocks = 0;
    for (int i = 0; i < count; i++) {
      long size = sized.get(i).size();
      words[i] = blocks;
      words[count + i] = size;
      for (int l = 0; l < lists.length; l++) {
        words[(2 + l) * count + i] = lists[l][i];
      }
      blocks += Math.ceilDiv(size, CHUNK);
    }
    return new TensorLists(tables.of(words), count, Math.toIntExact(blocks));
  }

  boolean isEmpty() {
    return blocks == 0;
  }

  Grid grid(int threads) {
    return Grid.of(blocks, threads);
  }
}
