package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Philox;
import jambic.tensor.spi.Dropout;

/** What one launch draws from a {@link Dropout}. */
final class DropoutMask {
  private final Dropout dropout;
  private final int step;
  private final int[] words = new int[4];

  DropoutMask(Dropout dropout) {
    this.dropout = dropout;
    this.step = dropout.isNone() ? 0 : ints(dropout.step())[offset(dropout.step())];
  }

  /** What an element is multiplied by: 0 when it is dropped. */
  float factor(long element) {
    if (dropout.isNone()) {
      return 1;
    }
    long block = element / 64 * 16 + element % 16;
    Philox.block(words, dropout.seed(), (int) block, (int) (block >>> 32), step, dropout.site());
    int word = words[(int) (element % 64 / 16)];
    return word >>> 8 >= dropout.threshold() ? dropout.scale() : 0;
  }
}
