package jambic.app;

import jambic.app.cli.ModelArgument;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.translator.Translator;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes a model for other programs. */
@Command(
    name = "export",
    description = {
      "Writes a model as a folder that Hugging Face's transformers load.",
      "It computes the same there. Biases that the model does not have are stored as zeros."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic export out --out exported      then, in Python:",
      "                                        GPT2LMHeadModel.from_pretrained(\"exported\")"
    })
final class ExportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      required = true,
      description = "Folder to write: a new one, or that of an earlier export.")
  private Path out;

  @Mixin private ModelArgument given;

  @Override
  public Integer call() {
    Path folder = given.folder();
    if (Translator.isIn(folder)) {
      exportTranslator(folder);
      return 0;
    }
    Checkpoint.requireNothingElse(out);
    if (GptClassifier.isIn(folder)) {
      exportClassifier(folder);
      return 0;
    }
    try (Backend backend = given.backend();
        Checkpoint<GptConfig, Gpt> checkpoint = given.checkpoint(folder)) {
      requireGpt2(folder, checkpoint.config());
      try (Gpt gpt = checkpoint.model(backend)) {
        checkpoint.export(out, gpt);
      }
    }
    spec.commandLine().getOut().println("wrote " + out);
    return 0;
  }

  private void exportClassifier(Path folder) {
    try (Backend backend = given.backend();
        Checkpoint<ClassifierConfig, GptClassifier> checkpoint =
            Checkpoint.open(GptClassifier.FORMAT, folder);
        GptClassifier classifier = checkpoint.model(backend)) {
      checkpoint.export(out, classifier);
    }
    spec.commandLine().getOut().println("wrote " + out);
  }

  private void exportTranslator(Path folder) {
    try (Backend backend = given.backend();
        Checkpoint<TranslatorConfig, Translator> checkpoint =
            Checkpoint.open(Translator.FORMAT, folder);
        Translator translator = checkpoint.model(backend)) {
      if (Files.exists(out)) {
        throw new JambicException(
            out + " exists, and a translator is exported to a new folder; name another one");
      }
      checkpoint.export(out, translator);
    }
    spec.commandLine().getOut().println("wrote " + out);
  }

  private static void requireGpt2(Path folder, GptConfig config) {
    if (config.headBias()) {
      throw new JambicException(
          Text.format(
                  "%s cannot be exported: its head has a bias, which GPT-2's architecture has no place for;",
                  folder)
              + " train with --head-bias=false for a model that can");
    }
  }
}
