package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.chat.SamplingOptions;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.Quantization;
import jambic.app.cli.ReplayableInput;
import jambic.app.cli.RunFolder;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.generate.Completion;
import jambic.model.generate.ContextOverflow;
import jambic.model.generate.GeneratedToken;
import jambic.model.generate.GenerationConfig;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.InferenceEngine;
import jambic.model.generate.TokenLogProbs;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.AtomicFile;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.data.Utf8Reader;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Lets a model write. */
@Command(
    name = "sample",
    description = "Lets a trained model write, piece by piece.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic sample runs/shakespeare-char-cpu-tinyshakespeare-1",
      "  jambic sample out --prompt \"ROMEO:\" --num-samples 3",
      "  jambic sample out --prompt \"ROMEO:\" --stop \"JULIET:\" --repetition-penalty 1.2",
      "  jambic sample out --max-new-tokens 10000 --temperature 1 --out more.txt",
      "  jambic sample out/last --prompt-file start.txt --greedy"
    })
final class SampleCommand implements Callable<Integer> {
  private static final String NEWLINE = "\n";

  @Spec private CommandSpec spec;

  @ArgGroup private Prompt start = new Prompt();

  private static final class Prompt {
    @Option(
        names = {"-p", "--prompt"},
        paramLabel = "TEXT",
        description = "Text to continue. Default: a line's end.")
    private Optional<String> text = Optional.empty();

    @Option(
        names = "--prompt-file",
        paramLabel = "FILE",
        description = "UTF-8 file with the text to continue; - is standard input.")
    private Optional<Path> file = Optional.empty();
  }

  @Option(
      names = "--allow-special",
      description = "Take texts such as <|endoftext|> in it as special tokens, not as text.")
  private boolean allowSpecial;

  @Option(
      names = {"-n", "--num-samples"},
      paramLabel = "N",
      defaultValue = "1",
      description = "Texts to write. Default: ${DEFAULT-VALUE}.")
  private int numSamples;

  @Mixin private SamplingOptions sampling;

