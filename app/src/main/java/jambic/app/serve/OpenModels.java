package jambic.app.serve;

import jambic.app.cli.Hyperparameters;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.ModelOptions;
import jambic.app.cli.Quantization;
import jambic.app.cli.RunFolder;
import jambic.model.ConfigException;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.LoraConfig;
import jambic.model.text.Tokenizer;
import jambic.model.translator.TranslationPipeline;
import jambic.model.translator.Translator;
import jambic.serve.model.ServedModel;
import jambic.serve.model.ServedTranslator;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The models that are served, to be closed together. */
final class OpenModels implements AutoCloseable {
  private final Backend backend;
  private final Quantization quantization;
  private final Optional<ChatTemplate> template;
  private final CommandLine command;
  private final Deque<Gpt> open = new ArrayDeque<>();
  private final Map<Path, Gpt> bases = new HashMap<>();
  private final List<TranslationPipeline> pipelines = new ArrayList<>();
  private final List<ServedModel> served = new ArrayList<>();
  private final List<ServedTranslator> translators = new ArrayList<>();

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

  /** Loads them; adapters of one base share its weights where it is needed more than once. */
  void load(List<Path> named, ModelOptions models) {
    List<Stored> stored = new ArrayList<>();
    try {
      for (Path name : named) {
        Path folder = models.checkpoint(name, command);
        if (Translator.isIn(folder)) {
          translators.add(translator(id(name), folder));
        } else {
          ModelArgument.requireLanguageModel(folder);
          stored.add(
              new Stored(id(name), Checkpoint.open(Gpt.FORMAT, folder, models.bases(command))));
        }
      }
      Map<Path, Long> uses =
          stored.stream().collect(Collectors.groupingBy(Stored::base, Collectors.counting()));
      for (Stored one : stored) {
        served.add(served(one, gpt(one, uses.get(one.base()) > 1)));
      }
    } finally {
      stored.forEach(one -> one.checkpoint().close());
    }
  }

  /** The files of one, open. */
  private record Stored(String id, Checkpoint<GptConfig, Gpt> checkpoint) {
    /** Where its weights are: of adapters, those of the model that they belong to. */
    Path base() {
      Path folder = checkpoint.lora().map(LoraConfig::base).orElse(checkpoint.folder());
      try {
        return folder.toRealPath();
      } catch (IOException e) {
        return folder.toAbsolutePath().normalize();
      }
    }
  }

  private Gpt gpt(Stored stored, boolean shared) {
    Checkpoint<GptConfig, Gpt> checkpoint = stored.checkpoint();
    checkpoint.generation().requireSupported();
    if (checkpoint.lora().isEmpty()) {
      return bases.computeIfAbsent(stored.base(), _ -> whole(checkpoint));
    }
    if (shared) {
      Gpt base = bases.computeIfAbsent(stored.base(), this::base);
      if (base.config().equals(checkpoint.config())) {
        Gpt model = base.with(checkpoint.lora().get(), checkpoint.generation());
        open.addFirst(model); // closed before its base
        checkpoint.readAdapters(model);
        return model;
      }
    }
    return whole(checkpoint);
  }

  private Gpt base(Path folder) {
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder)) {
      return whole(checkpoint);
    }
  }

  private Gpt whole(Checkpoint<GptConfig, Gpt> checkpoint) {
    Gpt model = quantization.of(checkpoint.model(backend));
    open.addLast(model);
    return model;
  }

  private ServedModel served(Stored stored, Gpt model) {
    Checkpoint<GptConfig, Gpt> checkpoint = stored.checkpoint();
    Tokenizer tokenizer = RunFolder.tokenizer(checkpoint);
    ServedModel served =
        ServedModel.of(stored.id(), model, tokenizer).withGeneration(checkpoint.generation());
    return template
        .or(() -> own(checkpoint.folder()))
        .map(chat -> withTemplate(served, chat))
        .orElse(served);
  }

  private ServedTranslator translator(String id, Path folder) {
    if (quantization.name().isPresent()) {
      throw new ParameterException(
          command, "--quantize: " + id + " is a translator, and only GPTs have int8 weights");
    }
    if (template.isPresent()) {
      throw new ParameterException(
          command, "--chat-template: " + id + " is a translator, which has no conversations");
    }
    TranslationPipeline pipeline = TranslationPipeline.load(folder, backend);
    pipelines.add(pipeline);
    return new ServedTranslator(id, pipeline);
  }

  /** What goes on with texts. */
  List<ServedModel> served() {
    return served;
  }

  /** What translates. */
  List<ServedTranslator> translators() {
    return translators;
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
    pipelines.forEach(TranslationPipeline::close);
  }
}
