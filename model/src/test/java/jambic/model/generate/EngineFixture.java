package jambic.model.generate;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** A small model of a context of several pages, and what came of a request. */
final class EngineFixture implements AutoCloseable {
  static final int VOCAB = 37;
  static final int CONTEXT = 700;
  static final GptConfig CONFIG =
      new GptConfig(
          VOCAB, CONTEXT, 2, 2, 48, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f);

  final Backend backend = Backends.open("auto", 2);
  final Gpt model = new Gpt(backend, CONFIG, new Initializer(0.5f, true, 3));
  final CharTokenizer tokenizer = CharTokenizer.of("abcdefghijklmnopqrstuvwxyz0123456789 ");

  InferenceEngine engine(int maxBatch, int cacheTokens) {
    return new InferenceEngine(model, Optional.of(tokenizer), maxBatch, cacheTokens);
  }

  static int[] prompt(int seed, int length) {
    return new Random(seed).ints(length, 0, VOCAB).toArray();
  }

  static int[] concat(int[] a, int[] b) {
    int[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }

  static void drive(InferenceEngine engine) {
    while (engine.step()) {}
  }

  /** All that came of a request, with every bit. */
  static List<String> all(Completion completion) {
    List<String> all = new ArrayList<>();
    all.add(completion.await().toString());
    completion.tokens().forEach(token -> all.add(token.toString()));
    completion.text().forEach(all::add);
    completion.promptLogProbs().forEach(logProbs -> all.add(logProbs.toString()));
    return all;
  }

  List<String> alone(GenerationRequest request) {
    try (InferenceEngine engine = engine(1, CONTEXT)) {
      return all(engine.complete(request, token -> true));
    }
  }

  @Override
  public void close() {
    model.close();
    backend.close();
  }
}
