package jambic.app.data;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The checksums that files are told apart by. */
final class Checksum {
  static final String SHA_256 = "SHA-256";
  static final String SHA_1 = "SHA-1";

  private Checksum() {}

  /** In small hexadecimal digits. */
  static String of(String algorithm, byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has " + algorithm, e);
    }
  }
}
