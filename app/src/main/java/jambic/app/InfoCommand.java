package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.RunFolder;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.ErrorText;
import jambic.model.nn.LoraConfig;
import jambic.model.text.Tokenizer;
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
    try (Checkpoint<GptConfig, Gpt> checkpoint = given.checkpoint()) {
      Map<String, Object> told = told(checkpoint);
      if (json) {
        spec.commandLine().getOut().println(JSON.std.asString(told));
      } else {
        told.forEach((name, value) ->
            spec.commandLine().getOut().println(Text.format("%-14s %s", label(name), value)));
      }
      return 0;
    }
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
    told.put("layers", config.nLayer());
    told.put("heads", config.nHead());
    told.put("width", config.nEmbd());
    told.put("context", config.blockSize());
    told.put("vocabulary", config.vocabSize());
    told.put("activation", TrainConfig.text(config.activation()));
    told.put("head", config.tiedHead() ? "the token embedding" : "of its own");
    told.put("tokenizer", checkpoint.tokenizer().map(this::tokenizer).orElse("none"));
    List<Integer> ends =
        checkpoint.generation().endTokensOr(checkpoint.tokenizer()).stream().sorted().toList();
    told.put("end_tokens", json ? ends : ends.isEmpty() ? "none" : join(ends));
    checkpoint.lora().ifPresent(lora -> adapters(lora, told));
    long bytes = bytes(checkpoint.folder());
    told.put("size_on_disk", json ? bytes : MemoryEstimate.human(bytes));
    RunFolder run = RunFolder.of(checkpoint.folder());
    run.record().data().ifPresent(data -> told.put("trained_on", data));
    run.record().parameters().ifPresent(any -> told.put("run", run.path().toString()));
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
