package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.ReplayableInput;
import jambic.app.cli.TextField;
import jambic.app.cli.Vocabulary;
import jambic.app.run.ShellCommand;
import jambic.app.terminal.Terminal;
import jambic.model.io.ErrorText;
import jambic.model.text.BpeTrainer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.Dataset;
import jambic.train.data.JsonLines;
import jambic.train.data.Texts;
import jambic.train.data.Texts.Source;
import jambic.train.data.TokenDataset;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
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

/** Encodes texts once, for many runs. */
@Command(
    name = "prepare",
    description = {
      "Encodes texts into a folder to train from.",
      "It holds nanoGPT's train.bin and val.bin, and the vocabulary. The texts may be larger than"
          + " memory."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic prepare input.txt --out data                      with GPT-2's tokens",
      "  jambic prepare a.txt b.txt --train-bpe 1000 --out data   learns 1,000 tokens from the"
          + " texts",
      "  jambic prepare input.txt --tokenizer char --out data     one token a character",
      "  jambic prepare more.txt --tokenizer data --out more      with the same vocabulary",
      "  zcat books.gz | jambic prepare - --out data              what comes from a pipe",
      "  jambic prepare a.jsonl --text-field text --out data      a text in each line's object",
      "  jambic train --data data"
    })
final class PrepareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      description = "UTF-8 texts, one after the other; - is standard input.")
  private List<Path> files;

  @Mixin private TextField field;

  @ArgGroup private Choice choice = new Choice();

  private static final class Choice {
    @Option(
        names = "--tokenizer",
        paramLabel = "NAME",
        description =
            "gpt2, char (the characters of the texts), or the folder of a checkpoint, a run or a"
                + " data set. Default: gpt2.")
    private String name = Vocabulary.GPT2;

    @Option(
        names = "--train-bpe",
        paramLabel = "N",
        description = "Learn a byte-pair vocabulary of N tokens from the texts.")
    private Optional<Integer> trainBpe = Optional.empty();
  }

  @Option(
      names = "--end-of-text",
      arity = "0..1",
      fallbackValue = "true",
      paramLabel = "true|false",
      description =
          "Put <|endoftext|> between documents: after every file, or every line's text with"
              + " --text-field. Default: true for two files or more and for --text-field, where the"
              + " vocabulary has it.")
  private Optional<Boolean> endOfText = Optional.empty();

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      required = true,
      description = "The folder to make, or of an earlier preparation to replace.")
  private Path out;

  @Option(
      names = "--json",
      description = "Print one JSON object at the end; progress goes to the error stream.")
  private boolean json;

  private Terminal terminal;
  private long bytes; // of all texts
  private long ends; // of texts, in one reading

  @Override
  public Integer call() throws IOException {
    terminal =
        json
            ? Terminal.plain(spec.commandLine().getErr())
            : Terminal.of(spec.commandLine().getOut());
    if (choice.trainBpe.isPresent() && choice.trainBpe.get() < BpeTrainer.LEAST_VOCAB_SIZE) {
      throw new ParameterException(
          spec.commandLine(),
          Text.format(
              "--train-bpe must be at least %d (the bytes and the end of a text), not %d",
              BpeTrainer.LEAST_VOCAB_SIZE, choice.trainBpe.get()));
    }
    if (files.stream().filter(ReplayableInput::isStandardInput).count() > 1) {
      throw new ParameterException(
          spec.commandLine(), "standard input comes only once; give - once");
    }
    TokenDataset folder = new TokenDataset(out);
    folder.requireReplaceable();
    try (ReplayableInput spool = new ReplayableInput(out, terminal)) {
      prepare(
          folder,
          files.stream().map(f -> new Source(spool.lasting(f), ReplayableInput.name(f))).toList());
    }
    return 0;
  }

  private void prepare(TokenDataset folder, List<Source> sources) throws IOException {
    bytes = size(sources);
    if (field.name().isEmpty()) {
      requirePlain(sources);
    }
    Optional<Tokenizer> found =
        choice.trainBpe.isPresent() || choice.name.equals(Vocabulary.CHAR)
            ? Optional.empty()
            : Optional.of(Vocabulary.named(choice.name, spec.commandLine()));
    boolean hasEnd = found.map(t -> t.endOfText().isPresent()).orElse(choice.trainBpe.isPresent());
    boolean ended = isEnded(hasEnd);
    Texts texts = new Texts(sources, TextField.read(field.name()), !ended);
    // The split is by characters, so the first reading counts them; vocabularies come from it too.
    long[] characters = {0};
    Consumer<String> count = part -> characters[0] += part.codePointCount(0, part.length());
    Runnable requireText =
        () -> {
          if (characters[0] == 0) {
            terminal.clear();
            throw new JambicException(
                (files.size() == 1
                        ? ReplayableInput.name(files.getFirst()) + " is"
                        : "the texts are")
                    + " empty; give a text to train on");
          }
        };
    Tokenizer tokenizer = tokenizer(texts, ended, found, count, requireText);
    OptionalInt end = ended ? tokenizer.endOfText() : OptionalInt.empty();
    Dataset dataset =
        folder.write(texts, characters[0], tokenizer, end, shown("encoding", part -> {}));
    terminal.clear();
    report(dataset, tokenizer, ended);
  }

  private static void requirePlain(List<Source> sources) {
    for (Source source : sources) {
      try (Reader text = Files.newBufferedReader(source.file())) {
        JsonLines.requirePlain(text, source.name());
      } catch (IOException e) {
        throw new JambicException(
            Text.format("cannot read %s: %s", source.name(), ErrorText.reason(e)), e);
      }
    }
  }

  /** Whether an id ends each text. */
  private boolean isEnded(boolean hasEnd) {
    if (endOfText.orElse(false) && !hasEnd) {
      throw new ParameterException(
          spec.commandLine(),
          "--end-of-text needs a vocabulary with <|endoftext|>, which this one lacks; take gpt2's or one of --train-bpe");
    }
    boolean several = files.size() > 1 || TextField.read(field.name()).isPresent();
    return hasEnd && endOfText.orElse(several);
  }

  private static long size(List<Source> sources) {
    long sum = 0;
    for (Source source : sources) {
      Path file = source.file();
      try {
        sum += Files.size(file);
      } catch (NoSuchFileException e) {
        throw new JambicException(file + " does not exist", e);
      } catch (IOException e) {
        throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
      }
    }
    return sum;
  }

  private Tokenizer tokenizer(
      Texts texts,
      boolean ended,
      Optional<Tokenizer> found,
      Consumer<String> count,
      Runnable requireText) {
    if (choice.trainBpe.isPresent()) {
      BpeTrainer trainer = new BpeTrainer();
      Runnable end = ended ? trainer::endText : () -> {};
      read(texts, shown("counting words", count.andThen(trainer::add)), end);
      requireText.run();
      int wanted = choice.trainBpe.get();
      Tokenizer learned =
          trainer.train(
              wanted,
              tokens ->
                  terminal.status(
                      "learning tokens",
                      (double) tokens / wanted,
                      format("%,d of %,d", tokens, wanted)));
      if (learned.vocabSize() < wanted) {
        terminal.print(
            format(
                "the texts give only %,d tokens: no other pair occurs twice", learned.vocabSize()));
      }
      return learned;
    }
    if (choice.name.equals(Vocabulary.CHAR)) {
      BitSet seen = new BitSet();
      Consumer<String> see = part -> part.codePoints().forEach(seen::set);
      read(texts, shown("counting characters", count.andThen(see)), () -> {});
      requireText.run();
      return CharTokenizer.of(seen);
    }
    read(texts, shown("counting characters", count), () -> {});
    requireText.run();
    return found.orElseThrow();
  }

  private void read(Texts texts, Consumer<String> part, Runnable end) {
    ends = 0;
    texts.read(
        part,
        () -> {
          ends++;
          end.run();
        });
  }

  /** The same, with progress. */
  private Consumer<String> shown(String doing, Consumer<String> part) {
    long[] characters = {0};
    return text -> {
      // Bytes are not known here: a character has one at least, which is near enough for a bar.
      characters[0] += text.length();
      terminal.status(
          doing, (double) characters[0] / bytes, format("%,d MB", characters[0] / 1_000_000));
      part.accept(text);
    };
  }

  private void report(Dataset dataset, Tokenizer tokenizer, boolean ended) throws IOException {
    long train = dataset.train().length();
    long val = dataset.val().length();
    if (json) {
      Map<String, Object> summary = new LinkedHashMap<>();
      summary.put("folder", out.toString());
      summary.put("vocab_size", tokenizer.vocabSize());
      summary.put("end_of_text", ended);
      summary.put("train_tokens", train);
      summary.put("val_tokens", val);
      spec.commandLine().getOut().println(JSON.std.asString(summary));
      return;
    }
    terminal.print(format("tokens   %,d to train on and %,d held back", train, val));
    terminal.print(format("vocab    %,d tokens", tokenizer.vocabSize()));
    if (ended) {
      terminal.print("ends     <|endoftext|> after each of " + ErrorText.count(ends, "text"));
    }
    if (tokenizer.promptBegin().length + tokenizer.promptEnd().length > 0) {
      terminal.print("note     what the tokenizer puts around a prompt is not in the data");
    }
    terminal.print("next     " + ShellCommand.of("train", "--data", out));
  }

  private static String format(String format, Object... values) {
    return Text.format(format, values);
  }
}
