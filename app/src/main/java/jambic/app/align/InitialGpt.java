package jambic.app.align;

import jambic.app.cli.InitialModel;
import jambic.app.cli.ModelOptions;
import jambic.app.cli.RunFolder;
import jambic.app.data.Hub;
import jambic.app.run.ShellCommand;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.gpt.WidenedVocabulary;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.train.example.AnswerEncoder;
import jambic.train.stage.StageConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The GPT that a stage begins with.
 *
 * @param folder its checkpoint
 * @param shape its shape
 * @param stored its own tokenizer
 * @param tokenizer the same, perhaps with more special tokens
 * @param template how it is talked to, if it is by a template
 */
record InitialGpt(
    Path folder,
    GptConfig shape,
    Tokenizer stored,
    Tokenizer tokenizer,
    Optional<ChatTemplate> template) {
  /** How special tokens are called that fill up texts. */
  private static final List<String> PADS = List.of("<|pad|>", "<pad>", "[PAD]", "<|padding|>");

  /** Reads what a stage needs to know before the model itself. */
  static InitialGpt of(StageSession<?> session) {
    Path folder = session.init();
    try (Checkpoint<GptConfig, Gpt> checkpoint =
        Checkpoint.open(Gpt.FORMAT, folder, session.bases())) {
      Tokenizer stored = RunFolder.tokenizer(checkpoint);
      Optional<ChatTemplate> template = session.chat().template(session, folder);
      List<String> more = new ArrayList<>(session.chat().specialTokens(session));
      template
          .filter(_ -> session.chat().isNamed(session))
          .ifPresent(chat -> more.addAll(chat.specialTokens()));
      return new InitialGpt(
          folder, checkpoint.config(), stored, stored.withSpecialTokens(more), template);
    }
  }

  /** Turns rows into tokens. */
  AnswerEncoder encoder() {
    int end =
        tokenizer
            .endOfText()
            .orElseGet(() ->
                template
                    .map(chat -> chat.endToken(tokenizer))
                    .orElseGet(() -> AnswerEncoder.requireEnd(tokenizer)));
    return new AnswerEncoder(tokenizer, template, end);
  }

  /** What to do next with a model that was made of it. */
  String next(Path run) {
    return "next     " + ShellCommand.of(template.isPresent() ? "chat" : "sample", run);
  }

  /** Identifies the model, where a stage compares with it. */
  String fingerprint() {
    return StageSession.sha256Of(folder);
  }

  /** The model to train: with adapters where the configuration wants them. */
  Gpt trained(StageSession<?> session, StageConfig config, float dropout, Backend backend) {
    boolean widens = !tokenizer.equals(stored);
    if (widens || config.common().tuning().loraRank() == 0) {
      if (config.common().tuning().loraRank() > 0) {
        throw new JambicException(
            "adapters leave the vocabulary as it is, so new special tokens would not be learned;"
                + " leave --lora-rank out, or take the template plain, whose tokens are there");
      }
      return plain(session, dropout, backend);
    }
    try (InitialModel initial =
        InitialModel.open(
            folder, ModelOptions.ofHub(folder).flatMap(Hub::commonName), session.bases())) {
      return initial.load(
          backend,
          shape.withDropout(dropout, dropout, dropout),
          config.common().tuning(),
          config.seed());
    }
  }

  /** The model as it was, without dropout, to compare with. */
  Gpt reference(StageSession<?> session, Backend backend) {
    return plain(session, 0, backend);
  }

  private Gpt plain(StageSession<?> session, float dropout, Backend backend) {
    try (Checkpoint<GptConfig, Gpt> checkpoint =
        Checkpoint.open(Gpt.FORMAT, folder, session.bases())) {
      Gpt model = checkpoint.model(backend, shape.withDropout(dropout, dropout, dropout));
      if (tokenizer.equals(stored)) {
        return model;
      }
      try (model) {
        return WidenedVocabulary.of(model, stored, tokenizer);
      }
    }
  }

  /** Its body with another head; {@code std} of that head's weights. */
  GptClassifier classifier(
      StageSession<?> session,
      List<String> labels,
      double std,
      float dropout,
      long seed,
      Backend backend) {
    try (Gpt body = plain(session, dropout, backend)) {
      return GptClassifier.of(body, labels, padToken(), std, seed);
    }
  }

  private int padToken() {
    Map<String, Integer> special = tokenizer.specialTokens();
    return PADS.stream()
        .filter(special::containsKey)
        .map(special::get)
        .findFirst()
        .orElse(ClassifierConfig.NO_PAD);
  }
}
