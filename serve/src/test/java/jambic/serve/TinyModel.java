package jambic.serve;

import jambic.model.chat.ChatTemplate;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.serve.model.ServedModel;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.util.List;

/** A model of random weights that knows letters, some signs and conversations. */
final class TinyModel implements AutoCloseable {
  static final int CONTEXT = 150;
  static final String ID = "tiny";
  static final Tokenizer TOKENIZER =
      CharTokenizer.of("abcdefghijklmnopqrstuvwxyz0123456789 \n<>/${}#&\"'=()._äß")
          .withSpecialTokens(List.of("<|im_start|>", "<|im_end|>"));

  private final Backend backend = Backends.open("cpu", 2);
  final Gpt gpt;

  TinyModel() {
    this(CONTEXT);
  }

  TinyModel(int context) {
    GptConfig config =
        new GptConfig(
            TOKENIZER.vocabSize(),
            context,
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
    gpt = new Gpt(backend, config, new Initializer(0.5f, true, 3));
  }

  ServedModel served() {
    return ServedModel.of(ID, gpt, TOKENIZER).withTemplate(ChatTemplate.CHATML);
  }

  ServedModel served(String id) {
    return ServedModel.of(id, gpt, TOKENIZER);
  }

  @Override
  public void close() {
    gpt.close();
    backend.close();
  }
}
