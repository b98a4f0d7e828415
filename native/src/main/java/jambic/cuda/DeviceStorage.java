package jambic.cuda;

import jambic.tensor.Tensor;
import jambic.tensor.spi.Storage;
import java.lang.foreign.MemorySegment;

/**
 * A tensor's memory on the device.
 *
 * @param address of its first byte
 * @param bytes how many
 * @param room how many until another tensor's memory begins
 * @param elementBytes the size of an element
 * @param region that it belongs to
 */
record DeviceStorage(long address, long bytes, long room, int elementBytes, DeviceRegion region)
    implements Storage {
  /** The memory of a tensor that is there. */
  static DeviceStorage of(Tensor tensor) {
    return (DeviceStorage) tensor.storage();
  }

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
    return region.isOpen();
  }

  @Override
  public void write(long offset, MemorySegment source) {
    long to = address + offset * elementBytes;
    Gpu gpu = region.gpu();
    synchronized (gpu.stream()) { // no program may run between the two
      gpu.staging().upload(to, source);
      gpu.copies().written(to, source.byteSize());
    }
  }

  @Override
  public void read(long offset, MemorySegment destination) {
    region.gpu().staging().download(destination, address + offset * elementBytes);
  }
}
