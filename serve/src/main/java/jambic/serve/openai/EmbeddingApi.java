package jambic.serve.openai;

import jambic.model.generate.TextEmbedding;
import jambic.model.nn.AttentionWeights;
import jambic.serve.http.Exchange;
import jambic.serve.http.HttpError;
import jambic.serve.http.Route;
import jambic.serve.model.ModelHost;
import jambic.serve.model.ServedModel;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What needs no text to be written: vectors of texts, and which token looks at which. */
public final class EmbeddingApi {
  private static final String INPUT = "input";
  private static final String FLOAT = "float";
  private static final String BASE64 = "base64";
  private static final int MOST_ATTENDED = 256;

  private final ModelHosts hosts;

  /** Of some models. */
  public EmbeddingApi(ModelHosts hosts) {
    this.hosts = hosts;
  }

  /** Its addresses. */
  public List<Route> routes() {
    return List.of(
        Route.post("/v1/embeddings", this::embed), Route.post("/api/attention", this::attention));
  }

  private void embed(Exchange exchange) throws IOException {
    Fields fields = new Fields(exchange.jsonBody());
    ModelHost host = hosts.of(fields);
    hosts.requireServing(host);
    String format = fields.text("encoding_format").orElse(FLOAT);
    if (!format.equals(FLOAT) && !format.equals(BASE64)) {
      throw Fields.wrong("encoding_format", "float or base64", format);
    }
    if (fields.value("dimensions").isPresent()) {
      throw HttpError.ofField("dimensions", "'dimensions' is not supported: vectors stay whole");
    }
    List<int[]> texts = new Prompts(host.served(), INPUT).given(fields);
    requireRoom(texts, host.served().model().contextLength());
    List<float[]> vectors = vectors(host, texts);
    List<Map<String, Object>> data = new ArrayList<>();
    for (float[] vector : vectors) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("object", "embedding");
      entry.put("index", data.size());
      entry.put("embedding", format.equals(FLOAT) ? vector : base64(vector));
      data.add(entry);
    }
    int tokens = texts.stream().mapToInt(text -> text.length).sum();
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("object", "list");
    answer.put("data", data);
    answer.put("model", host.served().id());
    answer.put("usage", Map.of("prompt_tokens", tokens, "total_tokens", tokens));
    exchange.json(200, answer);
  }

  private static void requireRoom(List<int[]> texts, int context) {
    for (int i = 0; i < texts.size(); i++) {
      if (texts.get(i).length > context) {
        String where = texts.size() == 1 ? INPUT : INPUT + "[" + i + "]";
        throw HttpError.ofField(
                where,
                Text.format(
                    "This model's maximum context length is %d tokens, and '%s' has %d; shorten it",
                    context, where, texts.get(i).length))
            .withCode("context_length_exceeded");
      }
    }
  }

  private List<float[]> vectors(ModelHost host, List<int[]> texts) {
    hosts.enter(host, 1);
    try {
      return new TextEmbedding(host.served().model()).embed(texts);
    } catch (JambicException e) {
      throw HttpError.ofField(INPUT, e.getMessage());
    } finally {
      host.leave(1);
    }
  }

  /** 32-bit floats, little-endian, as OpenAI's clients unpack them. */
  private static String base64(float[] vector) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * vector.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  private void attention(Exchange exchange) throws IOException {
    Fields fields = new Fields(exchange.jsonBody());
    ModelHost host = hosts.of(fields);
    hosts.requireServing(host);
    ServedModel served = host.served();
    int[] ids = new Prompts(served, "prompt").of(fields).getFirst();
    if (ids.length > MOST_ATTENDED) {
      throw HttpError.ofField("prompt", "at most " + MOST_ATTENDED + " tokens can be shown");
    }
    int layer = fields.integer("layer", 0, Integer.MAX_VALUE).orElse(0);
    int head = fields.integer("head", 0, Integer.MAX_VALUE).orElse(0);
    hosts.enter(host, 1);
    AttentionWeights weights;
    try {
      weights = served.model().attentionWeights(ids, layer);
    } catch (JambicException e) {
      throw HttpError.of(400, e.getMessage());
    } finally {
      host.leave(1);
    }
    if (head >= weights.heads()) {
      throw HttpError.ofField("head", "the layer has the heads 0 to " + (weights.heads() - 1));
    }
    LogProbsJson names = new LogProbsJson(served.tokenizer());
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("tokens", Arrays.stream(ids).mapToObj(names::name).toList());
    answer.put("weights", rows(weights, head));
    exchange.json(200, answer);
  }

  private static List<float[]> rows(AttentionWeights weights, int head) {
    List<float[]> rows = new ArrayList<>();
    for (int target = 0; target < weights.targets(); target++) {
      float[] row = new float[weights.sources()];
      for (int source = 0; source < row.length; source++) {
        row[source] = weights.get(head, target, source);
      }
      rows.add(row);
    }
    return rows;
  }
}
