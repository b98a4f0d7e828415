package jambic.app.data;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
   * @param size its length in bytes
   * @param sha256 the SHA-256 of its bytes, in small hexadecimal digits
   */
  record Remote(URI uri, int size, String sha256) {}

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
    HttpClient client =
        HttpClient.newBuilder()
            .proxy(proxies)
            .connectTimeout(patience)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build();
    try {
      HttpRequest request = HttpRequest.newBuilder(remote.uri()).build();
      CompletableFuture<HttpResponse<Void>> response = client.sendAsync(request, body.handler());
      int status = await(response, body, progress).statusCode();
      if (status != 200) {
        throw new IOException("the server answered " + status);
      }
      return body.checked(remote);
    } catch (IOException e) {
      throw new JambicException("cannot download %s: %s".formatted(remote.uri(), reason(e)), e);
    } finally {
      client.shutdownNow();
    }
  }

  /** Waits for the end, watching that bytes keep coming: the client itself would wait for ever. */
  private HttpResponse<Void> await(
      CompletableFuture<HttpResponse<Void>> response, Body body, LongConsumer progress)
      throws IOException {
    long before = 0;
    long lastByte = System.nanoTime();
    while (true) {
      try {
        return response.get(100, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        long now = body.received.get();
        progress.accept(now);
        if (now > body.bytes.length) {
          throw new IOException("it is longer than %d bytes".formatted(body.bytes.length), e);
        } else if (now != before) {
          before = now;
          lastByte = System.nanoTime();
        } else if (System.nanoTime() - lastByte > patience.toNanos()) {
          throw new IOException("nothing came for %d s".formatted(patience.toSeconds()), e);
        }
      } catch (ExecutionException e) {
        throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
  }

  private static String reason(IOException failure) {
    return switch (failure) {
      case HttpConnectTimeoutException e -> "no answer to the connection";
      case ConnectException e ->
          "no connection" + (e.getMessage() == null ? "" : ": " + e.getMessage());
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
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

    byte[] checked(Remote remote) throws IOException {
      if (received.get() != bytes.length) {
        throw new IOException(
            "%d bytes came instead of %d".formatted(received.get(), bytes.length));
      }
      String sha256 = Sha256.of(bytes);
      if (!sha256.equals(remote.sha256())) {
        throw new IOException(
            "what came is another file, of SHA-256 %s instead of %s"
                .formatted(sha256, remote.sha256()));
      }
      return bytes;
    }
  }
}
