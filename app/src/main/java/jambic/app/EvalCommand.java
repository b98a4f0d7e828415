package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.data.Corpora;
import jambic.app.data.TrainingData;
import jambic.app.terminal.Terminal;
import jambic.model.Checkpoint;
import jambic.model.Gpt;
import jambic.model.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.Batches;
import jambic.train.Dataset;
import jambic.train.Dataset.Split;
import jambic.train.Evaluation;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures a model on whole texts. */
@Command(
    name = "eval",
    description = "Measures the loss and the perplexity of a model over a whole text.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic eval out                        the held-back tenth of the run's own text",
      "  jambic eval out --split both --json",
      "  jambic eval out/last --data other.txt  the last tenth of another text",
      "  jambic eval out --quantize int8        what rounding the weights costs"
    })
final class EvalCommand implements Callable<Integer> {
  /** Tokens of a batch: enough to fill every thread, little enough for any heap. */
  private static final int BATCH_TOKENS = 4096;

  private enum Choice {
    VAL(List.of(Split.VAL)),
    TRAIN(List.of(Split.TRAIN)),
    BOTH(List.of(Split.TRAIN, Split.VAL));

    private final List<Split> splits;

    Choice(List<Split> splits) {
      this.splits = splits;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = ModelOptions.HELP)
  private Path run;

  @Option(
      names = "--data",
      paramLabel = "TEXT",
      description = {
        "A UTF-8 file, tinyshakespeare, jdk-source, or a folder that jambic prepare made.",
        "Default: what the run trained on."
      })
  private Optional<String> data = Optional.empty();

  @Option(
      names = "--split",
      paramLabel = "PART",
      defaultValue = "val",
      description = {
        "train (the first nine tenths), val (the rest) or both.",
        "Default: ${DEFAULT-VALUE}."
      })
  private Choice split;

  @Mixin private ModelOptions models;
  @Mixin private Quantization quantization;
  @Mixin private BackendOptions computing;

  @Option(names = "--json", description = "Print one JSON object instead.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    Path folder = models.checkpoint(run, spec.commandLine());
    try (Backend backend = computing.open(spec.commandLine());
        Checkpoint checkpoint = Checkpoint.open(folder);
        Gpt model = quantization.of(checkpoint.gpt(backend));
        Region region = backend.region()) {
      Tokenizer tokenizer = RunFolder.tokenizer(checkpoint, folder);
      int context = model.config().blockSize();
      int batch = Math.max(1, BATCH_TOKENS / context);
      TrainingData measured = data(Corpora.of(Terminal.of(err)), folder, tokenizer, context);
      Dataset dataset = measured.dataset();
      Batches batches = new Batches(dataset, batch, context, 0);
      Evaluation evaluation = new Evaluation(model, batches, batch, context, region);
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("model", folder.toString());
      result.put("data", measured.name());
      for (Split part : split.splits) {
        String name = part.name().toLowerCase(Locale.ROOT);
        double loss = evaluation.whole(part);
        if (json) {
          result.put(name + "_tokens", dataset.of(part).length());
          result.put(name + "_loss", loss);
          result.put(name + "_perplexity", Math.exp(loss));
        } else {
          out.println(
              String.format(
                  Locale.ROOT,
                  "%-5s  loss %.4f  perplexity %.3f  over %,d tokens of %s",
                  name,
                  loss,
                  Math.exp(loss),
                  dataset.of(part).length(),
                  measured.name()));
          out.flush();
        }
      }
      if (json) {
        out.println(JSON.std.asString(result));
      }
    }
    return 0;
  }

  private TrainingData data(Corpora corpora, Path folder, Tokenizer tokenizer, int context) {
    String name =
        data.or(() -> RunFolder.of(folder).data())
            .orElseThrow(() ->
                new JambicException(
                    run + " does not say which text it was trained on; name one with --data"));
    return TrainingData.load(corpora, Optional.of(name), Optional.of(tokenizer), context);
  }
}
