package jambic.model.sentencepiece;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Characters as bytes. */
final class Utf8 {
  private static final String REPLACEMENT = "\uFFFD";

  private Utf8() {}

  /** How many bytes the character has that begins with a byte. */
  static int length(byte first) {
    return switch ((first & 0xff) >>> 4) {
      case 0xc, 0xd -> 2;
      case 0xe -> 3;
      case 0xf -> 4;
      default -> 1;
    };
  }

  /** Decodes bytes; each one that belongs to no character becomes a U+FFFD of its own. */
  static String decode(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < bytes.length; ) {
      int length = Math.min(length(bytes[i]), bytes.length - i);
      try {
        ByteBuffer one = ByteBuffer.wrap(bytes, i, length);
        text.append(StandardCharsets.UTF_8.newDecoder().decode(one));
        i += length;
      } catch (CharacterCodingException e) {
        text.append(REPLACEMENT);
        i++;
      }
    }
    return text.toString();
  }
}
