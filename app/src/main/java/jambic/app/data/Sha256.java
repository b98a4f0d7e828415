package jambic.app.data;

/** The checksum that texts are told apart by. */
public final class Sha256 {
  private Sha256() {}

  /**
   * Computes the checksum.
   *
   * @param bytes what of
   * @return 64 hexadecimal digits
   */
  public static String of(byte[] bytes) {
    return Checksum.of(Checksum.SHA_256, bytes);
  }
}
