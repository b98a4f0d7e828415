package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.RunFolder;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.text.Tokenizer;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows what a model computes, for anyone who wants to compare. */
@Command(
    name = "logits",
    description = "Prints a model's scores for the token after each of some tokens.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic logits --model gpt2 --ids 464,3280,318            the likeliest next tokens",
      "  jambic logits --model gpt2 --ids 464,3280,318 --json     every score",
      "  jambic logits --model out --prompt \"ROMEO:\" --last --json"
    })
final class LogitsCommand implements Callable<Integer> {
  private static final int SHOWN = 5;

  @Spec private CommandSpec spec;

  @ArgGroup(multiplicity = "1")
  private Tokens tokens;

  private static final class Tokens {
    @Option(
        names = "--ids",
        paramLabel = "ID",
        split = "\\s*,\\s*",
        splitSynopsisLabel = ",",
        description = "Token ids with commas between them.")
    private List<Integer> ids = List.of();

    @Option(
        names = {"-p", "--prompt"},
        paramLabel = "TEXT",
        description = "Text for the model's tokenizer to turn into ids.")
    private Optional<String> prompt = Optional.empty();
  }

  @Option(
      names = "--allow-special",
      description = "Take texts such as <|endoftext|> in it as special tokens, not as text.")
  private boolean allowSpecial;

  @Option(names = "--last", description = "Only the scores for the token after the last one.")
  private boolean last;

  @Mixin private ModelArgument given;

  @Option(
      names = "--json",
      description = "Print one JSON object: the ids, and for each the scores of all tokens.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    try (Backend backend = given.backend();
        Checkpoint<GptConfig, Gpt> checkpoint = given.checkpoint()) {
      int[] ids = ids(checkpoint);
      requireReadable(checkpoint.config(), ids);
      try (Gpt gpt = checkpoint.model(backend);
          Region region = backend.region()) {
        Tensor input = region.allocate(DType.I32, Shape.of(1, ids.length));
        input.set(ids);
        print(ids, gpt.logits(new InferenceOps(backend, region), input).toFloats());
      }
    }
    return 0;
  }

  private void requireReadable(GptConfig config, int[] ids) {
    try {
      config.requireIds(ids);
      config.requireContext(ids.length);
    } catch (JambicException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private int[] ids(Checkpoint<GptConfig, Gpt> checkpoint) {
    int[] ids =
        tokens
            .prompt
            .map(text -> encode(RunFolder.tokenizer(checkpoint), text))
            .orElseGet(() -> tokens.ids.stream().mapToInt(Integer::intValue).toArray());
    if (ids.length == 0) {
      throw new ParameterException(spec.commandLine(), "there must be at least one token");
    }
    return ids;
  }

  private int[] encode(Tokenizer tokenizer, String text) {
    return tokenizer.encodePrompt(text, allowSpecial);
  }

  /** Prints (T, V) scores row by row: all of them at once would be too much text for a string. */
  private void print(int[] ids, float[] logits) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    int vocabSize = logits.length / ids.length;
    int from = last ? ids.length - 1 : 0;
    for (int i = from * vocabSize; i < logits.length; i++) {
      if (!Float.isFinite(logits[i])) {
        throw new JambicException(
            Text.format(
                "a score after the token %d is %s: the model's weights are damaged, or those of a run that diverged",
                ids[i / vocabSize], logits[i]));
      }
    }
    if (json) {
      out.print("{\"ids\":" + JSON.std.asString(ids) + ",\"logits\":[");
    }
    for (int t = from; t < ids.length; t++) {
      float[] scores = Arrays.copyOfRange(logits, t * vocabSize, (t + 1) * vocabSize);
      if (json) {
        out.print((t > from ? "," : "") + JSON.std.asString(scores));
      } else {
        out.println(Text.format("after %6d  %s", ids[t], likeliest(scores)));
      }
    }
    if (json) {
      out.println("]}");
    }
    out.flush();
  }

  private static String likeliest(float[] scores) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.comparingDouble(id -> -scores[id]))
        .limit(SHOWN)
        .map(id -> Text.format("%6d %8.3f", id, scores[id]))
        .reduce((a, b) -> a + "   " + b)
        .orElse("");
  }
}