  @Option(
      names = "--ignore-eos",
      description =
          "Write on past the model's end token (eos_token_id), which else ends a sample and is"
              + " not printed.")
  private boolean ignoreEos;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description =
          "Ends a sample where it comes up, and is left out. May be given more than once.")
  private List<String> stop = List.of();

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      description = "File to write the texts to. Default: they are printed.")
  private Optional<Path> out = Optional.empty();

  @Option(names = "--json", description = "Print a JSON object for each text instead.")
  private boolean json;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description = {
        "With --json: the log-probability of each token by the model alone, and those of the N",
        "likeliest tokens in its place."
      })
  private Optional<Integer> logprobs = Optional.empty();

  @Mixin private ModelArgument given;
  @Mixin private Quantization quantization;

  private GenerationConfig generation = GenerationConfig.NONE; // the model's, once it is open

  /** Where texts go; says whether anybody still reads. */
  private interface Sink {
    boolean write(String text);
  }

  @Override
  public Integer call() {
    if (numSamples < 1) {
      throw new ParameterException(
          spec.commandLine(), "--num-samples must be at least 1, not " + numSamples);
    }
    sampling.check();
    request(new int[] {0}, 0);
    if (logprobs.isPresent() && !json) {
      throw new ParameterException(
          spec.commandLine(), "--logprobs are printed with --json only; add it");
    }
    try (Backend backend = given.backend();
        Checkpoint<GptConfig, Gpt> checkpoint = given.checkpoint();
        Gpt model = model(checkpoint, backend)) {
      Tokenizer tokenizer = RunFolder.tokenizer(checkpoint);
      if (isForChat(checkpoint.folder())) {
        say("the model was fine-tuned for conversations; 'jambic chat' talks to it");
      }
      String prompt = prompt(tokenizer);
      int length = encode(tokenizer, prompt).length;
      if (length == 0) {
        throw new ParameterException(
            spec.commandLine(),
            start
                    .file
                    .map(file -> "the prompt in " + ReplayableInput.name(file))
                    .orElse("the prompt")
                + " is empty; give at least one character to begin with");
      }
      int context = model.config().blockSize();
      if (length > context) {
        say(
            Text.format(
                "the prompt has %d tokens and the context %d: only the last %d are read",
                length, context, context));
      }
      try (InferenceEngine engine =
          new InferenceEngine(model, Optional.of(tokenizer), 1, context)) {
        if (out.isPresent()) {
          writeTo(out.get(), sink -> texts(engine, tokenizer, prompt, sink));
        } else {
          texts(engine, tokenizer, prompt, this::print);
        }
      }
    }
    return 0;
  }

  private Gpt model(Checkpoint<GptConfig, Gpt> checkpoint, Backend backend) {
    generation = sampling.generation(checkpoint);
    return quantization.of(checkpoint.model(backend));
  }

  private static boolean isForChat(Path folder) {
    try {
      return ChatTemplate.find(folder).isPresent();
    } catch (JambicException unknownTemplate) {
      return false; // 'jambic chat' would refuse it
    }
  }

  private void writeTo(Path file, Consumer<Sink> texts) {
    AtomicFile.write(
        file,
        stream -> {
          Writer writer = new OutputStreamWriter(stream, StandardCharsets.UTF_8);
          try {
            texts.accept(text -> {
              try {
                writer.write(text);
                return true;
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
          } catch (UncheckedIOException e) {
            throw e.getCause();
          }
          writer.flush();
        });
    say("wrote " + file);
  }

  private boolean print(String text) {
    PrintWriter printed = spec.commandLine().getOut();
    printed.print(text);
    return !printed.checkError(); // flushes, too
  }

  private void texts(InferenceEngine engine, Tokenizer tokenizer, String prompt, Sink sink) {
    boolean going = true;
    for (int i = 0; i < numSamples && going; i++) {
      going =
          json
              ? object(engine, tokenizer, prompt, i, sink)
              : text(engine, tokenizer, prompt, i, sink);
    }
  }

  private boolean text(
      InferenceEngine engine, Tokenizer tokenizer, String prompt, int number, Sink sink) {
    boolean given = !prompt.equals(NEWLINE);
    if (number > 0) {
      sink.write("---------------\n"); // as nanoGPT does
    }
    sink.write(given ? prompt : "");
    engine.complete(
        request(encode(tokenizer, prompt), number),
        new Completion.Listener() {
          @Override
          public boolean onToken(GeneratedToken token) {
            return true;
          }

          @Override
          public boolean onText(String piece) {
            return sink.write(piece);
          }
        });
    return sink.write("\n");
  }

  private boolean object(
      InferenceEngine engine, Tokenizer tokenizer, String prompt, int number, Sink sink) {
    long start = System.nanoTime();
    Completion completion =
        engine.complete(request(encode(tokenizer, prompt), number), token -> true);
    double seconds = (System.nanoTime() - start) * 1e-9;
    List<GeneratedToken> tokens = new ArrayList<>();
    completion.tokens().forEach(tokens::add);
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("prompt", prompt);
    fields.put("text", String.join("", completion.text()));
    fields.put("finish_reason", completion.await().name().toLowerCase(Locale.ROOT));
    fields.put("seed", sampling.seed() + number);
    fields.put("tokens", tokens.size());
    fields.put("seconds", seconds);
    fields.put("tokens_per_s", tokens.size() / seconds);
    if (logprobs.isPresent()) {
      fields.put("logprobs", tokens.stream().map(t -> logProbs(tokenizer, t)).toList());
    }
    try {
      return sink.write(JSON.std.asString(fields) + "\n");
    } catch (IOException e) {
      throw new IllegalStateException("numbers and strings always have JSON", e);
    }
  }

  private static Map<String, Object> logProbs(Tokenizer tokenizer, GeneratedToken token) {
    TokenLogProbs logProbs = token.logProbs().orElseThrow();
    Map<String, Object> fields = logProb(tokenizer, token.id(), logProbs.chosen());
    fields.put(
        "top",
        logProbs.top().stream()
            .map(candidate -> logProb(tokenizer, candidate.id(), candidate.logProb()))
            .toList());
    return fields;
  }

  /** A padded model's last ids have no text. */
  private static Map<String, Object> logProb(Tokenizer tokenizer, int id, double logProb) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("id", id);
    fields.put("token", id < tokenizer.vocabSize() ? tokenizer.decode(id) : "");
    fields.put("logprob", logProb);
    return fields;
  }

  private int[] encode(Tokenizer tokenizer, String prompt) {
    return tokenizer.encodePrompt(prompt, allowSpecial);
  }

  private String prompt(Tokenizer tokenizer) {
    if (start.text.isPresent()) {
      return start.text.get();
    }
    return start.file.map(SampleCommand::read).orElseGet(() -> start(tokenizer));
  }

  /** A file, a pipe or standard input, perhaps empty. */
  private static String read(Path file) {
    StringBuilder text = new StringBuilder();
    if (ReplayableInput.isStandardInput(file)) {
      Utf8Reader.read(System.in, ReplayableInput.name(file), text::append);
    } else {
      Utf8Reader.read(List.of(file), text::append);
    }
    return text.toString();
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

  private GenerationRequest request(int[] prompt, int number) {
    int count =
        sampling.maxNewTokens(
            generation, prompt.length); // may refuse by the name of a file, not of an option
    try {
      GenerationRequest request =
          GenerationRequest.of(prompt, count)
              .withSampling(sampling.params(generation, number))
              .withStop(stop)
              .withStopTokens(ignoreEos ? Set.of() : generation.endTokens())
              .withIgnoreEos(true) // what counts stands above
              .withPastContext(ContextOverflow.CROP);
      return logprobs.map(request::withLogProbs).orElse(request);
    } catch (JambicException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private void say(String sentence) {
    spec.commandLine().getErr().println("jambic: " + sentence);
  }
}
