package jambic.serve.clients;

import jambic.model.chat.ChatTemplate;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.serve.JambicServer;
import jambic.serve.http.WebOptions;
import jambic.serve.model.EngineOptions;
import jambic.serve.model.ServedModel;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.util.List;

/** A server with a model of random weights, for clients with the key. */
final class TinyServer implements AutoCloseable {
  static final String KEY = "a-key";

  private final Backend backend = Backends.open("cpu", 2);
  private final Gpt model;
  private final JambicServer server;

  TinyServer() {
    Tokenizer tokenizer =
        CharTokenizer.of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:?!\n")
            .withSpecialTokens(List.of("<|im_start|>", "<|im_end|>"));
    GptConfig config =
        new GptConfig(
            tokenizer.vocabSize(),
            200,
            2,
            2,
            48,
            0,
            0,
            Activation.GELU_TANH,
            true,
            true,
            true,
            false,
            1e-5f);
    model = new Gpt(backend, config, new Initializer(0.5f, true, 3));
    server =
        JambicServer.start(
            WebOptions.DEFAULT.withPort(0).withApiKey(KEY),
            EngineOptions.DEFAULT,
            List.of(ServedModel.of("tiny", model, tokenizer).withTemplate(ChatTemplate.CHATML)));
  }

  String url() {
    return server.address() + "/v1";
  }

  @Override
  public void close() {
    server.close();
    model.close();
    backend.close();
  }
}
