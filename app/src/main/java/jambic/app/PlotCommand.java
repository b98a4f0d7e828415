package jambic.app;

import jambic.app.chart.LossChart;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.MetricsLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Draws the loss curves of runs. */
@Command(
    name = "plot",
    description = "Draws the loss curves of one or more runs.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic plot out                              one run, into out/loss.svg",
      "  jambic plot out -o curve.png                 the same as a PNG",
      "  jambic plot small big -o both.svg --title \"Small and big\""
    })
final class PlotCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "RUN",
      arity = "1..*",
      description = "Folder of a run, or its metrics.jsonl.")
  private List<Path> runs;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = {
        "File to write, ending in .svg or .png.",
        "Default: loss.svg in the run's folder, or here for several runs."
      })
  private Optional<Path> output;

  @Option(
      names = "--title",
      paramLabel = "TEXT",
      description = "Title of the chart. Default: the run's name.")
  private Optional<String> title;

  @Override
  public Integer call() {
    output
        .filter(file -> !file.toString().matches(".*\\.(svg|png)"))
        .ifPresent(file -> {
          throw new ParameterException(
              spec.commandLine(), "--output must end in .svg or .png, not " + file);
        });
    List<Path> logs = runs.stream().map(PlotCommand::log).toList();
    List<String> names = names(logs);
    List<LossChart.Run> curves = new ArrayList<>();
    for (int i = 0; i < logs.size(); i++) {
      curves.add(new LossChart.Run(names.get(i), MetricsLog.read(logs.get(i))));
    }
    boolean alone = logs.size() == 1;
    Path file =
        output.orElse(alone ? logs.getFirst().resolveSibling("loss.svg") : Path.of("loss.svg"));
    makeFolderOf(file);
    requireWritable(file);
    new LossChart(title.orElse(alone ? names.getFirst() : "Loss"), curves).write(file);
    spec.commandLine().getOut().println("wrote " + file);
    return 0;
  }

  private void requireWritable(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    if (output.isEmpty() && folder != null && !Files.isWritable(folder)) {
      throw new JambicException(
          Text.format(
              "cannot write %s, because its folder cannot be written; name another file with -o",
              file));
    }
  }

  private static void makeFolderOf(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    try {
      if (folder != null) {
        Files.createDirectories(folder);
      }
    } catch (IOException e) {
      throw new JambicException(
          Text.format("cannot make the folder %s: %s", folder, ErrorText.reason(e)), e);
    }
  }

  private static Path log(Path run) {
    if (!Files.exists(run)) {
      throw new JambicException(run + " does not exist; name the folder of a run");
    }
    return Files.isDirectory(run) ? run.resolve(MetricsLog.FILE_NAME) : run;
  }

  /** The folders' own names where they differ, else their paths as typed. */
  private static List<String> names(List<Path> logs) {
    List<String> names =
        logs.stream()
            .map(log -> log.toAbsolutePath().normalize().getParent())
            .map(folder -> String.valueOf(folder.getFileName()))
            .toList();
    return new HashSet<>(names).size() == names.size()
        ? names
        : logs.stream()
            .map(log -> Objects.requireNonNullElse(log.getParent(), log))
            .map(Path::toString)
            .toList();
  }
}
