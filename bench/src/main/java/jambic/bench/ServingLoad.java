package jambic.bench;

import jambic.model.generate.Completion;
import jambic.model.generate.GeneratedToken;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.InferenceEngine;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.serve.JambicServer;
import jambic.serve.http.WebOptions;
import jambic.serve.model.EngineOptions;
import jambic.serve.model.ServedModel;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Streams of texts from a server and from {@link InferenceEngine} alone, by turns in one process:
 * tokens a second, how even they are, and how long the first token takes. {@code bench/serving}
 * starts it.
 */
final class ServingLoad {
  private static final int PROMPT = 32;

  private final int streams;
  private final int tokens;
  private final List<int[]> prompts = new ArrayList<>();

  private ServingLoad(int streams, int tokens, int vocabSize) {
    this.streams = streams;
    this.tokens = tokens;
    Random random = new Random(7);
    for (int i = 0; i < streams; i++) {
      prompts.add(random.ints(PROMPT, 0, vocabSize).toArray());
    }
  }

  /** When the tokens of a stream came, in nanoseconds from the start of all. */
  private record Stream(long first, long last) {}

  /**
   * Measures.
   *
   * @param args a preset, or the address and the model of a server that runs already; then how many
   *     streams, tokens of each, and rounds
   */
  public static void main(String[] args) throws Exception {
    boolean remote = args[0].startsWith("http");
    int at = remote ? 2 : 1;
    int streams = Integer.parseInt(args[at]);
    int tokens = Integer.parseInt(args[at + 1]);
    int rounds = Integer.parseInt(args[at + 2]);
    if (remote) {
      ServingLoad load = new ServingLoad(streams, tokens, 60);
      for (int round = 0; round < rounds; round++) {
        load.print("server", load.ask(URI.create(args[0]), args[1]));
      }
      return;
    }
    Models models = Models.named(args[0]);
    try (Backend backend = Backends.open();
        Gpt gpt = models.random(backend, "fp32")) {
      ServingLoad load = new ServingLoad(streams, tokens, gpt.vocabSize());
      ServedModel served = ServedModel.of("load", gpt, tokenizer(gpt.vocabSize()));
      for (int round = 0; round < rounds; round++) { // the first is of a cold machine
        load.print("engine", load.drive(served));
        EngineOptions batch = EngineOptions.DEFAULT.withBatch(streams);
        try (JambicServer server =
            JambicServer.start(WebOptions.DEFAULT.withPort(0), batch, List.of(served))) {
          load.print("server", load.ask(server.address(), "load"));
        }
      }
    }
  }

  /** A character for each id. */
  private static Tokenizer tokenizer(int vocabSize) {
    StringBuilder characters = new StringBuilder();
    int start = vocabSize < 100 ? '0' : 0x10000;
    IntStream.range(0, vocabSize).forEach(i -> characters.appendCodePoint(start + i));
    return CharTokenizer.of(characters.toString());
  }

  private List<Stream> drive(ServedModel served) throws Exception {
    int context = served.model().contextLength();
    try (ExecutorService driver = Executors.newSingleThreadExecutor(); // waits for the engine's end
        InferenceEngine engine =
            new InferenceEngine(
                served.model(), Optional.of(served.tokenizer()), streams, streams * context)) {
      List<long[]> times = new ArrayList<>();
      List<Completion> all = new ArrayList<>();
      long start = System.nanoTime();
      for (int i = 0; i < streams; i++) {
        long[] time = new long[2];
        times.add(time);
        GenerationRequest request =
            GenerationRequest.of(prompts.get(i), tokens).withSampling(SamplingParams.plain(i));
        all.add(
            engine.submit(
                request,
                (GeneratedToken _) -> {
                  time[1] = System.nanoTime() - start;
                  time[0] = time[0] == 0 ? time[1] : time[0];
                  return true;
                }));
      }
      driver.submit(engine::run);
      all.forEach(Completion::await);
      return times.stream().map(time -> new Stream(time[0], time[1])).toList();
    }
  }

  private List<Stream> ask(URI server, String model) throws Exception {
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Stream>> all = new ArrayList<>();
      long start = System.nanoTime();
      for (int i = 0; i < streams; i++) {
        int stream = i;
        all.add(clients.submit(() -> stream(server, model, stream, start)));
      }
      List<Stream> streamed = new ArrayList<>();
      for (Future<Stream> one : all) {
        streamed.add(one.get());
      }
      return streamed;
    }
  }

  private Stream stream(URI server, String model, int index, long start) throws IOException {
    String prompt =
        Arrays.stream(prompts.get(index))
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(","));
    String body =
        Text.format(
            "{\"model\":\"%s\",\"prompt\":[%s],\"max_tokens\":%d,\"seed\":%d,\"temperature\":1,\"stream\":true}",
            model, prompt, tokens, index);
    String head =
        Text.format(
            "POST /v1/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                + "Content-Length: %d\r\nConnection: close\r\n\r\n",
            server.getAuthority(), body.length());
    try (Socket socket = new Socket(server.getHost(), server.getPort())) {
      socket.getOutputStream().write((head + body).getBytes(StandardCharsets.US_ASCII));
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      long first = 0;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.equals("data: [DONE]")) {
          return new Stream(first, System.nanoTime() - start);
        }
        if (first == 0 && line.startsWith("data: {")) {
          first = System.nanoTime() - start;
        }
      }
      throw new IOException("the server broke the stream off");
    }
  }

  private void print(String who, List<Stream> all) {
    double seconds = all.stream().mapToLong(Stream::last).max().orElseThrow() * 1e-9;
    double[] rates = all.stream().mapToDouble(one -> tokens * 1e9 / one.last()).toArray();
    double sum = Arrays.stream(rates).sum();
    double squares = Arrays.stream(rates).map(rate -> rate * rate).sum();
    long[] firsts = all.stream().mapToLong(Stream::first).sorted().toArray();
    System.out.println(
        Text.format(
            "%s: %d streams of %d tokens: %.0f tokens/s, Jain's index %.3f, first token after %.0f ms (median), %.0f ms (99 %%)",
            who,
            streams,
            tokens,
            streams * tokens / seconds,
            sum * sum / (streams * squares),
            firsts[firsts.length / 2] * 1e-6,
            firsts[(int) Math.ceil(0.99 * firsts.length) - 1] * 1e-6));
  }
}
