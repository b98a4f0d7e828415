package jambic.serve;

import static jambic.serve.TestServer.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import jambic.serve.http.WebOptions;
import jambic.serve.model.EngineOptions;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that leave, do not read, do not write, or write too much. */
@Timeout(300)
class ClientsTest {
  private static final Map<String, Object> LONG =
      Map.of("prompt", "abc", "max_tokens", 140, "seed", 1, "temperature", 1, "stream", true);

  private static void waitFor(Duration atMost, BooleanSupplier condition) throws Exception {
    long end = System.nanoTime() + atMost.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(end);
      Thread.sleep(20);
    }
  }

  @Test
  void twoHundredStreamsAreWrittenAndThoseThatLeaveAreCancelled() throws Exception {
    EngineOptions options = EngineOptions.DEFAULT.withBatch(2).withQueue(400);
    try (TestServer server = TestServer.start(WebOptions.DEFAULT, options);
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      Map<String, Object> body = new HashMap<>(LONG);
      body.put("stream", false);
      String wanted = server.post(COMPLETIONS, body).text();
      double before =
          server.metric(
              "jambic_request_success_total{model_name=\"tiny\",finished_reason=\"abort\"}");
      List<Socket> leavers = new ArrayList<>();
      Map<String, Object> many = new HashMap<>(body);
      many.put("n", 64); // so that all others have come before it is their turn
      for (int i = 0; i < 2; i++) {
        Socket first = server.socket();
        first.getOutputStream().write(server.rawPost(COMPLETIONS, many));
        leavers.add(first);
      }
      waitFor(Duration.ofSeconds(20), () -> server.server.inWork() == 128);
      List<Future<String>> stayers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        Socket leaver = server.socket();
        // Half of them do not stream: they are noticed by the spaces before their answer.
        leaver.getOutputStream().write(server.rawPost(COMPLETIONS, i % 2 == 0 ? LONG : body));
        leavers.add(leaver);
        Callable<String> stayer = () -> streamed(server);
        stayers.add(clients.submit(stayer));
      }
      waitFor(Duration.ofSeconds(40), () -> server.server.inWork() > 240);
      for (Socket leaver : leavers) {
        leaver.close();
      }
      for (Future<String> stayer : stayers) {
        assertThat(stayer.get()).isEqualTo(wanted);
      }
      waitFor(Duration.ofSeconds(5), () -> server.server.inWork() == 0);
      assertThat(server.metric("jambic_num_requests_waiting")).isZero();
      assertThat(server.metric("jambic_num_requests_running")).isZero();
      double cancelled =
          server.metric(
              "jambic_request_success_total{model_name=\"tiny\",finished_reason=\"abort\"}");
      assertThat(cancelled - before).isGreaterThan(50);
    }
  }

  /** The text of a stream that is read to its end. */
  private static String streamed(TestServer server) {
    StringBuilder text = new StringBuilder();
    server.stream(COMPLETIONS, LONG)
        .forEach(event ->
            text.append(((Map<?, ?>) ((List<?>) event.get("choices")).getFirst()).get("text")));
    return text.toString();
  }

  @Test
  void whoHasLeftTheQueueIsForgottenWithinTwoSeconds() throws Exception {
    EngineOptions options = EngineOptions.DEFAULT.withBatch(1).withQueue(300);
    try (TestServer server = TestServer.start(WebOptions.DEFAULT, options)) {
      Map<String, Object> whole = new HashMap<>(LONG);
      whole.put("stream", false);
      whole.put("n", 64);
      List<Socket> sockets = new ArrayList<>();
      for (Map<String, Object> body : List.of(whole, whole, LONG, LONG)) {
        Socket socket = server.socket();
        socket.getOutputStream().write(server.rawPost(COMPLETIONS, body));
        sockets.add(socket);
      }
      waitFor(Duration.ofSeconds(20), () -> server.server.inWork() > 66);
      for (Socket socket : sockets) {
        socket.close();
      }
      waitFor(Duration.ofSeconds(2), () -> server.server.inWork() == 0);
    }
  }

  @Test
  void whoLeavesAnAnswerThatIsBeingWrittenAsAWholeIsNoticed() throws Exception {
    EngineOptions options = EngineOptions.DEFAULT.withBatch(64).withQueue(300);
    try (TestServer server = TestServer.start(WebOptions.DEFAULT, options)) {
      Map<String, Object> whole = new HashMap<>(LONG);
      whole.put("stream", false);
      whole.put("n", 64);
      List<Socket> sockets = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Socket socket = server.socket();
        socket.getOutputStream().write(server.rawPost(COMPLETIONS, whole));
        sockets.add(socket);
      }
      waitFor(Duration.ofSeconds(20), () -> server.server.inWork() > 128);
      for (Socket socket : sockets) {
        socket.close();
      }
      waitFor(Duration.ofSeconds(20), () -> server.server.inWork() == 0);
      String aborted =
          "jambic_request_success_total{model_name=\"tiny\",finished_reason=\"abort\"}";
      waitFor(Duration.ofSeconds(5), () -> server.metric(aborted) > 100); // by the next step
    }
  }

  @Test
  void aFullQueueRefusesForAWhile() throws Exception {
    EngineOptions options = EngineOptions.DEFAULT.withBatch(1).withQueue(1);
    try (TestServer server = TestServer.start(WebOptions.DEFAULT, options);
        Socket first = server.socket();
        Socket second = server.socket()) {
      Map<String, Object> slow = new HashMap<>(LONG);
      slow.put("n", 60);
      first.getOutputStream().write(server.rawPost(COMPLETIONS, slow));
      waitFor(Duration.ofSeconds(10), () -> server.server.inWork() == 60);
      TestServer.Reply refused = server.post(COMPLETIONS, Map.of("prompt", "a"));
      assertThat(refused.status()).isEqualTo(429);
      assertThat(refused.error())
          .containsEntry("code", "queue_full")
          .containsEntry("type", "rate_limit_error");
      assertThat(refused.response().headers().firstValue("Retry-After")).contains("1");
    }
  }

  @Test
  void whoReadsNothingIsCutOffAndDelaysNobody() throws Exception {
    Duration timeout = Duration.ofSeconds(3);
    WebOptions web = WebOptions.DEFAULT.withWriteTimeout(timeout);
    try (TestServer server = TestServer.start(web, EngineOptions.DEFAULT)) {
      List<Socket> sockets = new ArrayList<>();
      Map<String, Object> body = new HashMap<>(LONG);
      body.put("n", 8);
      body.put("logprobs", 20); // two megabytes
      for (int i = 0; i < LoadSize.of(4, 20); i++) {
        Socket socket = server.socket();
        socket.setReceiveBufferSize(1 << 12);
        socket.getOutputStream().write(server.rawPost(COMPLETIONS, body));
        sockets.add(socket);
      }
      assertThat(streamed(server)).isNotEmpty();
      waitFor(Duration.ofSeconds(90), () -> server.metric("jambic_num_requests_running") == 0);
      // All is written, and nobody takes it.
      waitFor(timeout.plusSeconds(2), () -> server.server.inWork() == 0);
      assertThat(server.metric("jambic_num_requests_running")).isZero();
      for (Socket socket : sockets) {
        socket.setSoTimeout(5000);
        assertThat(endsBroken(socket)).isTrue();
        socket.close();
      }
    }
  }

  private static boolean endsBroken(Socket socket) {
    try {
      String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return !all.contains("[DONE]");
    } catch (IOException reset) {
      return true;
    }
  }

  @Test
  void aRequestThatNeverArrivesIsClosed() throws Exception {
    try (TestServer server = TestServer.start();
        Socket head = server.socket();
        Socket body = server.socket();
        Socket second = server.socket()) {
      second
          .getOutputStream()
          .write(
              "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.UTF_8));
      String start =
          "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              + "Content-Length: 1000\r\n\r\n";
      body.getOutputStream().write(start.getBytes(StandardCharsets.UTF_8));
      long begin = System.nanoTime();
      List<Socket> open = new ArrayList<>(List.of(head, body, second));
      open.forEach(ClientsTest::hurry);
      while (!open.isEmpty()) {
        assertThat(System.nanoTime() - begin).isLessThan(15_000_000_000L);
        open.removeIf(socket -> !drip(socket));
      }
      assertThat(System.nanoTime() - begin).isGreaterThan(5_000_000_000L);
    }
  }

  private static void hurry(Socket socket) {
    try {
      socket.setSoTimeout(200);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Writes another byte; whether the connection is still there. */
  private static boolean drip(Socket socket) {
    try {
      socket.getOutputStream().write('a');
      InputStream in = socket.getInputStream();
      while (in.read() >= 0) {}
      return false;
    } catch (SocketTimeoutException open) {
      return true;
    } catch (IOException closed) {
      return false;
    }
  }

  @Test
  void aHugeBodyIsRefusedBeforeItIsRead() throws Exception {
    try (TestServer server = TestServer.start()) {
      for (boolean chunked : List.of(false, true)) {
        try (Socket socket = server.socket()) {
          String head =
              "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  + (chunked ? "Transfer-Encoding: chunked" : "Content-Length: 100000000")
                  + "\r\n\r\n";
          OutputStream out = socket.getOutputStream();
          out.write(head.getBytes(StandardCharsets.UTF_8));
          Future<Long> sent;
          try (ExecutorService writer = Executors.newVirtualThreadPerTaskExecutor()) {
            sent = writer.submit(() -> pour(out, chunked));
            BufferedReader in =
                new BufferedReader(
                    new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            assertThat(in.readLine()).startsWith("HTTP/1.1 413");
          }
          assertThat(sent.get()).isLessThan(24L << 20); // 8 MB, and what the sockets hold
        }
      }
      assertThat(server.get("/health").statusCode()).isEqualTo(200);
    }
  }

  /** Writes until nobody takes it; how many bytes were taken. */
  private static long pour(OutputStream out, boolean chunked) {
    byte[] piece = new byte[1 << 16];
    long sent = 0;
    try {
      while (sent < 100_000_000) {
        if (chunked) {
          out.write("10000\r\n".getBytes(StandardCharsets.UTF_8));
        }
        out.write(piece);
        if (chunked) {
          out.write("\r\n".getBytes(StandardCharsets.UTF_8));
        }
        sent += piece.length;
      }
    } catch (IOException closed) {
      return sent;
    }
    return sent;
  }

  @Test
  void everyStreamOfAServerThatEndsHasAFinishReasonOrIsBrokenOff() throws Exception {
    int streams = LoadSize.of(40, 200);
    EngineOptions options = EngineOptions.DEFAULT.withQueue(streams);
    Duration grace = Duration.ofSeconds(1);
    try (TestServer server = TestServer.start(WebOptions.DEFAULT, options);
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> answers = new ArrayList<>();
      for (int i = 0; i < streams; i++) {
        answers.add(clients.submit(() -> raw(server)));
      }
      waitFor(Duration.ofSeconds(20), () -> server.server.inWork() > streams / 2);
      long begin = System.nanoTime();
      server.server.drain(grace);
      server.server.close();
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(grace.plusSeconds(2));
      for (Future<String> answer : answers) {
        String text = answer.get();
        boolean whole = text.contains("data: [DONE]");
        boolean refused = text.startsWith("HTTP/1.1 503");
        assertThat(text.contains("\"finish_reason\":\"length\"") || refused || !whole).isTrue();
        assertThat(whole).isEqualTo(text.contains("\"finish_reason\":\"length\""));
      }
    }
  }

  /** All that comes for a stream. */
  private static String raw(TestServer server) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try (Socket socket = server.socket()) {
      socket.getOutputStream().write(server.rawPost(COMPLETIONS, LONG));
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[1 << 12];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        all.write(buffer, 0, n);
        if (all.toString(StandardCharsets.UTF_8).contains("data: [DONE]")) {
          break; // the connection stays open
        }
      }
    } catch (IOException broken) {
      // As one that ends.
    }
    return all.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aServerThatEndsLetsAnswersEndOrBreaksThemOff() throws Exception {
    try (TestServer server = TestServer.start();
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<String> quick = clients.submit(() -> streamed(server));
      Map<String, Object> endless = new HashMap<>(LONG);
      endless.put("n", 64);
      List<Socket> sockets = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Socket socket = server.socket();
        socket.getOutputStream().write(server.rawPost(COMPLETIONS, endless));
        sockets.add(socket);
      }
      waitFor(Duration.ofSeconds(10), () -> server.server.inWork() > 150);
      Future<Boolean> drained = clients.submit(() -> server.server.drain(Duration.ofMillis(300)));
      waitFor(Duration.ofSeconds(5), () -> server.get("/health").statusCode() == 503);
      TestServer.Reply refused = server.post(COMPLETIONS, Map.of("prompt", "a"));
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.error()).containsEntry("code", "draining");
      assertThat(refused.response().headers().firstValue("Retry-After")).isPresent();
      boolean all = drained.get();
      long begin = System.nanoTime();
      server.server.close();
      assertThat(System.nanoTime() - begin).isLessThan(2_000_000_000L);
      for (Socket socket : sockets) {
        assertThat(endsBroken(socket)).isEqualTo(!all);
        socket.close();
      }
      try {
        assertThat(quick.get()).isNotEmpty();
      } catch (ExecutionException broken) {
        assertThat(all).isFalse();
      }
    }
  }
}
