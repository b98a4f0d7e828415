package jambic.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Compiled kernels on disk. A file's name is the hash of everything that its content follows from,
 * and it begins with the hash of that content: one that was cut short is compiled again. A folder
 * that cannot be written costs only the time to compile.
 */
record KernelCache(Path folder) {
  private static final int HASH_BYTES = 32;

  /** The user's own, where the system keeps such files. */
  static KernelCache ofUser(Map<String, String> environment) {
    Path given = Path.of(environment.getOrDefault("XDG_CACHE_HOME", ""));
    Path caches = // a relative one does not count, says the XDG base directory specification
        given.isAbsolute() ? given : Path.of(System.getProperty("user.home"), ".cache");
    return new KernelCache(caches.resolve("jambic").resolve("kernels"));
  }

  /** What machine code follows from: source, headers, options (with the device) and compiler. */
  static String key(KernelSource source, List<String> options, String compiler) {
    MessageDigest hash = sha256();
    add(hash, source.name());
    add(hash, source.text());
    source
        .headers()
        .forEach((name, text) -> {
          add(hash, name);
          add(hash, text);
        });
    options.forEach(option -> add(hash, option));
    add(hash, compiler);
    return HexFormat.of().formatHex(hash.digest());
  }

  private static void add(MessageDigest hash, String part) {
    hash.update(part.getBytes(StandardCharsets.UTF_8));
    hash.update((byte) 0); // so that parts cannot run into each other
  }

  /** The cached bytes, or those that are made now. */
  byte[] get(String key, Supplier<byte[]> make) {
    Path file = folder.resolve(key + ".cubin");
    try {
      byte[] content = Files.readAllBytes(file);
      byte[] bytes =
          Arrays.copyOfRange(content, Math.min(HASH_BYTES, content.length), content.length);
      if (Arrays.equals(sha256().digest(bytes), Arrays.copyOf(content, HASH_BYTES))) {
        return bytes;
      }
    } catch (IOException e) {
      // Not there, or not to be read: made again.
    }
    byte[] bytes = make.get();
    store(file, bytes);
    return bytes;
  }

  private void store(Path file, byte[] bytes) {
    try {
      Files.createDirectories(folder);
      Path part = Files.createTempFile(folder, "part", ".cubin");
      try {
        byte[] content = Arrays.copyOf(sha256().digest(bytes), HASH_BYTES + bytes.length);
        System.arraycopy(bytes, 0, content, HASH_BYTES, bytes.length);
        Files.write(part, content);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      // The next start compiles again.
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
