package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class ServeCommandTest {
  private static final Pattern ADDRESS = Pattern.compile("Serving (.+) at (http://\\S+)");

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--host=0.0.0.0 | --host 0.0.0.0 can be reached from other machines",
        "--port=70000 | --port must be from 0 to 65535",
        "--batch=0 | --batch must be at least 1",
        "--cache-tokens=0 | --cache-tokens must be at least 1",
        "--queue=-1 | --queue must be 0",
        "--max-body=0 | --max-body must be at least 1 byte",
        "--write-timeout=0 | --write-timeout must be from 0.1",
        "--grace=-1 | --grace must be from 0",
        "--tls-cert=x | --tls-cert and --tls-key belong together",
        "--allow-origin=example.org | --allow-origin is a scheme and a host",
        "--chat-template=x | --chat-template: "
      })
  void aFlagThatCannotBeObeyedIsRefusedByItsName(String flag, String sentence) throws IOException {
    CommandLineCall call = CommandLineCall.of("serve", folder, flag);
    assertThat(call.code()).as(call.err()).isEqualTo(2);
    assertThat(call.err()).contains(sentence);
  }

  @Test
  void filesThatAreNotWhatTheyShouldBeAreNamed() throws IOException {
    Path run = TinyRun.trained(folder);
    Path empty = Files.createFile(folder.resolve("empty"));
    CommandLineCall key = CommandLineCall.of("serve", run, "--api-key-file", empty);
    assertThat(key.code()).isEqualTo(1);
    assertThat(key.err()).contains(empty + " holds no API key");
    CommandLineCall tls =
        CommandLineCall.of("serve", run, "--port=0", "--tls-cert", empty, "--tls-key", empty);
    assertThat(tls.code()).isEqualTo(1);
    assertThat(tls.err()).contains(empty.toString()).doesNotContain("unexpected");
    CommandLineCall twice = CommandLineCall.of("serve", run, run, "--port=0");
    assertThat(twice.err()).contains("two models are called");
  }

  @Test
  void aServedTextIsWhatSampleWritesAndSigtermEndsTheServer() throws Exception {
    Path run = TinyRun.trained(folder);
    Path log = folder.resolve("log");
    Process server = Application.start(log, List.of("serve", run.toString(), "--port=0"));
    try (HttpClient client = HttpClient.newHttpClient()) {
      Matcher address = address(server, log);
      String prompt = "The ";
      String sample =
          CommandLineCall.of(
                  "sample",
                  run,
                  "--prompt",
                  prompt,
                  "--max-new-tokens=3",
                  "--temperature=0.8",
                  "--top-k=0",
                  "--seed=7",
                  "--json")
              .out();
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create(address.group(2) + "/v1/completions"))
              .header("Content-Type", "application/json");
      String body =
          "{\"prompt\": \"%s\", \"max_tokens\": 3, \"temperature\": 0.8, \"seed\": 7}"
              .formatted(prompt);
      HttpResponse<String> answer =
          client.send(
              request.POST(HttpRequest.BodyPublishers.ofString(body)).build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(text(answer.body())).isEqualTo(text(sample));
      server.destroy();
      assertThat(server.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(server.exitValue()).isEqualTo(143);
    } finally {
      server.destroyForcibly();
    }
  }

  @Test
  void adaptersOfOneBaseAndATranslatorAreModelsOfTheirOwn() throws Exception {
    Path run = TinyRun.trained(folder);
    List<String> words = new ArrayList<>(List.of("serve", "--port=0", run.toString()));
    for (int seed : List.of(1, 2)) {
      Path tuned = folder.resolve("tuned" + seed);
      CommandLineCall call =
          CommandLineCall.of(
              "train",
              "--init=" + run,
              "--data=" + TinyRun.text(folder),
              "--out=" + tuned,
              "--lora-rank=2",
              "--max-iters=20",
              "--learning-rate=0.1",
              "--eval-iters=1",
              "--seed=" + seed);
      assertThat(call.code()).as(call.err()).isZero();
      words.add(tuned.toString());
    }
    words.add(TranslateCommandTest.DATES.toString());
    Path log = folder.resolve("log");
    Process server = Application.start(log, words);
    try {
      String address = address(server, log).group(2);
      for (String id : List.of(run.getFileName().toString(), "tuned1", "tuned2")) {
        String sample =
            CommandLineCall.of(
                    "sample",
                    folder.resolve(id),
                    "--prompt=The ",
                    "--max-new-tokens=3",
                    "--greedy",
                    "--json")
                .out();
        assertThat(text(ask(address, id, "The "))).as(id).isEqualTo(text(sample));
      }
      assertThat(text(ask(address, "marian_dates", "le 3 mars 2021"))).contains("2021");
    } finally {
      server.destroyForcibly();
    }
  }

  @Test
  void whatATranslatorHasNotIsRefused() throws IOException {
    for (String flag : List.of("--quantize=int8", "--chat-template=chatml")) {
      CommandLineCall call =
          CommandLineCall.of("serve", TranslateCommandTest.DATES, "--port=0", flag);
      assertThat(call.code()).isEqualTo(2);
      assertThat(call.err()).contains(flag.split("=")[0] + ": marian_dates is a translator");
    }
  }

  private static String ask(String address, String model, String prompt) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(address + "/v1/completions"))
              .header("Content-Type", "application/json")
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      "{\"model\": \"%s\", \"prompt\": \"%s\", \"temperature\": 0, \"max_tokens\": %d}"
                          .formatted(model, prompt, prompt.equals("The ") ? 3 : 60)))
              .build();
      return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }
  }

  private static String text(String json) {
    Matcher text = Pattern.compile("\"text\":\"((?:\\\\.|[^\"\\\\])*)\"").matcher(json);
    assertThat(text.find()).as(json).isTrue();
    return text.group(1);
  }

  private static Matcher address(Process server, Path log) throws Exception {
    while (server.isAlive()) {
      Matcher address = ADDRESS.matcher(Files.readString(log));
      if (address.find()) {
        return address;
      }
      Thread.sleep(100);
    }
    throw new AssertionError(Files.readString(log));
  }
}
