package jambic.app.data;

/** The checksum that texts are told apart by. */
final class Sha256 {
  private Sha256() {}

  static String of(byte[] bytes) {
    return Checksum.of(Checksum.SHA_256, bytes);
  }
}
