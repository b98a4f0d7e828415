package jambic.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.tensor.Tensor;
import jambic.tensor.spi.Dropout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A structure of C as an argument of a launch: its members in order, each at its own alignment. */
final class KernelStruct {
  private static final int MOST_BYTES = 256;

  private final MemorySegment bytes = Arena.ofAuto().allocate(MOST_BYTES, Long.BYTES);
  private long end;

  /** {@code Dropout} of {@code dropout.cuh}. */
  static MemorySegment of(Dropout dropout) {
    return new KernelStruct().dropout(dropout).bytes();
  }

  KernelStruct address(long address) {
    end = Math.ceilDiv(end, Long.BYTES) * Long.BYTES;
    bytes.set(JAVA_LONG, end, address);
    end += Long.BYTES;
    return this;
  }

  KernelStruct address(Tensor tensor) {
    return address(DeviceStorage.address(tensor));
  }

  KernelStruct number(int number) {
    bytes.set(JAVA_INT, end, number);
    end += Integer.BYTES;
    return this;
  }

  KernelStruct number(float number) {
    bytes.set(JAVA_FLOAT, end, number);
    end += Float.BYTES;
    return this;
  }

  /**
   * {@code Rows} of {@code attention.cuh}: where a tensor starts and how far apart its rows are.
   */
  KernelStruct rows(Tensor tensor) {
    return address(tensor).address(tensor.rowStride());
  }

  KernelStruct dropout(Dropout dropout) {
    return address(dropout.seed())
        .address(dropout.step())
        .number(dropout.site())
        .number(dropout.threshold())
        .number(dropout.scale());
  }

  MemorySegment bytes() {
    return bytes;
  }
}
