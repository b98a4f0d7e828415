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
        "stop[1] | {'stop': ['a', '']}",
        "max_tokens | {'max_tokens': -1}",
        "logprobs | {'logprobs': 21}",
        "stream | {'stream': 'yes'}",
        "stream_options | {'stream_options': 1}",
        "logit_bias | {'logit_bias': {'99999': 1}}",
        "logit_bias.1 | {'logit_bias': {'1': 101}}",
        "presence_penalty | {'presence_penalty': 2.5}",
        "frequency_penalty | {'frequency_penalty': []}",
        "repetition_penalty | {'repetition_penalty': -1}",
        "prompt | {'prompt': 5}",
        "prompt[1] | {'prompt': [1, 'a']}",
        "prompt[0] | {'prompt': [-1]}",
        "prompt[1][2] | {'prompt': ['a', [1, 2, 99999]]}",
        "prompt[1] | {'prompt': ['a', []]}",
        "prompt[2] | {'prompt': ['a', 'b', null]}",
        "prompt | {'prompt': 'É'}",
        "prompt[1] | {'prompt': ['a', 'É']}",
        "stream_options.include_usage | {'stream_options': {'include_usage': 1}}",
        "top_p | {'top_p': 0}",
        "top_p | {'top_p': 1e-60}",
        "repetition_penalty | {'repetition_penalty': 0}",
        "top_logprobs | {'top_logprobs': 2}",
        "messages | {'messages': [{'role': 'user', 'content': 'a'}]}",
        "min_p | {'min_p': 0.1}",
        "ignore_eos | {'ignore_eos': true}",
        "seed | {'seed': 9223372036854775808}",
        "seed | {'seed': 9223372036854775807, 'n': 2}",
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
    assertThat(reply.error().get("message").toString()).startsWith("'" + param.split("\\.1")[0]);
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/completions, suffix",
    "/v1/completions, prompt",
    "/v1/completions, max_tokens",
    "/v1/completions, max_completion_tokens",
    "/v1/completions, n",
    "/v1/completions, best_of",
    "/v1/completions, stop",
    "/v1/completions, seed",
    "/v1/completions, logprobs",
    "/v1/completions, echo",
    "/v1/completions, stream",
    "/v1/completions, stream_options",
    "/v1/completions, temperature",
    "/v1/completions, top_p",
    "/v1/completions, top_k",
    "/v1/completions, presence_penalty",
    "/v1/completions, frequency_penalty",
    "/v1/completions, repetition_penalty",
    "/v1/completions, logit_bias",
    "/v1/completions, model",
    "/v1/chat/completions, messages",
    "/v1/chat/completions, logprobs",
    "/v1/chat/completions, top_logprobs",
    "/v1/chat/completions, response_format",
    "/v1/chat/completions, tools",
    "/v1/chat/completions, modalities",
    "/v1/embeddings, input",
    "/v1/embeddings, encoding_format",
    "/v1/embeddings, dimensions",
    "/tokenize, prompt",
    "/detokenize, tokens",
    "/api/attention, layer",
    "/api/attention, head"
  })
  void whateverAFieldHoldsItIsObeyedOrNamed(String path, String field) {
    int refused = 0;
    for (String value :
        List.of(
            "null",
            "true",
            "-7",
            "1e300",
            "2.5",
            "'text'",
            "''",
            "[]",
            "[[]]",
            "[null]",
            "[{}]",
            "['a', 5]",
            "[1, 1e30]",
            "{}",
            "{'a': 'b'}",
            "{'type': 7}",
            "9223372036854775807")) {
      String body =
          switch (path) {
            case CHAT ->
                field.equals("messages") ? "{" : "{'messages': [{'role':'user','content':'a'}], ";
            case "/v1/embeddings" -> field.equals("input") ? "{" : "{'input': 'a', ";
            default -> field.equals("prompt") ? "{" : "{'prompt': 'a', ";
          };
      HttpResponse<String> response =
          server.postText(path, (body + "'" + field + "': " + value + "}").replace('\'', '"'));
      if (response.statusCode() == 200) {
        continue; // perhaps a stream
      }
      TestServer.Reply reply = TestServer.reply(response);
      refused++;
      assertThat(reply.status()).as(value).isEqualTo(field.equals("model") ? reply.status() : 400);
      assertThat(reply.status()).isLessThan(500);
      assertThat(reply.error().get("param").toString()).as(value).startsWith(field);
      if (reply.status() == 400) {
        assertThat(reply.error().get("message").toString()).as(value).startsWith("'" + field);
      }
    }
    assertThat(refused).isGreaterThan(3);
  }

  @Test
  void aSeedOfAllItsBitsIsObeyed() {
    for (Object seed : List.of(Long.MAX_VALUE, Long.MIN_VALUE, 3.0)) {
      assertThat(
              server
                  .post(COMPLETIONS, Map.of("prompt", "a", "seed", seed, "max_tokens", 1))
                  .status())
          .isEqualTo(200);
    }
  }

  @Test
  void whatAsksForNothingIsNotRefused() {
    Map<String, Object> neutral =
        Map.of(
            "prompt",
            "a",
            "min_p",
            0.0,
            "ignore_eos",
            false,
            "suffix",
            "",
            "tools",
            List.of(),
            "top_logprobs",
            0,
            "user",
            "someone",
            "best_of",
            1);
    assertThat(server.post(COMPLETIONS, neutral).status()).isEqualTo(200);
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
        "messages[0].content[1] | {'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': 'a'}, {'type': 'image_url'}]}]}",
        "messages[1] | {'messages': [{'role': 'user', 'content': 'a'}, 5]}",
        "echo | {'messages': [{'role': 'user', 'content': 'a'}], 'echo': true}",
        "prompt | {'messages': [{'role': 'user', 'content': 'a'}], 'prompt': 'a'}",
        "response_format | {'messages': [{'role': 'user', 'content': 'a'}], 'response_format': {'type': 'x'}}",
        "messages[0].tool_calls | {'messages': [{'role': 'assistant', 'tool_calls': [1]}]}",
        "top_logprobs | {'messages': [{'role': 'user', 'content': 'a'}], 'top_logprobs': 2}",
        "max_tokens | {'messages': [{'role': 'user', 'content': 'a'}], 'max_tokens': 0}"
      })
  void aConversationThatCannotBeHadIsRefused(String param, String body) {
    TestServer.Reply reply = TestServer.reply(server.postText(CHAT, body.replace('\'', '"')));
    assertThat(reply.status()).as(body).isEqualTo(400);
    assertThat(reply.error()).containsEntry("param", param);
    assertThat(reply.error().get("message").toString()).startsWith("'" + param);
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
    assertThat(
            server.post(COMPLETIONS, Map.of("prompt", "a".repeat(TinyModel.CONTEXT - 1))).choice(0))
        .containsEntry("finish_reason", "length");
    TestServer.Reply second =
        server.post(COMPLETIONS, Map.of("prompt", List.of("a", "a".repeat(TinyModel.CONTEXT + 1))));
    assertThat(second.error())
        .containsEntry("param", "prompt[1]")
        .containsEntry("code", "context_length_exceeded");
    TestServer.Reply embedded =
        server.post(
            "/v1/embeddings", Map.of("input", List.of("a", "a".repeat(TinyModel.CONTEXT + 1))));
    assertThat(embedded.error())
        .containsEntry("param", "input[1]")
        .containsEntry("code", "context_length_exceeded");
  }

  @Test
  void aPromptThatFillsTheContextIsRefusedUnlessItIsOnlyScored() {
    String full = "a".repeat(TinyModel.CONTEXT);
    TestServer.Reply reply = server.post(COMPLETIONS, Map.of("prompt", full));
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.error())
        .containsEntry("code", "context_length_exceeded")
        .containsEntry(
            "message",
            "This model's maximum context length is 150 tokens, and 'prompt' has 150, which leaves no room for an answer; shorten it");
    Map<String, Object> scored =
        Map.of("prompt", full, "max_tokens", 0, "echo", true, "logprobs", 0);
    assertThat(server.post(COMPLETIONS, scored).text()).isEqualTo(full);
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
        "GET / HTTP/1.0\\r\\nHost: a\\r\\nHost: b\\r\\n\\r\\n",
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

  @ParameterizedTest
  @CsvSource({
    "GET /health HTTP/1.0, 200",
    "GET /v1/models HTTP/1.0\\r\\nHost: evil.example, 403",
    "GET /v1/models HTTP/1.0\\r\\nOrigin: http://evil.example, 403",
    "GET /v1/models HTTP/1.0\\r\\nOrigin: http://, 403"
  })
  void aSimpleClientNeedsNoHostButIsNoPage(String head, int status) throws Exception {
    try (Socket socket = server.socket()) {
      String request = head.replace("\\r", "\r").replace("\\n", "\n") + "\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      assertThat(text(socket.getInputStream()).substring(9, 12)).isEqualTo("" + status);
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
