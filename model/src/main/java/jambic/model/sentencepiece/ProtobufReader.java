package jambic.model.sentencepiece;

import jambic.tensor.text.Text;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads the fields of a message in the wire format of Protocol Buffers, one after the other: {@link
 * #next} goes to a field, then one of the other methods takes its value.
 */
final class ProtobufReader {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;
  private static final int LONGEST_VARINT = 10;

  private final ByteBuffer in;
  private int wire;

  ProtobufReader(ByteBuffer message) {
    this.in = message.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Says what is wrong with a file, to end a sentence that names it. */
  static final class DamagedException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedException(String why) {
      super(why);
    }

    static DamagedException cut() {
      return new DamagedException("it is cut short or damaged");
    }
  }

  boolean hasNext() {
    return in.hasRemaining();
  }

  /** Goes to the next field, whose number it returns. */
  int next() throws DamagedException {
    long tag = readVarint();
    wire = (int) tag & 7;
    if (tag >>> 3 == 0 || tag >>> 32 != 0) {
      throw DamagedException.cut();
    }
    return (int) (tag >>> 3);
  }

  long varint() throws DamagedException {
    require(VARINT);
    return readVarint();
  }

  boolean bool() throws DamagedException {
    return varint() != 0;
  }

  float float32() throws DamagedException {
    require(FIXED32);
    return Float.intBitsToFloat(take(Float.BYTES).getInt());
  }

  ByteBuffer bytes() throws DamagedException {
    require(BYTES);
    return take(readVarint());
  }

  String text() throws DamagedException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes()).toString();
    } catch (CharacterCodingException e) {
      throw new DamagedException("it has a text that is not UTF-8");
    }
  }

  void skip() throws DamagedException {
    switch (wire) {
      case VARINT -> readVarint();
      case FIXED64 -> take(Long.BYTES);
      case BYTES -> take(readVarint());
      case FIXED32 -> take(Integer.BYTES);
      default -> throw new DamagedException(Text.format("it has a field of the kind %d", wire));
    }
  }

  private void require(int expected) throws DamagedException {
    if (wire != expected) {
      throw DamagedException.cut();
    }
  }

  private long readVarint() throws DamagedException {
    long value = 0;
    for (int i = 0; i < LONGEST_VARINT && in.hasRemaining(); i++) {
      byte next = in.get();
      value |= (long) (next & 0x7f) << (7 * i);
      if (next >= 0) {
        return value;
      }
    }
    throw DamagedException.cut();
  }

  private ByteBuffer take(long length) throws DamagedException {
    if (length < 0 || length > in.remaining()) {
      throw DamagedException.cut();
    }
    ByteBuffer part = in.slice(in.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + (int) length);
    return part;
  }
}
