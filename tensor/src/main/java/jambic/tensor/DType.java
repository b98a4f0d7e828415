package jambic.tensor;

/** The element types of a tensor. */
public enum DType {
  /** 32-bit IEEE 754 floating point. */
  F32(4),
  /** bfloat16: the upper half of a 32-bit float. */
  BF16(2),
  /** 32-bit signed integer: token ids, positions, counters. */
  I32(4),
  /** 8-bit signed integer: quantized weights, see {@link Tensor#scaledBy}. */
  I8(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /**
   * The size of an element.
   *
   * @return bytes per element
   */
  public int bytes() {
    return bytes;
  }
}
