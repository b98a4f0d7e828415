package jambic.app;

import jambic.app.chart.AttentionMap;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.SearchOptions;
import jambic.app.terminal.LineInput;
import jambic.app.terminal.Terminal;
import jambic.model.io.ErrorText;
import jambic.model.translator.Alignment;
import jambic.model.translator.Translation;
import jambic.model.translator.TranslationPipeline;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Translates line by line. */
@Command(
    name = "translate",
    description = {
      "Translates standard input line by line: a line in, a line out, blank ones too.",
      "The text is UTF-8. A line that is too long is translated in parts."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic translate out < fr.txt > en.txt",
      "  jambic translate out --beam 8 --n-best 4           number, score and text of the best four",
      "  jambic translate out --attention \"la maison bleue\"",
      "  jambic translate Helsinki-NLP/opus-mt-fr-en --input fr.txt"
    })
final class TranslateCommand implements Callable<Integer> {
  /** Lines that are translated together: enough to sort them by length. */
  private static final int WINDOW = 512;

  @Spec private CommandSpec spec;

  @Option(
      names = {"-i", "--input"},
      paramLabel = "FILE",
      description = "UTF-8 file to translate. Default: standard input.")
  private Optional<Path> input = Optional.empty();

  @Mixin private SearchOptions search;

  @Option(
      names = "--length-penalty",
      paramLabel = "X|gnmt:A",
      description = {
        "Divide the log-probability of n tokens by n^X, or as GNMT by ((5 + n) / 6)^A: more for",
        "longer translations, 0 for none. Default: what the model is stored with."
      })
  private Optional<String> lengthPenalty = Optional.empty();

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description = "The most tokens of a translation. Default: what the model is stored with.")
  private Optional<Integer> maxLength = Optional.empty();

  @Option(
      names = "--n-best",
      paramLabel = "N",
      description = {
        "Print the N best translations of each line, not above --beam: each as the line's number,",
        "its score and its text, with tabs between them. A line that is blank or was cut has one.",
        "Default: the best, its text alone."
      })
  private Optional<Integer> nBest = Optional.empty();

  @Option(
      names = "--scores",
      description = {
        "Print number, score and text of the best translation. A score is the log-probability",
        "after the length penalty."
      })
  private boolean scores;

  @Option(
      names = "--attention",
      paramLabel = "TEXT",
      description = {
        "Translate only this text, and draw which of its words (columns) each word of the",
        "translation (rows) attends to. Default: translate lines."
      })
  private Optional<String> attention = Optional.empty();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "With --attention: a picture to write, .svg or .png. Default: the terminal.")
  private Optional<Path> output = Optional.empty();

  @Mixin private ModelArgument given;

  private boolean cutSaid;

  @Override
  public Integer call() {
    requireSensible();
    Path folder = given.translator();
    try (Backend backend = given.backend();
        TranslationPipeline stored = TranslationPipeline.load(folder, backend)) {
      TranslationPipeline pipeline = search.of(stored, lengthPenalty, maxLength);
      int most = pipeline.settings().beams();
      if (nBest.isPresent() && nBest.get() > most) {
        throw wrong(
            Text.format("--n-best %d is above the beam of %d; raise --beam", nBest.get(), most));
      }
      if (attention.isPresent()) {
        draw(pipeline.align(attention.get()));
      } else {
        translate(pipeline);
      }
    }
    return 0;
  }

  private void requireSensible() {
    search.requireValid();
    lengthPenalty.ifPresent(search::penalty);
    if (nBest.isPresent() && nBest.get() < 1) {
      throw wrong(Text.format("--n-best must be at least 1, not %d", nBest.get()));
    }
    if (maxLength.isPresent() && maxLength.get() < 1) {
      throw wrong(Text.format("--max-length must be at least 1, not %d", maxLength.get()));
    }
    if (attention.isPresent() && (nBest.isPresent() || scores || input.isPresent())) {
      throw wrong("--attention draws one translation; leave --n-best, --scores and --input out");
    }
    if (output.isPresent() && attention.isEmpty()) {
      throw wrong("--output is the picture of --attention; redirect the translations instead");
    }
    output
        .filter(file -> !AttentionMap.isPicture(file))
        .ifPresent(file -> {
          throw wrong("--output must end in .svg or .png, not " + file);
        });
  }

  private void draw(Alignment alignment) {
    if (output.isPresent()) {
      new AttentionMap(alignment).write(output.get());
      spec.commandLine().getOut().println("wrote " + output.get());
    } else {
      PrintWriter out = spec.commandLine().getOut();
      AttentionMap.lines(alignment, Terminal.of(out)).forEach(out::println);
    }
  }

  private void translate(TranslationPipeline pipeline) {
    if (input.isEmpty()) {
      translate(pipeline, new LineInput(System.in, "standard input"));
      return;
    }
    Path file = input.get();
    if (Files.isDirectory(file)) {
      throw new JambicException(file + " is a folder; give a text file");
    }
    try (InputStream in = Files.newInputStream(file)) {
      translate(pipeline, new LineInput(in, file.toString()));
    } catch (NoSuchFileException e) {
      throw new JambicException(file + " does not exist", e);
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  private void translate(TranslationPipeline pipeline, LineInput lines) {
    Optional<JambicException> failure = Optional.empty();
    boolean going = true;
    while (going) {
      long before = lines.number();
      List<String> window = new ArrayList<>();
      try {
        Optional<String> line = lines.next();
        while (line.isPresent()) {
          look(pipeline, lines, line.get());
          window.add(line.get());
          boolean more = window.size() < WINDOW && lines.isReady();
          line = more ? lines.next() : Optional.empty();
        }
      } catch (JambicException e) {
        failure = Optional.of(e); // after the lines in front of it
      }
      going =
          !window.isEmpty()
              && print(before, pipeline.best(window)) // whether anybody still reads
              && failure.isEmpty();
    }
    if (failure.isPresent()) {
      throw failure.get();
    }
  }

  /** Refuses a line by its number, and says once that lines are cut. */
  private void look(TranslationPipeline pipeline, LineInput lines, String line) {
    boolean cut;
    try {
      cut = pipeline.isCut(line);
    } catch (JambicException e) {
      throw new JambicException(lines.place(lines.number()) + ": " + e.getMessage(), e);
    }
    if (cut && !cutSaid) {
      cutSaid = true;
      spec.commandLine()
          .getErr()
          .println(
              Text.format(
                  "jambic: %s has more than the %d tokens that the model reads at once; such lines"
                      + " are translated in parts",
                  lines.place(lines.number()), pipeline.model().config().maxLength()));
    }
  }

  private boolean print(long before, List<List<Translation>> found) {
    PrintWriter out = spec.commandLine().getOut();
    boolean table = scores || nBest.isPresent();
    for (int i = 0; i < found.size(); i++) {
      for (Translation translation : found.get(i).stream().limit(nBest.orElse(1)).toList()) {
        String text = translation.text().replaceAll("[\\r\\n]", " "); // a line is one line
        out.print(
            table
                ? Text.format(
                    "%d\t%.4f\t%s\n", before + i + 1, translation.score(), text.replace('\t', ' '))
                : text + "\n");
      }
    }
    return !out.checkError(); // flushes, too
  }

  private ParameterException wrong(String sentence) {
    return new ParameterException(spec.commandLine(), sentence);
  }
}
