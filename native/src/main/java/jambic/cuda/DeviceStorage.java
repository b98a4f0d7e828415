package jambic.cuda;

import jambic.tensor.Tensor;
import jambic.tensor.spi.Storage;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;

/**
 * A tensor's memory on the device.
 *
 * @param address of its first byte
 * @param elementBytes the size of an element
 * @param staging how bytes travel
 * @param region whether the region of the memory is open
 */
record DeviceStorage(long address, int elementBytes, Staging staging, BooleanSupplier region)
    implements Storage {
  /** The address of a tensor's first element; 0 for the absent tensor. */
  static long address(Tensor tensor) {
    return switch (tensor.storage()) {
      case DeviceStorage at -> at.address + tensor.offset() * at.elementBytes;
      case Storage.Absent() -> 0;
      default -> throw new IllegalArgumentException(tensor + " is on another backend");
    };
  }

  @Override
  public boolean isLive() {
    return region.getAsBoolean();
  }

  @Override
  public void write(long offset, MemorySegment source) {
    staging.upload(address + offset * elementBytes, source);
  }

  @Override
  public void read(long offset, MemorySegment destination) {
    staging.download(destination, address + offset * elementBytes);
  }
}
