package jambic.app.serve;

import jambic.app.cli.Hyperparameters;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.ModelOptions;
import jambic.app.cli.Quantization;
import jambic.app.cli.RunFolder;
import jambic.model.ConfigException;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.generate.GenerationConfig;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.text.Tokenizer;
import jambic.serve.model.ServedModel;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The models that are served, to be closed together. */
final class OpenModels implements AutoCloseable {
  private final Backend backend;
  private final Quantization quantization;
  private final Optional<ChatTemplate> template;
  private final CommandLine command;
  private final List<Gpt> open = new ArrayList<>();

  OpenModels(
      Backend backend, Quantization quantization, Optional<String> template, CommandLine command) {
    this.backend = backend;
    this.quantization = quantization;
    this.command = command;
    this.template = template.map(this::named);
  }

  private ChatTemplate named(String name) {
    try {
      return ChatTemplate.named(name);
    } catch (JambicException e) {
      throw new ParameterException(command, "--chat-template: " + e.getMessage(), e);
    }
  }

  /** Loads one. */
  ServedModel load(Path named, ModelOptions models) {
    Path folder = models.checkpoint(named, command);
    ModelArgument.requireLanguageModel(folder);
    try (Checkpoint<GptConfig, Gpt> checkpoint =
        Checkpoint.open(Gpt.FORMAT, folder, models.bases(command))) {
      Tokenizer tokenizer = RunFolder.tokenizer(checkpoint);
      GenerationConfig generation = checkpoint.generation();
      generation.requireSupported();
      Gpt model = quantization.of(checkpoint.model(backend));
      open.add(model);
      ServedModel served = ServedModel.of(id(named), model, tokenizer).withGeneration(generation);
      return template
          .or(() -> own(checkpoint.folder()))
          .map(chat -> withTemplate(served, chat))
          .orElse(served);
    }
  }

  private static ServedModel withTemplate(ServedModel served, ChatTemplate chat) {
    try {
      return served.withTemplate(chat);
    } catch (ConfigException e) {
      throw new JambicException(
          Text.format(
              "%s: %s of 'jambic sft', which teaches the model what they mean",
              served.id(), Hyperparameters.sentence(e)),
          e);
    }
  }

  /** A model with a template that is not known has no conversations, and its user is told. */
  private Optional<ChatTemplate> own(Path folder) {
    try {
      return ChatTemplate.find(folder);
    } catch (JambicException unknown) {
      command
          .getErr()
          .println(
              Text.format(
                  "jambic: no conversations: %s (--chat-template names one)",
                  unknown.getMessage()));
      return Optional.empty();
    }
  }

  /**
   * What clients call it: the name of its folder, but of a run for its checkpoints; or the hub's.
   */
  private static String id(Path named) {
    if (!Files.exists(named)) {
      return named.toString();
    }
    Path path = named.toAbsolutePath().normalize();
    RunFolder run = RunFolder.of(path);
    Path shown = run.isRecorded() ? run.path() : path;
    return String.valueOf(Optional.ofNullable(shown.getFileName()).orElse(shown));
  }

  @Override
  public void close() {
    open.forEach(Gpt::close);
  }
}
