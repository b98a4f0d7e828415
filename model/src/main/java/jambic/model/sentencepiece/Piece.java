package jambic.model.sentencepiece;

import jambic.tensor.text.Text;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/**
 * An entry of a vocabulary.
 *
 * @param text its text, in which U+2581 stands for a space
 * @param score the logarithm of its probability
 * @param type what it is for
 */
record Piece(String text, float score, Type type) {
  /** What pieces are for, in the order of the numbers in the file, from 1. */
  enum Type {
    /** Found where it makes a text likely. */
    NORMAL,
    /** Stands for what no other piece has. */
    UNKNOWN,
    /** Stands for no text, such as the end of a sentence. */
    CONTROL,
    /** Found wherever it stands in a text, which is not normalized there. */
    USER_DEFINED,
    /** Never found. */
    UNUSED,
    /** One byte of a character that no other piece has. */
    BYTE
  }

  /** Whether its text is looked up among those of texts, and not among reserved names. */
  boolean isText() {
    return type == Type.NORMAL || type == Type.USER_DEFINED || type == Type.UNUSED;
  }

  /** The name of the piece for a byte. */
  static String ofByte(byte b) {
    return Text.format("<0x%02X>", b);
  }

  /** The byte that its name tells. */
  OptionalInt toByte() {
    if (!text.matches("<0x[0-9A-F]{2}>")) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(Integer.parseInt(text.substring(3, 5), 16));
  }

  byte[] utf8() {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
