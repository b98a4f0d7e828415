package jambic.tensor.spi;

import java.lang.foreign.MemorySegment;

/**
 * Memory of a backend that holds tensors; what lies behind it is the backend's private business.
 */
public interface Storage {
  /**
   * Copies from the host, in order with launched work.
   *
   * @param offset the first element to overwrite
   * @param source raw little-endian elements
   */
  void write(long offset, MemorySegment source);

  /**
   * Copies to the host once launched work has finished.
   *
   * @param offset the first element to read
   * @param destination receives raw little-endian elements
   */
  void read(long offset, MemorySegment destination);

  /**
   * Whether the region that this lies in is open. What was in a closed one may be anything by now.
   *
   * @return false if its tensors must not be used any more
   */
  default boolean isLive() {
    return true;
  }

  /** The memory of the absent tensor: holds nothing. */
  record Absent() implements Storage {
    @Override
    public void write(long offset, MemorySegment source) {
      throw new IllegalStateException("the absent tensor holds nothing");
    }

    @Override
    public void read(long offset, MemorySegment destination) {
      throw new IllegalStateException("the absent tensor holds nothing");
    }
  }
}
