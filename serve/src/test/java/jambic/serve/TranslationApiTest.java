package jambic.serve;

import static jambic.serve.TestServer.CHAT;
import static jambic.serve.TestServer.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.translator.Translation;
import jambic.model.translator.TranslationPipeline;
import jambic.serve.model.ServedTranslator;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TranslationApiTest {
  private static final Path DATES =
      Path.of("../model/src/test/resources/jambic/model/marian_dates");
  private static final List<String> TEXTS = List.of("le 3 mars 2021", "le 14 juillet 1789");

  private Backend backend;
  private TranslationPipeline pipeline;
  private TestServer server;

  @BeforeAll
  void start() {
    backend = Backends.open("cpu", 2);
    pipeline = TranslationPipeline.load(DATES, backend);
    TinyModel model = new TinyModel();
    server =
        TestServer.start(
            model, List.of(model.served()), List.of(new ServedTranslator("dates", pipeline)));
  }

  @AfterAll
  void stop() {
    server.close();
    pipeline.close();
    backend.close();
  }

  private static Map<String, Object> request(Object prompt) {
    return new HashMap<>(Map.of("model", "dates", "prompt", prompt));
  }

  @Test
  void aPromptIsAnsweredWithItsTranslation() {
    TestServer.Reply reply = server.post(COMPLETIONS, request(TEXTS.getFirst()));
    assertThat(reply.text()).isEqualTo(pipeline.translate(TEXTS.getFirst())).isNotEmpty();
    assertThat(reply.choice(0)).containsEntry("finish_reason", "stop");
    assertThat(reply.json()).containsEntry("model", "dates");
    int prompt = pipeline.tokenizer().encodeSource(TEXTS.getFirst()).length;
    int answer = pipeline.best(TEXTS).getFirst().getFirst().tokens();
    assertThat(reply.json().get("usage"))
        .isEqualTo(
            Map.of(
                "prompt_tokens", prompt,
                "completion_tokens", answer,
                "total_tokens", prompt + answer));
  }

  @Test
  void severalPromptsHaveSeveralTranslationsTheBestFirst() {
    Map<String, Object> body = request(TEXTS);
    body.put("n", 2);
    TestServer.Reply reply = server.post(COMPLETIONS, body);
    int index = 0;
    for (List<Translation> best : pipeline.best(TEXTS)) {
      for (Translation translation : best.subList(0, 2)) {
        assertThat(reply.choice(index))
            .containsEntry("index", index)
            .containsEntry("text", translation.text());
        index++;
      }
    }
    body.put("stream", true);
    body.put("stream_options", Map.of("include_usage", true));
    List<Map<String, Object>> events = server.stream(COMPLETIONS, body);
    assertThat(events).hasSize(5);
    for (int i = 0; i < 4; i++) {
      Map<?, ?> choice = (Map<?, ?>) ((List<?>) events.get(i).get("choices")).getFirst();
      assertThat(choice.get("text")).isEqualTo(reply.choice(i).get("text"));
    }
    assertThat(events.getLast().get("usage")).isEqualTo(reply.json().get("usage"));
  }

  @Test
  void aTranslationThatHasNoRoomSaysSo() {
    Map<String, Object> body = request(TEXTS.getFirst());
    body.put("max_tokens", 3);
    TestServer.Reply reply = server.post(COMPLETIONS, body);
    assertThat(reply.choice(0)).containsEntry("finish_reason", "length");
    assertThat(((Map<?, ?>) reply.json().get("usage")).get("completion_tokens")).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "temperature | {'prompt': 'a', 'temperature': 0.7}",
        "top_p | {'prompt': 'a', 'top_p': 0.9}",
        "logprobs | {'prompt': 'a', 'logprobs': 0}",
        "echo | {'prompt': 'a', 'echo': true}",
        "stop | {'prompt': 'a', 'stop': 'x'}",
        "n | {'prompt': 'a', 'n': 50}",
        "max_tokens | {'prompt': 'a', 'max_tokens': 0}",
        "prompt | {}",
        "prompt | {'prompt': 5}",
        "prompt[1] | {'prompt': ['a', 5]}"
      })
  void whatASearchCannotObeyIsRefusedByItsName(String param, String body) {
    String named = "{'model': 'dates'" + (body.equals("{}") ? "}" : ", " + body.substring(1));
    TestServer.Reply reply =
        TestServer.reply(server.postText(COMPLETIONS, named.replace('\'', '"')));
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.error()).containsEntry("param", param);
    assertThat(reply.error().get("message").toString()).startsWith("'" + param + "'");
  }

  @Test
  void whatChangesNothingIsTaken() {
    Map<String, Object> body = request(TEXTS.getFirst());
    body.putAll(Map.of("temperature", 0, "top_p", 1, "seed", 7, "logprobs", false, "user", "x"));
    assertThat(server.post(COMPLETIONS, body).status()).isEqualTo(200);
  }

  @Test
  void aTranslatorIsListedAndOnlyTranslates() {
    assertThat(server.getJson("/v1/models").json().get("data").toString())
        .contains("id=tiny", "id=dates");
    assertThat(server.getJson("/v1/models/dates").json()).containsEntry("id", "dates");
    TestServer.Reply chat =
        server.post(
            CHAT,
            Map.of("model", "dates", "messages", List.of(Map.of("role", "user", "content", "a"))));
    assertThat(chat.status()).isEqualTo(400);
    assertThat(chat.error())
        .containsEntry("param", "model")
        .containsEntry("message", "'model': dates translates; ask it at /v1/completions");
  }

  @Test
  void aServerMayOnlyTranslate() {
    TinyModel unused = new TinyModel();
    try (TestServer alone =
        TestServer.start(unused, List.of(), List.of(new ServedTranslator("dates", pipeline)))) {
      assertThat(alone.post(COMPLETIONS, Map.of("prompt", TEXTS.getFirst())).text())
          .isEqualTo(pipeline.translate(TEXTS.getFirst()));
      assertThat(alone.get("/health").statusCode()).isEqualTo(200);
      assertThat(alone.get("/metrics").statusCode()).isEqualTo(200);
      assertThat(alone.getJson("/api/models").json()).containsEntry("models", List.of());
    }
  }
}
