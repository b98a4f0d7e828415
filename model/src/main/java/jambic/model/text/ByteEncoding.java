package jambic.model.text;

import java.util.Arrays;

/**
 * The 256 characters that stand for bytes in GPT-2's vocabulary files ({@code bytes_to_unicode} in
 * OpenAI's {@code encoder.py}): a byte whose Latin-1 character is printable is that character; the
 * others, the space among them, are U+0100 and on, in order.
 */
final class ByteEncoding {
  private static final int BYTES = 256;
  private static final int NONE = -1;

  private final char[] characters = new char[BYTES]; // by byte
  private final int[] bytes = new int[2 * BYTES]; // by character

  ByteEncoding() {
    Arrays.fill(bytes, NONE);
    char next = BYTES;
    for (int b = 0; b < BYTES; b++) {
      characters[b] = isPrintable(b) ? (char) b : next++;
      bytes[characters[b]] = b;
    }
  }

  private static boolean isPrintable(int b) {
    return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xFF && b != 0xAD;
  }

  /**
   * The characters in ascending order, which is the order of the ids of GPT-2's first 256 tokens.
   */
  String[] inOrder() {
    char[] sorted = characters.clone();
    Arrays.sort(sorted);
    return new String(sorted).split("");
  }

  /** The text that stands for bytes. */
  String text(byte[] token) {
    StringBuilder text = new StringBuilder(token.length);
    for (byte b : token) {
      text.append(characters[b & 0xFF]);
    }
    return text.toString();
  }

  /** Whether a text stands for bytes. */
  boolean isBytes(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= bytes.length || bytes[c] == NONE) {
        return false;
      }
    }
    return true;
  }

  /** The bytes that a text stands for. */
  byte[] bytes(String text) {
    byte[] token = new byte[text.length()];
    for (int i = 0; i < token.length; i++) {
      token[i] = (byte) bytes[text.charAt(i)];
    }
    return token;
  }
}
