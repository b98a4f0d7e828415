package jambic.app.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/** A web server of good and bad answers, on this machine only. */
final class LoopbackServer implements AutoCloseable {
  /** Writes an answer, byte for byte; the connection is closed when it returns. */
  interface Answer {
    void writeTo(OutputStream out) throws IOException, InterruptedException;
  }

  private final ServerSocket server;
  private final Thread thread;
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final List<String> heads = new CopyOnWriteArrayList<>();

  /** A server of one answer to everything. */
  LoopbackServer(Answer answer) {
    this((Function<String, Answer>) head -> answer);
  }

  /** A server whose answer depends on the head of the request: its first line, then headers. */
  static LoopbackServer answering(Function<String, Answer> answers) {
    return new LoopbackServer(answers);
  }

  private LoopbackServer(Function<String, Answer> answers) {
    try {
      server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    thread = Thread.ofVirtual().start(() -> serve(answers));
  }

  /** An answer of a status and a body that is announced to be {@code length} bytes long. */
  static Answer answer(String status, int length, byte[] body) {
    return out -> {
      String head = "HTTP/1.1 " + status + "\r\nContent-Length: " + length + "\r\n\r\n";
      out.write(head.getBytes(StandardCharsets.US_ASCII));
      out.write(body);
    };
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getLocalPort() + "/input.txt");
  }

  int port() {
    return server.getLocalPort();
  }

  /** The first lines of all requests so far. */
  List<String> requests() {
    return requests;
  }

  /** All requests so far, with their headers. */
  List<String> heads() {
    return heads;
  }

  private void serve(Function<String, Answer> answers) {
    while (!server.isClosed()) {
      try (Socket socket = server.accept()) {
        String head = head(socket.getInputStream());
        requests.add(head.lines().findFirst().orElse(""));
        heads.add(head);
        answers.apply(head).writeTo(socket.getOutputStream());
      } catch (IOException e) {
        // The client has gone, or the test is over.
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private static String head(InputStream in) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    while (!head.toString(StandardCharsets.US_ASCII).endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        break;
      }
      head.write(next);
    }
    return head.toString(StandardCharsets.US_ASCII);
  }

  @Override
  public void close() throws IOException {
    server.close();
    thread.interrupt();
  }
}
