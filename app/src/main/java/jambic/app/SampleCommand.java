package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.Checkpoint;
import jambic.model.Generator;
import jambic.model.Gpt;
import jambic.model.Sampling;
import jambic.model.Tokenizer;
import jambic.model.Wording;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.train.TextFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lets a model write. */
@Command(
    name = "sample",
    description = "Lets a trained model write, character by character.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic sample runs/shakespeare-char-cpu-1",
      "  jambic sample out --prompt \"ROMEO:\" --num-samples 3",
      "  jambic sample out --max-new-tokens 10000 --temperature 1 --out more.txt",
      "  jambic sample out/last --prompt-file start.txt --greedy"
    })
final class SampleCommand implements Callable<Integer> {
  private static final String NEWLINE = "\n";

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = ModelOptions.HELP)
  private Path run;

  @ArgGroup private Prompt given = new Prompt();

  private static final class Prompt {
    @Option(
        names = {"-p", "--prompt"},
        paramLabel = "TEXT",
        description = "Text to continue. Default: a line's end.")
    private Optional<String> text = Optional.empty();

    @Option(
        names = "--prompt-file",
        paramLabel = "FILE",
        description = "UTF-8 file with the text to continue.")
    private Optional<Path> file = Optional.empty();
  }

  @Option(
      names = {"-n", "--num-samples"},
      paramLabel = "N",
      defaultValue = "1",
      description = "Texts to write. Default: ${DEFAULT-VALUE}.")
  private int numSamples;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "500",
      description = "Length of each. Default: ${DEFAULT-VALUE}.")
  private int maxNewTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0.8",
      description = "Below 1 for likelier text, above for wilder. Default: ${DEFAULT-VALUE}.")
  private float temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "200",
      description = "Choose among the K likeliest tokens, 0: all. Default: ${DEFAULT-VALUE}.")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description =
          "Choose among the likeliest tokens that together reach the probability P. Default:"
              + " ${DEFAULT-VALUE}.")
  private float topP;

  @Option(
      names = "--greedy",
      description = "Always the likeliest token; the three options above and the seed do nothing.")
  private boolean greedy;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1337",
      description =
          "Makes the texts these and no others; text i has seed N + i. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      description = "File to write the texts to. Default: they are printed.")
  private Optional<Path> out = Optional.empty();

  @Option(names = "--json", description = "Print a JSON object for each text instead.")
  private boolean json;

  @Mixin private ModelOptions models;
  @Mixin private Quantization quantization;
  @Mixin private BackendOptions computing;

  /** Where texts go; says whether anybody still reads. */
  private interface Sink {
    boolean write(String text);
  }

  @Override
  public Integer call() {
    requireAtLeast("--num-samples", numSamples, 1);
    requireAtLeast("--max-new-tokens", maxNewTokens, 1);
    sampling(0);
    Path folder = models.checkpoint(run, spec.commandLine());
    try (Backend backend = computing.open(spec.commandLine());
        Checkpoint checkpoint = Checkpoint.open(folder);
        Gpt model = quantization.of(checkpoint.gpt(backend));
        Generator generator = new Generator(model, 1)) {
      Tokenizer tokenizer = RunFolder.tokenizer(checkpoint, folder);
      String prompt = prompt(tokenizer);
      int length = tokenizer.encode(prompt).length;
      int context = model.config().blockSize();
      if (length > context) {
        say(
            "the prompt has %d tokens and the context %d: only the last %d are read"
                .formatted(length, context, context));
      }
      if (out.isPresent()) {
        writeTo(out.get(), sink -> texts(generator, tokenizer, prompt, sink));
      } else {
        texts(generator, tokenizer, prompt, this::print);
      }
    }
    return 0;
  }

  private void writeTo(Path file, Consumer<Sink> texts) {
    try (Writer writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      texts.accept(text -> {
        try {
          writer.write(text);
          return true;
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      });
    } catch (UncheckedIOException e) {
      throw cannotWrite(file, e.getCause());
    } catch (IOException e) {
      throw cannotWrite(file, e);
    }
    say("wrote " + file);
  }

  private static JambicException cannotWrite(Path file, IOException e) {
    return new JambicException("cannot write %s: %s".formatted(file, Wording.reason(e)), e);
  }

  private boolean print(String text) {
    PrintWriter printed = spec.commandLine().getOut();
    printed.print(text);
    return !printed.checkError(); // flushes, too
  }

  private void texts(Generator generator, Tokenizer tokenizer, String prompt, Sink sink) {
    boolean going = true;
    for (int i = 0; i < numSamples && going; i++) {
      going =
          json
              ? object(generator, tokenizer, prompt, i, sink)
              : text(generator, tokenizer, prompt, i, sink);
    }
  }

  private boolean text(
      Generator generator, Tokenizer tokenizer, String prompt, int number, Sink sink) {
    boolean given = !prompt.equals(NEWLINE);
    if (number > 0) {
      sink.write("---------------\n"); // as nanoGPT does
    }
    sink.write(given ? prompt : "");
    generator.stream(tokenizer, prompt, maxNewTokens, sampling(number), sink::write);
    return sink.write("\n");
  }

  private boolean object(
      Generator generator, Tokenizer tokenizer, String prompt, int number, Sink sink) {
    StringBuilder text = new StringBuilder();
    long start = System.nanoTime();
    generator.stream(
        tokenizer,
        prompt,
        maxNewTokens,
        sampling(number),
        piece -> {
          text.append(piece);
          return true;
        });
    double seconds = (System.nanoTime() - start) * 1e-9;
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("prompt", prompt);
    fields.put("text", text.toString());
    fields.put("seed", seed + number);
    fields.put("tokens", maxNewTokens);
    fields.put("seconds", seconds);
    fields.put("tokens_per_s", maxNewTokens / seconds);
    try {
      return sink.write(JSON.std.asString(fields) + "\n");
    } catch (IOException e) {
      throw new IllegalStateException("numbers and strings always have JSON", e);
    }
  }

  private String prompt(Tokenizer tokenizer) {
    if (given.text.isPresent()) {
      return given.text.get();
    }
    return given.file.map(TextFile::read).orElseGet(() -> start(tokenizer));
  }

  /**
   * Without a choice a line's end, as in nanoGPT; a model without lines begins with its token 0.
   */
  static String start(Tokenizer tokenizer) {
    try {
      tokenizer.encode(NEWLINE);
      return NEWLINE;
    } catch (JambicException noLines) {
      return tokenizer.decode(0);
    }
  }

  private Sampling sampling(int number) {
    try {
      return greedy ? Sampling.GREEDY : new Sampling(temperature, topK, topP, seed + number);
    } catch (JambicException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private void requireAtLeast(String name, int value, int least) {
    if (value < least) {
      throw new ParameterException(
          spec.commandLine(), "%s must be at least %d, not %d".formatted(name, least, value));
    }
  }

  private void say(String sentence) {
    spec.commandLine().getErr().println("jambic: " + sentence);
  }
}
