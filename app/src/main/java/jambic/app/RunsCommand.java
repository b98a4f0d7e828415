package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.watch.RunFacts;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.MetricsLog;
import jambic.train.run.MetricsTail;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists the runs in a folder. */
@Command(
    name = "runs",
    description = "Lists the runs in a folder, the newest last.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic runs                                  those in runs and in this folder",
      "  jambic runs experiments --json               those of another folder, for a script"
    })
final class RunsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "FOLDER",
      description = "Folder of runs, or of one. Default: runs and the folder you are in.")
  private Optional<Path> folder = Optional.empty();

  @Option(names = "--json", description = "Print a JSON object for each run instead.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    List<Path> folders = folder.map(List::of).orElse(List.of(Path.of("runs"), Path.of("")));
    if (folder.isPresent() && !Files.exists(folder.get())) {
      throw new JambicException(folder.get() + " does not exist; name a folder of runs");
    }
    List<Path> runs = folders.stream().flatMap(inside -> RunFacts.find(inside).stream()).toList();
    if (runs.isEmpty()) {
      throw new JambicException(
          (folder.isPresent() ? folder.get() + " holds" : "runs and this folder hold")
              + " no runs; jambic train makes one, or name another folder");
    }
    PrintWriter out = spec.commandLine().getOut();
    List<List<String>> table = new ArrayList<>();
    table.add(
        List.of(
            "run", "command", "state", "iterations", "best loss", "time", "parameters", "data"));
    for (Path run : runs) {
      try {
        RunFacts facts = RunFacts.read(run, new MetricsTail(run.resolve(MetricsLog.FILE_NAME)));
        facts.notice().ifPresent(this::complain);
        if (json) {
          out.println(JSON.std.asString(facts.toMap()));
        } else {
          table.add(row(facts));
        }
      } catch (JambicException damaged) {
        complain(damaged.getMessage());
      }
    }
    if (!json) {
      print(table, out);
    }
    return 0;
  }

  private void complain(String sentence) {
    spec.commandLine().getErr().println("jambic: " + sentence);
  }

  private static String duration(double seconds) {
    long whole = Math.round(seconds);
    return whole < 3600
        ? Text.format("%d:%02d", whole / 60, whole % 60)
        : Text.format("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  }

  private static List<String> row(RunFacts facts) {
    OptionalDouble best = facts.bestValLoss();
    OptionalDouble seconds = facts.seconds();
    return List.of(
        facts.folder().toString(),
        facts.command(),
        facts.state(),
        Text.format("%,d of %,d", facts.iteration(), facts.maxIters()),
        best.isPresent() ? Text.format("%.4f", best.getAsDouble()) : "-",
        seconds.isPresent() ? duration(seconds.getAsDouble()) : "-",
        facts.record().parameters().map(count -> Text.format("%,d", count.longValue())).orElse("-"),
        facts.record().data().orElse("-"));
  }

  private static void print(List<List<String>> table, PrintWriter out) {
    int columns = table.getFirst().size();
    int[] widths = new int[columns];
    table.forEach(row -> {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    });
    for (List<String> row : table) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
      }
      out.println(line.toString().stripTrailing());
    }
  }
}
