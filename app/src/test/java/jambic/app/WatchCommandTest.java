package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class WatchCommandTest {
  private static final Pattern ADDRESS = Pattern.compile("http://127\\.0\\.0\\.1:\\d+/runs");

  @TempDir private Path folder;

  @Test
  void aFolderThatIsMissingIsASentence() {
    CommandLineCall call = CommandLineCall.of("watch", folder.resolve("missing"));
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains("missing does not exist; jambic train makes").hasLineCount(1);
  }

  @Test
  void aFileIsNoFolderOfRuns() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    CommandLineCall call = CommandLineCall.of("watch", file);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains("file is not a folder; name a folder of runs").hasLineCount(1);
  }

  @Test
  void aPortThatIsTakenIsASentence() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      CommandLineCall call = CommandLineCall.of("watch", folder, "--port", taken.getLocalPort());
      assertThat(call.code()).isEqualTo(1);
      assertThat(call.err())
          .contains("port " + taken.getLocalPort(), "choose another port")
          .hasLineCount(1);
    }
  }

  @Test
  void aPortThatIsNoneIsASentence() {
    CommandLineCall call = CommandLineCall.of("watch", folder, "--port=70000");
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).startsWith("jambic: --port must be from 0 to 65535, not 70000");
  }

  @Test
  void theRunsToServeMustBeThere() {
    CommandLineCall call = CommandLineCall.of("serve", "x", "--runs", folder.resolve("missing"));
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains("missing does not exist").hasLineCount(1);
  }

  @Test
  @Timeout(60)
  void itSaysWhereItServesUntilItIsInterrupted() throws Exception {
    StringWriter out = new StringWriter();
    AtomicInteger code = new AtomicInteger();
    Thread command =
        Thread.ofPlatform()
            .start(() ->
                code.set(
                    Main.commandLine("watch")
                        .setOut(new PrintWriter(out, true))
                        .execute("watch", folder.toString(), "--port=0")));
    Matcher found = ADDRESS.matcher(out.toString());
    while (!found.find()) {
      Thread.sleep(20);
      found = ADDRESS.matcher(out.toString());
    }
    assertThat(out.toString()).startsWith("Watching " + folder + " at http");
    assertThat(status(found.group())).isEqualTo(200);
    command.interrupt();
    command.join();
    assertThat(code).hasValue(130);
    String address = found.group();
    Assertions.assertThatThrownBy(() -> status(address)).isInstanceOf(ConnectException.class);
  }

  @Test
  void trainingSaysWhereItIsWatched() throws IOException {
    Path text = folder.resolve("input.txt");
    Files.writeString(text, "to be or not to be, that is the question. ".repeat(20));
    CommandLineCall call =
        CommandLineCall.of(
            "train",
            "--watch",
            "--data=" + text,
            "--out=" + folder.resolve("run"),
            "--backend=cpu",
            "--n-layer=1",
            "--n-head=2",
            "--n-embd=8",
            "--block-size=8",
            "--batch-size=2",
            "--max-iters=3",
            "--eval-interval=3",
            "--eval-iters=1");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out()).containsPattern("watch +" + ADDRESS.pattern());
  }

  private static int status(String address) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(HttpRequest.newBuilder(URI.create(address)).build(), BodyHandlers.discarding())
          .statusCode();
    }
  }
}
