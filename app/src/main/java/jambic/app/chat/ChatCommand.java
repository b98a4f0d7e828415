package jambic.app.chat;

import jambic.app.cli.Hyperparameters;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.Quantization;
import jambic.app.cli.RunFolder;
import jambic.app.terminal.LineInput;
import jambic.model.ConfigException;
import jambic.model.chat.ChatSession;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.generate.GenerationConfig;
import jambic.model.generate.InferenceEngine;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Talks to a model. */
@Command(
    name = "chat",
    description = {
      "Talks to a model that was fine-tuned for conversations (jambic sft).",
      "A line is a question; from a pipe, each is answered in turn."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nIn the conversation:%n",
    footer = {
      "  /reset           begin anew",
      "  /system TEXT     say how it is to behave; without TEXT, nothing more",
      "  /save FILE       add the conversation to FILE, for jambic sft",
      "  /help            these commands",
      "  /quit            end, as Ctrl-D",
      "  //               for a question that begins with /",
      "Ctrl-C stops an answer.",
      "",
      "Examples:",
      "  jambic chat runs/NAME",
      "  jambic chat runs/NAME --system \"Be brief.\" --temperature 0.5",
      "  echo \"Hello!\" | jambic chat runs/NAME"
    })
public final class ChatCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--chat-template",
      paramLabel = "NAME",
      description = {
        "How the conversation is written: chatml, llama3, zephyr or plain, as it was when the model"
            + " was fine-tuned. Default: the model's own."
      })
  private Optional<String> template = Optional.empty();

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "Says how the model is to behave, before the conversation. Default: nothing.")
  private String system;

  @Mixin private SamplingOptions sampling;
  @Mixin private ModelArgument given;
  @Mixin private Quantization quantization;

  /** For the command line. */
  public ChatCommand() {}

  @Override
  public Integer call() {
    sampling.check();
    Optional<ChatTemplate> named = template.map(this::named);
    try (Backend backend = given.backend();
        Checkpoint<GptConfig, Gpt> checkpoint = given.checkpoint()) {
      ChatTemplate chat = named.orElseGet(() -> template(checkpoint.folder()));
      Tokenizer tokenizer = RunFolder.tokenizer(checkpoint);
      requireTokens(chat, tokenizer);
      GenerationConfig generation = sampling.generation(checkpoint);
      try (Gpt model = quantization.of(checkpoint.model(backend));
          InferenceEngine engine =
              new InferenceEngine(model, Optional.of(tokenizer), 1, model.contextLength());
          ChatSession session =
              new ChatSession(
                  engine,
                  chat,
                  sampling.maxNewTokens(generation, 0),
                  sampling.params(generation, 0))) {
        session.instruct(system);
        LineInput lines = new LineInput(System.in, "standard input");
        return new Dialogue(spec, session, lines).run(given.named(), chat);
      }
    }
  }

  private ChatTemplate named(String name) {
    try {
      return ChatTemplate.named(name);
    } catch (JambicException e) {
      throw new ParameterException(spec.commandLine(), "--chat-template: " + e.getMessage(), e);
    }
  }

  private static ChatTemplate template(Path folder) {
    return ChatTemplate.find(folder)
        .orElseThrow(() ->
            new JambicException(
                Text.format(
                    "%s has no chat template; name with --chat-template the one it was fine-tuned with (plain:"
                        + " the answer below the question), or fine-tune it with 'jambic sft"
                        + " --chat-template chatml'",
                    folder)));
  }

  private static void requireTokens(ChatTemplate chat, Tokenizer tokenizer) {
    try {
      chat.requireTokens(tokenizer);
    } catch (ConfigException e) {
      throw new JambicException(
          Hyperparameters.sentence(e) + " of 'jambic sft', which teaches the model what they mean",
          e);
    }
  }
}
