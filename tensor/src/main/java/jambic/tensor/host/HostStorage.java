package jambic.tensor.host;

import jambic.tensor.Tensor;
import jambic.tensor.spi.Storage;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;

/** Tensors in Java arrays, for the backends that run on the CPU. */
public sealed interface HostStorage extends Storage {
  /**
   * 32-bit floats.
   *
   * @param array the elements
   * @param region whether the region of the array is open
   */
  record Floats(float[] array, BooleanSupplier region) implements HostStorage {
    @Override
    public boolean isLive() {
      return region.getAsBoolean();
    }

    @Override
    public void write(long offset, MemorySegment source) {
      MemorySegment.copy(source, 0, MemorySegment.ofArray(array), offset * 4, source.byteSize());
    }

    @Override
    public void read(long offset, MemorySegment destination) {
      MemorySegment.copy(
          MemorySegment.ofArray(array), offset * 4, destination, 0, destination.byteSize());
    }
  }

  /**
   * 32-bit integers.
   *
   * @param array the elements
   * @param region whether the region of the array is open
   */
  record Ints(int[] array, BooleanSupplier region) implements HostStorage {
    @Override
    public boolean isLive() {
      return region.getAsBoolean();
    }

    @Override
    public void write(long offset, MemorySegment source) {
      MemorySegment.copy(source, 0, MemorySegment.ofArray(array), offset * 4, source.byteSize());
    }

    @Override
    public void read(long offset, MemorySegment destination) {
      MemorySegment.copy(
          MemorySegment.ofArray(array), offset * 4, destination, 0, destination.byteSize());
    }
  }

  /**
   * 8-bit integers.
   *
   * @param array the elements
   * @param region whether the region of the array is open
   */
  record Bytes(byte[] array, BooleanSupplier region) implements HostStorage {
    @Override
    public boolean isLive() {
      return region.getAsBoolean();
    }

    @Override
    public void write(long offset, MemorySegment source) {
      MemorySegment.copy(source, 0, MemorySegment.ofArray(array), offset, source.byteSize());
    }

    @Override
    public void read(long offset, MemorySegment destination) {
      MemorySegment.copy(
          MemorySegment.ofArray(array), offset, destination, 0, destination.byteSize());
    }
  }

  /**
   * The array behind a float tensor.
   *
   * @param tensor an F32 tensor of a host backend
   * @return its array; the tensor starts at {@link #offset}
   */
  static float[] floats(Tensor tensor) {
    return ((Floats) tensor.storage()).array();
  }

  /**
   * The array behind an integer tensor.
   *
   * @param tensor an I32 tensor of a host backend
   * @return its array; the tensor starts at {@link #offset}
   */
  static int[] ints(Tensor tensor) {
    return ((Ints) tensor.storage()).array();
  }

  /**
   * The array behind a tensor of bytes.
   *
   * @param tensor an I8 tensor of a host backend
   * @return its array; the tensor starts at {@link #offset}
   */
  static byte[] bytes(Tensor tensor) {
    return ((Bytes) tensor.storage()).array();
  }

  /**
   * Where a tensor starts in its array.
   *
   * @param tensor a tensor of a host backend
   * @return the index of its first element
   */
  static int offset(Tensor tensor) {
    return (int) tensor.offset();
  }
}
