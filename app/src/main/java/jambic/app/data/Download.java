package jambic.app.data;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * Fetches a small file whose content is known by its checksum: what arrives is that content or
 * nothing.
 *
 * @param proxies the proxies to go through
 * @param patience how long to wait for the next byte, the first one included
 */
record Download(ProxySelector proxies, Duration patience) {
  /**
   * A file to fetch.
   *
   * @param uri where it is
   * @param size its length in bytes, or what it is certainly below
   * @param exact whether that is its length
   * @param algorithm of the checksum
   * @param checksum of its bytes, in small hexadecimal digits
   */
  record Remote(URI uri, int size, boolean exact, String algorithm, String checksum) {
    /** A file of a known length and SHA-256. */
    Remote(URI uri, int size, String sha256) {
      this(uri, size, true, Checksum.SHA_256, sha256);
    }

    /** Whether bytes are the file's. */
    boolean is(byte[] bytes) {
      return Checksum.of(algorithm, bytes).equals(checksum);
    }
  }

  /**
   * Fetches a file into memory.
   *
   * @param remote the file
   * @param progress told the number of bytes received, ten times a second
   * @return its bytes
   * @throws JambicException if they do not arrive, or are not those
   */
  byte[] fetch(Remote remote, LongConsumer progress) {
    Body body = new Body(remote.size());
    try {
      int status =
          new HttpTransfer(proxies, patience)
              .send(
                  HttpRequest.newBuilder(remote.uri()).build(),
                  HttpClient.Redirect.NORMAL,
                  body.handler(),
                  body.received::get,
                  received -> {
                    progress.accept(received);
                    body.requireRoom();
                  })
              .statusCode();
      if (status != 200) {
        throw new IOException("the server answered " + status);
      }
      return body.checked(remote);
    } catch (IOException e) {
      throw new JambicException(
          Text.format("cannot download %s: %s", remote.uri(), HttpTransfer.reason(e)), e);
    }
  }

  /** The bytes received so far, and the count of those that were sent. */
  private static final class Body {
    private final byte[] bytes;
    private final AtomicLong received = new AtomicLong();

    Body(int size) {
      bytes = new byte[size];
    }

    /** Keeps the bytes of a success; the page that comes with a failure is nobody's. */
    BodyHandler<Void> handler() {
      return info ->
          info.statusCode() == 200
              ? BodyHandlers.ofByteArrayConsumer(this::append).apply(info)
              : BodySubscribers.replacing(null);
    }

    private void append(Optional<byte[]> chunk) {
      chunk.ifPresent(more -> {
        int at = (int) Math.min(received.getAndAdd(more.length), bytes.length);
        System.arraycopy(more, 0, bytes, at, Math.min(more.length, bytes.length - at));
      });
    }

    void requireRoom() throws IOException {
      if (received.get() > bytes.length) {
        throw new IOException(Text.format("it is longer than %d bytes", bytes.length));
      }
    }

    byte[] checked(Remote remote) throws IOException {
      if (remote.exact() && received.get() != bytes.length) {
        throw new IOException(
            Text.format("%d bytes came instead of %d", received.get(), bytes.length));
      }
      byte[] all = Arrays.copyOf(bytes, (int) Math.min(received.get(), bytes.length));
      if (!remote.is(all)) {
        throw new IOException(
            Text.format(
                "what came is another file, of %s %s instead of %s",
                remote.algorithm(), Checksum.of(remote.algorithm(), all), remote.checksum()));
      }
      return all;
    }
  }
}
