package jambic.app;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * Trains, samples, translates and serves for some seconds and keeps nothing. {@code ./jambic} runs
 * this once after a build while the virtual machine records, so that later starts find classes
 * loaded and know which methods to compile first.
 */
@Command(
    name = "rehearse",
    hidden = true,
    description =
        "Trains, samples, translates and serves for some seconds: for ./jambic to record.",
    mixinStandardHelpOptions = true)
final class RehearseCommand implements Callable<Integer> {
  private static final String LINE =
      "To be, or not to be, that is the question:\nWhether 'tis nobler in the mind to suffer\n";

  private static final Pattern ADDRESS = Pattern.compile("Serving \\S+ at http://[^:]+:([0-9]+)");

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Path folder = Files.createTempDirectory("jambic");
    try {
      Path text = Files.writeString(folder.resolve("text.txt"), LINE.repeat(20));
      String run = folder.resolve("run").toString();
      int trained =
          run(
              "train",
              "--out=" + run,
              "--data=" + text,
              "--max-iters=2",
              "--eval-interval=2",
              "--eval-iters=1");
      int sampled = run("sample", run, "--prompt=To be", "--max-new-tokens=20");
      int translated = translate(folder);
      serve(run);
      return IntStream.of(trained, sampled, translated).max().orElseThrow();
    } finally {
      delete(folder);
    }
  }

  private int translate(Path folder) throws IOException {
    List<String> pairs =
        IntStream.range(0, 200)
            .mapToObj(i -> i + " chiens courent dans la neige\t" + i + " dogs run in the snow")
            .toList();
    String data = Files.write(folder.resolve("pairs.tsv"), pairs).toString();
    String run = folder.resolve("translator").toString();
    int trained =
        run(
            "train",
            "--preset=translate-small",
            "--out=" + run,
            "--data=" + data,
            "--vocab-size=300",
            "--max-iters=2",
            "--eval-interval=2",
            "--eval-iters=1");
    int translated = run("translate", run, "--input=" + data, "--max-length=20");
    return Math.max(trained, translated);
  }

  private int run(String... args) {
    return Main.commandLine(args)
        .setOut(new PrintWriter(Writer.nullWriter()))
        .setErr(spec.commandLine().getErr())
        .execute(args);
  }

  /** Where nobody can listen, starts of the server are not recorded; all others are. */
  private void serve(String run) {
    StringWriter said = new StringWriter();
    String[] words = {"serve", run, "--port=0"};
    CommandLine serving =
        Main.commandLine(words)
            .setOut(new PrintWriter(said))
            .setErr(new PrintWriter(Writer.nullWriter()));
    Thread server = Thread.ofPlatform().daemon().start(() -> serving.execute(words));
    try {
      for (int i = 0; i < 1000 && !server.join(Duration.ofMillis(20)); i++) {
        Matcher address = ADDRESS.matcher(said.toString());
        if (address.find()) {
          int port = Integer.parseInt(address.group(1));
          ask(port, "false");
          ask(port, "true");
          break;
        }
      }
      server.interrupt(); // as Ctrl-C ends it
      server.join(Duration.ofSeconds(10));
    } catch (IOException broken) {
      server.interrupt();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void ask(int port, String stream) throws IOException {
    String body = "{\"prompt\":\"To be\",\"max_tokens\":8,\"stream\":" + stream + "}";
    String request =
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + "Content-Type: application/json\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body;
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      socket.getInputStream().transferTo(OutputStream.nullOutputStream());
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
