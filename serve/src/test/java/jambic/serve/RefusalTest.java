package jambic.serve;

import static jambic.serve.TestServer.CHAT;
import static jambic.serve.TestServer.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.serve.http.WebOptions;
import jambic.serve.model.EngineOptions;
import jambic.tensor.JambicException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RefusalTest {
  private TestServer server;

  @BeforeAll
  void start() {
    server = TestServer.start();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "temperature | {'temperature': 3}",
        "temperature | {'temperature': 'hot'}",
        "top_k | {'top_k': 1.5}",
        "seed | {'seed': 1e30}",
        "n | {'n': 0}",
        "n | {'n': 65}",
        "stop | {'stop': 5}",
        "stop | {'stop': ['']}",
        "max_tokens | {'max_tokens': -1}",
        "logprobs | {'logprobs': 21}",
        "stream | {'stream': 'yes'}",
        "stream_options | {'stream_options': 1}",
        "logit_bias | {'logit_bias': {'99999': 1}}",
        "logit_bias | {'logit_bias': {'1': 101}}",
        "presence_penalty | {'presence_penalty': 2.5}",
        "frequency_penalty | {'frequency_penalty': []}",
        "repetition_penalty | {'repetition_penalty': -1}",
        "prompt | {'prompt': 5}",
        "prompt | {'prompt': [1, 'a']}",
        "prompt | {'prompt': [-1]}",
        "prompt | {'prompt': [99999]}",
        "prompt | {'prompt': 'É'}",
        "best_of | {'best_of': 3}",
        "suffix | {'suffix': 'x'}",
        "tools | {'tools': [{}]}",
        "response_format | {'response_format': {'type': 'json_object'}}",
        "model | {'model': 7}"
      })
  void aFieldThatCannotBeObeyedIsNamed(String param, String body) {
    TestServer.Reply reply =
        TestServer.reply(server.postText(COMPLETIONS, body.replace('\'', '"')));
    assertThat(reply.status()).as(body).isEqualTo(400);
    assertThat(reply.error())
        .containsEntry("param", param)
        .containsEntry("type", "invalid_request_error")
        .containsKeys("message", "code");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "messages | {}",
        "messages | {'messages': []}",
        "messages[0].role | {'messages': [{'content': 'a'}]}",
        "messages[0].role | {'messages': [{'role': 'tool', 'content': 'a'}]}",
        "messages[0].content | {'messages': [{'role': 'user', 'content': [{'type': 'image_url'}]}]}",
        "messages[0].tool_calls | {'messages': [{'role': 'assistant', 'tool_calls': [1]}]}",
        "top_logprobs | {'messages': [{'role': 'user', 'content': 'a'}], 'top_logprobs': 2}",
        "max_tokens | {'messages': [{'role': 'user', 'content': 'a'}], 'max_tokens': 0}"
      })
  void aConversationThatCannotBeHadIsRefused(String param, String body) {
    TestServer.Reply reply = TestServer.reply(server.postText(CHAT, body.replace('\'', '"')));
    assertThat(reply.status()).as(body).isEqualTo(400);
    assertThat(reply.error()).containsEntry("param", param);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {"[1]", "{", "{'a': 1, 'a': 2}", "{} {}", "nonsense", "{'a': NaN}"})
  void aBodyThatIsNoJsonObjectIsRefused(String body) {
    assertThat(server.postText(COMPLETIONS, body.replace('\'', '"')).statusCode()).isEqualTo(400);
    assertThat(server.postText(COMPLETIONS, "").statusCode()).isEqualTo(400);
    assertThat(server.postText(COMPLETIONS, "[".repeat(50_000)).statusCode()).isEqualTo(400);
  }

  @Test
  void aPromptBeyondTheContextIsRefusedByItsCode() {
    TestServer.Reply reply =
        server.post(COMPLETIONS, Map.of("prompt", "a".repeat(TinyModel.CONTEXT + 1)));
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.error()).containsEntry("code", "context_length_exceeded");
    assertThat(server.post(COMPLETIONS, Map.of("prompt", "a".repeat(TinyModel.CONTEXT))).status())
        .isEqualTo(200);
  }

  @Test
  void aModelThatIsNotHereIsNotFound() {
    TestServer.Reply reply = server.post(COMPLETIONS, Map.of("model", "other"));
    assertThat(reply.status()).isEqualTo(404);
    assertThat(reply.error())
        .containsEntry("code", "model_not_found")
        .containsEntry("param", "model");
  }

  @Test
  void amongSeveralModelsOneMustBeNamed() {
    TinyModel model = new TinyModel();
    try (TestServer two = TestServer.start(model, model.served("a"), model.served("user/b"))) {
      assertThat(two.post(COMPLETIONS, Map.of()).error()).containsEntry("param", "model");
      assertThat(two.post(COMPLETIONS, Map.of("model", "user/b")).status()).isEqualTo(200);
      assertThat(two.getJson("/v1/models/user/b").json()).containsEntry("id", "user/b");
      assertThat(two.getJson("/v1/models/user%2Fb").json()).containsEntry("id", "user/b");
      TestServer.Reply chat =
          two.post(
              CHAT,
              Map.of("model", "a", "messages", List.of(Map.of("role", "user", "content", "a"))));
      assertThat(chat.status()).isEqualTo(400);
      assertThat(chat.error()).containsEntry("code", "no_chat_template");
    }
  }

  @Test
  void twoModelsOfOneNameAreRefused() {
    try (TinyModel model = new TinyModel()) {
      assertThatThrownBy(() -> TestServer.start(model, model.served(), model.served()))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("two models are called tiny");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /nothing, 404",
    "GET, /v1, 404",
    "GET, /%2e%2e/%2e%2e/etc/passwd, 404",
    "GET, /page/index.html, 404",
    "GET, /..%2f..%2fetc/passwd, 404",
    "DELETE, /v1/models, 405",
    "GET, /v1/completions, 405",
    "PUT, /v1/chat/completions, 405",
    "POST, /, 405",
    "GET, /health, 200",
    "HEAD, /health, 200"
  })
  void anAddressAndItsMethodMustBeThere(String method, String path, int status) throws Exception {
    try (Socket socket = server.socket()) {
      String request =
          method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      String answer = text(socket.getInputStream());
      assertThat(answer).startsWith("HTTP/1.1 " + status + " ");
      if (status != 200) {
        assertThat(answer).contains("\"error\":{\"message\":");
      }
      if (status == 405) {
        assertThat(answer).contains("Allow: ");
      }
    }
  }

  private static String text(InputStream in) throws Exception {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "GET / HTTP/1.1\\r\\n\\r\\n",
        "GET / HTTP/1.1\\r\\nHost: a\\r\\nHost: b\\r\\n\\r\\n",
        "POST /v1/completions HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: +2\\r\\n\\r\\n{}",
        "POST /v1/completions HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 2\\r\\nContent-Length: 3\\r\\n\\r\\n{}",
        "GET / HTTP/1.1\\r\\nHost: localhost\\r\\nX: a\\r\\n folded\\r\\n\\r\\n",
        "nonsense\\r\\n\\r\\n"
      })
  void whatIsNotHttpIsRefused(String escaped) throws Exception {
    try (Socket socket = server.socket()) {
      String request = escaped.replace("\\r", "\r").replace("\\n", "\n");
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      assertThat(text(socket.getInputStream())).startsWith("HTTP/1.1 400");
    }
  }

  @Test
  void onlyJsonIsTaken() {
    HttpRequest.Builder form =
        server
            .request(COMPLETIONS)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString("{}"));
    assertThat(server.send(form).statusCode()).isEqualTo(415);
    HttpRequest.Builder packed =
        server
            .request(COMPLETIONS)
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Content-Encoding", "gzip")
            .POST(HttpRequest.BodyPublishers.ofString("{}"));
    assertThat(server.send(packed).statusCode()).isEqualTo(415);
  }

  @Test
  void aHostOrAnOriginThatIsNotKnownIsForbidden() throws Exception {
    for (String head : List.of("Host: evil.example", "Host: localhost.evil.example:80")) {
      assertThat(status(head)).isEqualTo("403");
    }
    assertThat(status("Host: 127.0.0.1:1")).isEqualTo("200"); // perhaps a port that is forwarded
    assertThat(status("Host: [::1]")).isEqualTo("200");
    assertThat(status("Host: localhost\r\nOrigin: http://localhost:3000")).isEqualTo("403");
    assertThat(status("Host: localhost\r\nOrigin: null")).isEqualTo("403");
    assertThat(status("Host: localhost:8\r\nOrigin: http://localhost:8")).isEqualTo("200");
  }

  private String status(String head) throws Exception {
    try (Socket socket = server.socket()) {
      String request = "GET /v1/models HTTP/1.1\r\n" + head + "\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      return text(socket.getInputStream()).substring(9, 12);
    }
  }

  @Test
  void allowedHostsAndOriginsAreLetInWithTheKey() {
    WebOptions options =
        new WebOptions(
            "127.0.0.1",
            0,
            Optional.of("secret-1"),
            Set.of(),
            Set.of("https://app.example"),
            1000,
            WebOptions.DEFAULT.writeTimeout(),
            Optional.empty());
    try (TestServer keyed = TestServer.start(options, EngineOptions.DEFAULT)) {
      assertThat(keyed.get("/v1/models").statusCode()).isEqualTo(401);
      HttpResponse<String> wrong =
          keyed.send(keyed.request("/v1/models").header("Authorization", "Bearer secret-2"));
      assertThat(wrong.statusCode()).isEqualTo(401);
      assertThat(TestServer.reply(wrong).error()).containsEntry("code", "invalid_api_key");
      assertThat(keyed.get("/health").statusCode()).isEqualTo(200);
      assertThat(keyed.get("/").statusCode()).isEqualTo(200);
      assertThat(keyed.get("/metrics").statusCode()).isEqualTo(401);
      HttpResponse<String> right =
          keyed.send(
              keyed
                  .request("/v1/models")
                  .header("Origin", "https://app.example")
                  .header("Authorization", "Bearer secret-1"));
      assertThat(right.statusCode()).isEqualTo(200);
      assertThat(right.headers().firstValue("Access-Control-Allow-Origin"))
          .contains("https://app.example");
      HttpResponse<String> preflight =
          keyed.send(
              keyed
                  .request(COMPLETIONS)
                  .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                  .header("Origin", "https://app.example"));
      assertThat(preflight.statusCode()).isEqualTo(204);
      HttpResponse<String> large =
          keyed.send(
              keyed
                  .request(COMPLETIONS)
                  .header("Authorization", "Bearer secret-1")
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"" + "a".repeat(2000))));
      assertThat(large.statusCode()).isEqualTo(413);
    }
  }

  @Test
  void anAddressBeyondThisMachineNeedsAKey() {
    assertThatThrownBy(() ->
            new WebOptions(
                "0.0.0.0",
                0,
                Optional.empty(),
                Set.of(),
                Set.of(),
                1000,
                WebOptions.DEFAULT.writeTimeout(),
                Optional.empty()))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("an API key is needed");
  }

  @Test
  void aPortThatIsTakenIsSaid() {
    try (TinyModel model = new TinyModel()) {
      WebOptions taken = WebOptions.DEFAULT.withPort(server.port());
      assertThatThrownBy(
              () -> JambicServer.start(taken, EngineOptions.DEFAULT, List.of(model.served())))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("cannot listen on 127.0.0.1, port " + server.port());
    }
  }
}
