package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.RunFolder;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.ErrorText;
import jambic.model.nn.LoraConfig;
import jambic.model.text.MarianTokenizer;
import jambic.model.text.Tokenizer;
import jambic.model.translator.TranslationSettings;
import jambic.model.translator.Translator;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.TrainConfig;
import jambic.train.plan.MemoryEstimate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Tells what a model is. */
@Command(
    name = "info",
    description = "Tells what a model is: its shape, tokenizer, adapters and where it came from.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic info out                              the best model of a run",
      "  jambic info gpt2 --json                      OpenAI's, for a script"
    })
final class InfoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ModelArgument given;

  @Option(names = "--json", description = "Print a JSON object instead.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Path folder = given.folder();
    if (Translator.isIn(folder)) {
      try (Checkpoint<TranslatorConfig, Translator> checkpoint =
          Checkpoint.open(Translator.FORMAT, folder)) {
        print(toldOfTranslator(checkpoint));
      }
    } else if (GptClassifier.isIn(folder)) {
      try (Checkpoint<ClassifierConfig, GptClassifier> checkpoint =
          Checkpoint.open(GptClassifier.FORMAT, folder)) {
        print(toldOfClassifier(checkpoint));
      }
    } else {
      try (Checkpoint<GptConfig, Gpt> checkpoint = given.checkpoint(folder)) {
        print(told(checkpoint));
      }
    }
    return 0;
  }

  private void print(Map<String, Object> told) throws IOException {
    if (json) {
      spec.commandLine().getOut().println(JSON.std.asString(told));
    } else {
      told.forEach((name, value) ->
          spec.commandLine().getOut().println(Text.format("%-14s %s", label(name), value)));
    }
  }

  private Map<String, Object> toldOfTranslator(
      Checkpoint<TranslatorConfig, Translator> checkpoint) {
    TranslatorConfig config = checkpoint.config();
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("folder", checkpoint.folder().toString());
    told.put("architecture", "translator (encoder and decoder)");
    told.put("parameters", number(config.parameterCount()));
    told.put("encoder_layers", config.encoderLayers());
    told.put("decoder_layers", config.decoderLayers());
    told.put("encoder_heads", config.encoderHeads());
    told.put("decoder_heads", config.decoderHeads());
    told.put("width", config.width());
    told.put("longest", config.maxLength());
    told.put("vocabulary", config.vocabSize());
    told.put("activation", TrainConfig.text(config.activation()));
    told.put("norms", config.preNorm() ? "before each branch" : "after each branch");
    told.put("tokenizer", tokenizerOf(checkpoint));
    told.put("beam", TranslationSettings.read(checkpoint.folder(), config).beams());
    tellOrigin(checkpoint.folder(), told);
    return told;
  }

  private Map<String, Object> toldOfClassifier(
      Checkpoint<ClassifierConfig, GptClassifier> checkpoint) {
    ClassifierConfig config = checkpoint.config();
    List<String> labels = config.labels();
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("folder", checkpoint.folder().toString());
    told.put("architecture", labels.size() == 1 ? "GPT as a reward model" : "GPT as a classifier");
    long head = (long) labels.size() * config.body().nEmbd();
    told.put("parameters", number(config.body().parameterCount() + head));
    told.put("labels", json ? labels : labels.size() == 1 ? "one score" : quoted(labels));
    tellShape(config.body(), told);
    told.put("tokenizer", checkpoint.tokenizer().map(this::tokenizer).orElse("none"));
    boolean pads = config.padToken() != ClassifierConfig.NO_PAD;
    told.put("pad_token", pads ? number(config.padToken()) : json ? null : "none");
    tellOrigin(checkpoint.folder(), told);
    return told;
  }

  private static String quoted(List<String> labels) {
    return Text.format(
        "%d: %s", labels.size(), String.join(", ", labels.stream().map(ErrorText::quote).toList()));
  }

  private static void tellShape(GptConfig config, Map<String, Object> told) {
    told.put("layers", config.nLayer());
    told.put("heads", config.nHead());
    told.put("width", config.nEmbd());
    told.put("context", config.blockSize());
    told.put("vocabulary", config.vocabSize());
    told.put("activation", TrainConfig.text(config.activation()));
  }

  private String tokenizerOf(Checkpoint<TranslatorConfig, Translator> checkpoint) {
    if (Files.exists(checkpoint.folder().resolve(MarianTokenizer.SOURCE))) {
      int size = MarianTokenizer.read(checkpoint.folder()).vocabSize();
      return "sentencepiece, " + ErrorText.count(size, "token");
    }
    return checkpoint.tokenizer().map(this::tokenizer).orElse("none");
  }

  private void tellOrigin(Path folder, Map<String, Object> told) {
    long bytes = bytes(folder);
    told.put("size_on_disk", json ? bytes : MemoryEstimate.human(bytes));
    RunFolder run = RunFolder.of(folder);
    run.record().data().ifPresent(data -> told.put("trained_on", data));
    run.record().parameters().ifPresent(any -> told.put("run", run.path().toString()));
  }

  private static String label(String name) {
    return name.replace('_', ' ');
  }

  private Map<String, Object> told(Checkpoint<GptConfig, Gpt> checkpoint) {
    GptConfig config = checkpoint.config();
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("folder", checkpoint.folder().toString());
    told.put("architecture", "GPT (decoder only)");
    told.put("parameters", number(config.parameterCount()));
    tellShape(config, told);
    told.put("head", config.tiedHead() ? "the token embedding" : "of its own");
    told.put("tokenizer", checkpoint.tokenizer().map(this::tokenizer).orElse("none"));
    List<Integer> ends =
        checkpoint.generation().endTokensOr(checkpoint.tokenizer()).stream().sorted().toList();
    told.put("end_tokens", json ? ends : ends.isEmpty() ? "none" : join(ends));
    checkpoint.lora().ifPresent(lora -> adapters(lora, told));
    tellOrigin(checkpoint.folder(), told);
    return told;
  }

  private Object number(long value) {
    return json ? (Object) value : Text.format("%,d", value);
  }

  private static String join(List<Integer> ids) {
    return String.join(", ", ids.stream().map(id -> Integer.toString(id)).toList());
  }

  private String tokenizer(Tokenizer tokenizer) {
    return Text.format(
        "%s, %s",
        tokenizer.getClass().getSimpleName().replace("Tokenizer", "").toLowerCase(Locale.ROOT),
        ErrorText.count(tokenizer.vocabSize(), "token"));
  }

  private static void adapters(LoraConfig lora, Map<String, Object> told) {
    told.put("adapters", "LoRA, rank " + lora.layers().rank());
    told.put("base", lora.baseName().orElseGet(() -> lora.base().toString()));
  }

  /** Of the files beside each other; a run's training state is no part of the model. */
  private static long bytes(Path model) {
    try (Stream<Path> files = Files.isDirectory(model) ? Files.list(model) : Stream.of(model)) {
      long sum = 0;
      for (Path file : (Iterable<Path>) files::iterator) {
        String name = file.getFileName().toString();
        if (Files.isRegularFile(file) && !name.startsWith("optimizer.")) {
          sum += Files.size(file);
        }
      }
      return sum;
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", model, ErrorText.reason(e)), e);
    }
  }
}
