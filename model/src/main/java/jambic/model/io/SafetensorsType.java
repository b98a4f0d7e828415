package jambic.model.io;

import java.util.Optional;

/** An element type of the safetensors format; the constant's name is the format's own. */
public enum SafetensorsType {
  /** A byte, 0 or 1. */
  BOOL(1),
  /** Unsigned 8-bit integer. */
  U8(1),
  /** Signed 8-bit integer. */
  I8(1),
  /** 8-bit float, 5 exponent bits. */
  F8_E5M2(1),
  /** 8-bit float, 4 exponent bits. */
  F8_E4M3(1),
  /** 8-bit exponent without mantissa. */
  F8_E8M0(1),
  /** Signed 16-bit integer. */
  I16(2),
  /** Unsigned 16-bit integer. */
  U16(2),
  /** IEEE half precision. */
  F16(2),
  /** The upper half of an IEEE single. */
  BF16(2),
  /** Signed 32-bit integer. */
  I32(4),
  /** Unsigned 32-bit integer. */
  U32(4),
  /** IEEE single precision. */
  F32(4),
  /** Two IEEE singles, real then imaginary. */
  C64(8),
  /** IEEE double precision. */
  F64(8),
  /** Signed 64-bit integer. */
  I64(8),
  /** Unsigned 64-bit integer. */
  U64(8);

  private final int bytes;

  SafetensorsType(int bytes) {
    this.bytes = bytes;
  }

  /**
   * Size of one element.
   *
   * @return the size in bytes
   */
  public int bytes() {
    return bytes;
  }

  /** Whether the values are floats of Java, or numbers of more bits that are rounded to them. */
  public boolean isReadableAsFloat() {
    return this == F32 || this == F16 || this == BF16 || this == F64;
  }

  /** The type of that name, empty if the format has none such that fills whole bytes. */
  public static Optional<SafetensorsType> named(String name) {
    for (SafetensorsType type : values()) {
      if (type.name().equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
