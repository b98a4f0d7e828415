package jambic.serve;

import static jambic.serve.TestServer.CHAT;
import static jambic.serve.TestServer.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import jambic.serve.http.Json;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever is asked, in whatever way: no failure of the server's own, and it goes on. */
@Timeout(1200)
class RandomRequestsTest {
  private static final int REQUESTS = LoadSize.of(600, 10_000);
  private static final List<String> FIELDS =
      List.of(
          "model",
          "prompt",
          "messages",
          "max_tokens",
          "temperature",
          "top_p",
          "top_k",
          "n",
          "stop",
          "seed",
          "logprobs",
          "top_logprobs",
          "echo",
          "stream",
          "stream_options",
          "logit_bias",
          "presence_penalty",
          "frequency_penalty",
          "repetition_penalty",
          "tokens",
          "tools",
          "response_format",
          "user");
  private static final List<String> PATHS =
      List.of(
          COMPLETIONS,
          COMPLETIONS,
          CHAT,
          CHAT,
          "/tokenize",
          "/detokenize",
          "/v1/embeddings",
          "/api/attention");

  private final Random random = new Random(20261130);

  @Test
  void noRequestMakesTheServerFail() {
    try (TestServer server = TestServer.start()) {
      String before = answer(server);
      int answered = 0;
      for (int i = 0; i < REQUESTS; i++) {
        String path = PATHS.get(random.nextInt(PATHS.size()));
        String body = random.nextInt(10) == 0 ? broken() : Json.text(request());
        HttpResponse<String> response = server.postText(path, body);
        assertThat(response.statusCode()).as("%s %s", path, body).isLessThan(500);
        answered += response.statusCode() == 200 ? 1 : 0;
      }
      assertThat(answered).isBetween(20, REQUESTS - 20); // both kinds came up
      assertThat(answer(server)).isEqualTo(before);
    }
  }

  private static String answer(TestServer server) {
    return server.post(COMPLETIONS, Map.of("prompt", "abc", "temperature", 0)).text();
  }

  private String broken() {
    String text = Json.text(request());
    return text.substring(0, random.nextInt(text.length()));
  }

  private Map<String, Object> request() {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("max_tokens", random.nextInt(6));
    body.put(random.nextBoolean() ? "prompt" : "messages", likely());
    for (int i = random.nextInt(4); i > 0; i--) {
      body.put(FIELDS.get(random.nextInt(FIELDS.size())), value(2));
    }
    return body;
  }

  /** Often right for one of the addresses. */
  private Object likely() {
    return switch (random.nextInt(4)) {
      case 0 -> "abc";
      case 1 -> List.of(1, 2, 3);
      case 2 -> List.of(Map.of("role", "user", "content", "hi"));
      default -> value(3);
    };
  }

  private Object value(int depth) {
    return switch (random.nextInt(depth > 0 ? 12 : 10)) {
      case 0 -> null;
      case 1 -> random.nextBoolean();
      case 2 -> random.nextInt(5);
      case 3 -> random.nextInt();
      case 4 -> random.nextLong();
      case 5 -> random.nextGaussian();
      case 6 -> random.nextDouble() * 1e300;
      case 7 -> "";
      case 8 -> "text ${x} \u0000 \ud83d\ude00";
      case 9 -> "a".repeat(random.nextInt(400));
      case 10 -> {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(value(depth - 1));
        }
        yield list;
      }
      default -> {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put(random.nextBoolean() ? "type" : "role", value(depth - 1));
        }
        yield map;
      }
    };
  }
}
