package jambic.app.data;

import java.nio.charset.StandardCharsets;

/**
 * A text to train on.
 *
 * @param name what the user calls it: {@code tinyshakespeare}, {@code jdk-source}, or a file
 * @param text the whole text
 */
public record Corpus(String name, String text) {
  /**
   * Tells this text from every other, so that a resumed run can refuse to go on with another one.
   *
   * @return the SHA-256 of its UTF-8 bytes, 64 hexadecimal digits
   */
  public String sha256() {
    return Sha256.of(text.getBytes(StandardCharsets.UTF_8));
  }
}
