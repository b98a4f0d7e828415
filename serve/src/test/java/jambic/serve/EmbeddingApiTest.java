package jambic.serve;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.generate.TextEmbedding;
import jambic.model.nn.AttentionWeights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EmbeddingApiTest {
  private TestServer server;

  @BeforeAll
  void start() {
    server = TestServer.start();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  @SuppressWarnings("unchecked")
  private Object vector(Map<String, ?> body, int index) {
    TestServer.Reply reply = server.post("/v1/embeddings", body);
    assertThat(reply.status()).as(reply.json().toString()).isEqualTo(200);
    Map<String, Object> entry = ((List<Map<String, Object>>) reply.json().get("data")).get(index);
    assertThat(entry).containsEntry("index", index).containsEntry("object", "embedding");
    return entry.get("embedding");
  }

  @Test
  void aTextIsTheModelsVectorAsNumbersAndAsBytes() {
    float[] wanted =
        new TextEmbedding(server.model().gpt)
            .embed(List.of(TinyModel.TOKENIZER.encode("hello")))
            .getFirst();
    List<?> numbers = (List<?>) vector(Map.of("input", List.of("abc", "hello")), 1);
    String packed = (String) vector(Map.of("input", "hello", "encoding_format", "base64"), 0);
    ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(packed));
    bytes.order(ByteOrder.LITTLE_ENDIAN);
    assertThat(numbers).hasSize(wanted.length);
    for (int i = 0; i < wanted.length; i++) {
      assertThat(((Number) numbers.get(i)).floatValue()).isEqualTo(wanted[i]);
      assertThat(bytes.getFloat(4 * i)).isEqualTo(wanted[i]);
    }
  }

  @Test
  void whatCannotBeEmbeddedIsNamed() {
    assertThat(server.post("/v1/embeddings", Map.of()).error()).containsEntry("param", "input");
    assertThat(server.post("/v1/embeddings", Map.of("input", "")).error())
        .containsEntry("param", "input");
    assertThat(server.post("/v1/embeddings", Map.of("input", "a".repeat(500))).error())
        .containsEntry("param", "input");
    assertThat(server.post("/v1/embeddings", Map.of("input", "a", "dimensions", 4)).error())
        .containsEntry("param", "dimensions");
    assertThat(server.post("/v1/embeddings", Map.of("input", "a", "encoding_format", "x")).error())
        .containsEntry("param", "encoding_format");
  }

  @Test
  void theAttentionOfAHeadIsTheModels() {
    AttentionWeights wanted =
        server.model().gpt.attentionWeights(TinyModel.TOKENIZER.encode("hello"), 1);
    TestServer.Reply reply =
        server.post("/api/attention", Map.of("prompt", "hello", "layer", 1, "head", 1));
    assertThat(reply.json()).containsEntry("tokens", List.of("h", "e", "l", "l", "o"));
    List<?> rows = (List<?>) reply.json().get("weights");
    for (int target = 0; target < 5; target++) {
      for (int source = 0; source < 5; source++) {
        Number given = (Number) ((List<?>) rows.get(target)).get(source);
        assertThat(given.floatValue()).isEqualTo(wanted.get(1, target, source));
      }
    }
    assertThat(server.post("/api/attention", Map.of("prompt", "a", "head", 2)).error())
        .containsEntry("param", "head");
    assertThat(server.post("/api/attention", Map.of("prompt", "a", "layer", 2)).status())
        .isEqualTo(400);
  }
}
