package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.Vocabulary;
import jambic.model.io.ErrorText;
import jambic.model.text.TokenEncoder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.JsonLines;
import jambic.train.data.TextLines;
import jambic.train.data.Utf8Reader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Turns text into token ids and back. */
@Command(
    name = "tokenize",
    description = {
      "Turns text into token ids, or with --decode ids into text.",
      "The ids are those of a prompt: a tokenizer that puts tokens around it does so here, as in"
          + " sample and logits."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  echo Hello world | jambic tokenize               15496 995 198",
      "  jambic tokenize --count book.txt                 how many tokens a text has",
      "  jambic tokenize --tokenizer out < book.txt       with the vocabulary of a run or"
          + " checkpoint",
      "  jambic tokenize --jsonl texts.jsonl              a JSON string a line in, a JSON array"
          + " out",
      "  echo 15496 995 | jambic tokenize --decode        Hello world"
    })
final class TokenizeCommand implements Callable<Integer> {
  private static final String STANDARD_INPUT = "standard input";

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "UTF-8 text, or with --decode ids. Default: standard input.")
  private Optional<Path> file = Optional.empty();

  @Option(
      names = "--tokenizer",
      paramLabel = "NAME",
      defaultValue = Vocabulary.GPT2,
      description = {
        "gpt2, or the folder of a checkpoint, a run or a data set. Default: ${DEFAULT-VALUE}."
      })
  private String tokenizer;

  @Option(
      names = "--jsonl",
      paramLabel = "FILE",
      description = {
        "Read a JSON string a line and print a JSON array of ids for each (with --decode the",
        "other way); - is standard input."
      })
  private Optional<Path> jsonl = Optional.empty();

  @Option(names = "--decode", description = "Turn ids into text.")
  private boolean decode;

  @Option(
      names = "--allow-special",
      description = "Take texts such as <|endoftext|> as special tokens, not as text.")
  private boolean allowSpecial;

  @Option(names = "--count", description = "Print only how many tokens there are.")
  private boolean count;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      description =
          "With --decode: write exactly these bytes to a file, also amid a character. Default: they are"
              + " printed.")
  private Optional<Path> out = Optional.empty();

  @Override
  public Integer call() {
    if (jsonl.isPresent() && (file.isPresent() || out.isPresent() || count)) {
      throw wrong("--jsonl goes with neither another file nor --out nor --count");
    }
    if (decode && (count || allowSpecial)) {
      throw wrong("--count and --allow-special are for encoding; leave --decode or them out");
    }
    if (out.isPresent() && !decode) {
      throw wrong("--out is for --decode; redirect the ids, or use jambic prepare for a data set");
    }
    Tokenizer vocabulary = Vocabulary.named(tokenizer, spec.commandLine());
    if (jsonl.isPresent()) {
      lines(jsonl.get(), decode ? line -> text(vocabulary, line) : line -> ids(vocabulary, line));
    } else if (decode) {
      decode(vocabulary);
    } else {
      encode(vocabulary);
    }
    return 0;
  }

  private void encode(Tokenizer vocabulary) {
    PrintWriter printer = spec.commandLine().getOut();
    long[] seen = {0};
    Consumer<int[]> print =
        ids -> {
          if (!count && ids.length > 0) {
            printer.print((seen[0] > 0 ? " " : "") + joined(ids, " "));
          }
          seen[0] += ids.length;
        };
    if (allowSpecial) {
      StringBuilder whole = new StringBuilder(); // a special token may lie across two parts
      parts(whole::append);
      print.accept(vocabulary.encodePrompt(whole.toString(), true));
    } else {
      TokenEncoder encoder = vocabulary.encoder();
      print.accept(vocabulary.promptBegin());
      parts(part -> print.accept(encoder.next(part)));
      print.accept(encoder.end());
      print.accept(vocabulary.promptEnd());
    }
    printer.println(count ? String.valueOf(seen[0]) : "");
  }

  private void decode(Tokenizer vocabulary) {
    StringBuilder whole = new StringBuilder();
    parts(whole::append);
    int[] ids =
        Arrays.stream(whole.toString().split("[\\s,\\[\\]]+"))
            .filter(word -> !word.isEmpty())
            .mapToInt(TokenizeCommand::id)
            .toArray();
    if (out.isPresent()) {
      try {
        Files.write(out.get(), vocabulary.decodeBytes(ids));
      } catch (IOException e) {
        throw new JambicException("cannot write " + out.get() + ": " + ErrorText.reason(e), e);
      }
    } else {
      spec.commandLine().getOut().print(vocabulary.decode(ids));
      spec.commandLine().getOut().flush();
    }
  }

  private static int id(String word) {
    try {
      return Integer.parseInt(word);
    } catch (NumberFormatException e) {
      throw new JambicException("'" + word + "' is not a token id; give numbers to decode", e);
    }
  }

  /** Hears of the input, part by part. */
  private void parts(Consumer<String> part) {
    if (file.isPresent()) {
      Utf8Reader.read(List.of(file.get()), part);
    } else {
      Utf8Reader.read(System.in, STANDARD_INPUT, part);
    }
  }

  /** Converts each line of JSON and prints the result. */
  private void lines(Path source, Function<Object, String> convert) {
    boolean standard = source.toString().equals("-");
    String name = standard ? STANDARD_INPUT : source.toString();
    TextLines lines = new TextLines((number, line) -> print(name, number, line, convert));
    if (standard) {
      Utf8Reader.read(System.in, name, lines);
    } else {
      Utf8Reader.read(List.of(source), lines);
    }
    lines.end();
  }

  private void print(String name, long number, String line, Function<Object, String> convert) {
    try {
      spec.commandLine().getOut().println(convert.apply(JsonLines.value(line)));
    } catch (JambicException e) {
      throw new JambicException(Text.format("%s, line %d: %s", name, number, e.getMessage()), e);
    }
  }

  private String ids(Tokenizer vocabulary, Object value) {
    if (!(value instanceof String text)) {
      throw new JambicException("this is no JSON string; give one a line");
    }
    return "[" + joined(vocabulary.encodePrompt(text, allowSpecial), ",") + "]";
  }

  private static String text(Tokenizer vocabulary, Object value) {
    if (!(value instanceof List<?> list && list.stream().allMatch(Integer.class::isInstance))) {
      throw new JambicException("this is no JSON array of ids; give one a line");
    }
    try {
      return JSON.std.asString(
          vocabulary.decode(list.stream().mapToInt(Integer.class::cast).toArray()));
    } catch (IOException e) {
      throw new IllegalStateException("every string has JSON", e);
    }
  }

  private static String joined(int[] ids, String separator) {
    return Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(separator));
  }

  private ParameterException wrong(String sentence) {
    return new ParameterException(spec.commandLine(), sentence);
  }
}
