package jambic.app.data;

import jambic.tensor.text.Text;
import java.io.IOException;
import java.net.ConnectException;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Requests over HTTP that are given up when nothing comes any more: Java's client itself would wait
 * for ever.
 *
 * @param proxies the proxies to go through
 * @param patience how long to wait for the next byte, the first one included
 */
record HttpTransfer(ProxySelector proxies, Duration patience) {
  /** What Java's client says of a body that ends early. */
  private static final Pattern CUT =
      Pattern.compile("fixed content-length: (\\d+), bytes received: (\\d+)");

  /** Watches a body come in. */
  @FunctionalInterface
  interface Watcher {
    /**
     * Told ten times a second.
     *
     * @param received bytes so far
     * @throws IOException to end the exchange
     */
    void accept(long received) throws IOException;
  }

  /**
   * Sends a request and waits for all of the answer; nothing is written to the body after it
   * returns or throws.
   *
   * @param request the request
   * @param redirect whether to follow redirections
   * @param handler what becomes of the body
   * @param received the bytes of the body so far
   * @param watcher is shown them
   */
  <T> HttpResponse<T> send(
      HttpRequest request,
      HttpClient.Redirect redirect,
      BodyHandler<T> handler,
      LongSupplier received,
      Watcher watcher)
      throws IOException {
    HttpClient client =
        HttpClient.newBuilder()
            .proxy(proxies)
            .connectTimeout(patience)
            .followRedirects(redirect)
            .build();
    try {
      return await(client.sendAsync(request, handler), received, watcher);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      end(client);
    }
  }

  private <T> HttpResponse<T> await(
      CompletableFuture<HttpResponse<T>> response, LongSupplier received, Watcher watcher)
      throws IOException, InterruptedException {
    long before = received.getAsLong();
    long lastByte = System.nanoTime();
    while (true) {
      try {
        return response.get(100, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        long now = received.getAsLong();
        watcher.accept(now);
        if (now != before) {
          before = now;
          lastByte = System.nanoTime();
        } else if (System.nanoTime() - lastByte > patience.toNanos()) {
          throw new IOException(Text.format("nothing came for %d s", patience.toSeconds()), e);
        }
      } catch (ExecutionException e) {
        throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
      }
    }
  }

  private static void end(HttpClient client) {
    client.shutdownNow();
    try {
      client.awaitTermination(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Why an exchange failed, in a few words. */
  static String reason(IOException failure) {
    Matcher cut = CUT.matcher(Objects.requireNonNullElse(failure.getMessage(), ""));
    if (cut.matches()) {
      return Text.format(
          "the connection broke off after %s of %s bytes", cut.group(2), cut.group(1));
    }
    return switch (failure) {
      case HttpConnectTimeoutException e -> "no answer to the connection";
      case ConnectException e ->
          "no connection" + (e.getMessage() == null ? "" : ": " + e.getMessage());
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }
}
