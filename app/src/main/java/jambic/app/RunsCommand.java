package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.align.Stages;
import jambic.app.cli.RunFolder;
import jambic.app.cli.RunRecord;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunLock;
import jambic.train.run.TrainingState;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
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
    List<Path> runs = folders.stream().flatMap(inside -> runs(inside).stream()).toList();
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
        Map<String, Object> told = told(run);
        if (json) {
          out.println(JSON.std.asString(told));
        } else {
          table.add(row(told));
        }
      } catch (JambicException damaged) {
        spec.commandLine().getErr().println("jambic: " + damaged.getMessage());
      }
    }
    if (!json) {
      print(table, out);
    }
    return 0;
  }

  private static List<Path> runs(Path folder) {
    if (isRun(folder)) {
      return List.of(folder.normalize());
    }
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(folder)) {
      record Dated(Path path, long at) {}
      return inside
          .filter(RunsCommand::isRun)
          .map(path -> new Dated(path.normalize(), writtenAt(path)))
          .sorted((a, b) -> a.at == b.at ? a.path.compareTo(b.path) : Long.compare(a.at, b.at))
          .map(Dated::path)
          .toList();
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", folder, ErrorText.reason(e)), e);
    }
  }

  private static boolean isRun(Path path) {
    return AtomicFolder.exists(path.resolve(RunCheckpoints.LAST))
        || new RunFolder(path).isRecorded(); // one that ended before its first checkpoint
  }

  private static long writtenAt(Path run) {
    try {
      return Files.getLastModifiedTime(run.resolve(RunCheckpoints.LAST)).toMillis();
    } catch (IOException replacedJustNow) {
      return System.currentTimeMillis();
    }
  }

  private static Map<String, Object> told(Path run) {
    TrainingState state =
        AtomicFolder.read(
            run.resolve(RunCheckpoints.LAST), last -> TrainingState.read(last, Stages::any));
    RunRecord record = new RunFolder(run).record();
    int most = state.config().run().maxIters();
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("run", run.toString());
    told.put("command", Stages.command(state.config()));
    told.put(
        "state",
        RunLock.isHeld(run) ? "running" : state.iteration() >= most ? "finished" : "stopped");
    told.put("iteration", state.iteration());
    told.put("max_iters", most);
    if (Double.isFinite(state.bestValLoss())) {
      told.put("best_val_loss", state.bestValLoss());
    }
    seconds(run).ifPresent(seconds -> told.put("seconds", seconds));
    record.parameters().ifPresent(count -> told.put("parameters", count));
    record.data().ifPresent(name -> told.put("data", name));
    return told;
  }

  /** What its steps took; evaluations and saving come on top. A damaged log does not tell. */
  private static OptionalDouble seconds(Path run) {
    try {
      return OptionalDouble.of(
          MetricsLog.read(run.resolve(MetricsLog.FILE_NAME)).stream()
              .filter(Metrics.Step.class::isInstance)
              .mapToDouble(line -> ((Metrics.Step) line).ms() / 1e3)
              .filter(Double::isFinite)
              .sum());
    } catch (JambicException unreadable) {
      return OptionalDouble.empty();
    }
  }

  private static String duration(double seconds) {
    long whole = Math.round(seconds);
    return whole < 3600
        ? Text.format("%d:%02d", whole / 60, whole % 60)
        : Text.format("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  }

  private static List<String> row(Map<String, Object> told) {
    Object best = told.get("best_val_loss");
    Object parameters = told.get("parameters");
    return List.of(
        told.get("run").toString(),
        told.get("command").toString(),
        told.get("state").toString(),
        Text.format("%,d of %,d", told.get("iteration"), told.get("max_iters")),
        best == null ? "-" : Text.format("%.4f", best),
        told.get("seconds") instanceof Double seconds ? duration(seconds) : "-",
        parameters == null ? "-" : Text.format("%,d", ((Number) parameters).longValue()),
        told.getOrDefault("data", "-").toString());
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
