package jambic.app.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The checksum by which the hub names a file's content, as its ETag: the SHA-256 of a large file,
 * and of a small one git's SHA-1, which covers {@code blob SIZE\0} and the content.
 *
 * @param hex 64 or 40 hexadecimal digits
 */
record ContentHash(String hex) {
  private static final Pattern ETAG =
      Pattern.compile("(?:W/)?\"?([0-9a-fA-F]{40}|[0-9a-fA-F]{64})\"?");
  private static final int SHA256_DIGITS = 64;

  /** The checksum of an ETag, empty if that is none. */
  static Optional<ContentHash> ofEtag(String etag) {
    Matcher matcher = ETAG.matcher(etag);
    return matcher.matches()
        ? Optional.of(new ContentHash(matcher.group(1).toLowerCase(Locale.ROOT)))
        : Optional.empty();
  }

  /** Whether a file holds that content. */
  boolean matches(Path file) throws IOException {
    boolean large = hex.length() == SHA256_DIGITS;
    MessageDigest digest = digest(large ? "SHA-256" : "SHA-1");
    if (!large) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    byte[] chunk = new byte[1 << 20];
    try (InputStream in = Files.newInputStream(file)) {
      for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
        digest.update(chunk, 0, count);
      }
    }
    return HexFormat.of().formatHex(digest.digest()).equals(hex);
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has " + algorithm, e);
    }
  }
}
