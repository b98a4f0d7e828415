package jambic.app.serve;

import jambic.app.cli.BackendOptions;
import jambic.app.cli.Interruptible;
import jambic.app.cli.Interruption;
import jambic.app.cli.ModelOptions;
import jambic.app.cli.Quantization;
import jambic.app.watch.RunPages;
import jambic.serve.JambicServer;
import jambic.serve.http.Route;
import jambic.serve.http.WebOptions;
import jambic.serve.model.EngineOptions;
import jambic.serve.model.ServedModel;
import jambic.serve.model.ServedTranslator;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Serves models. */
@Command(
    name = "serve",
    description = {
      "Serves models to programs by OpenAI's API, and to people by a playground in the browser.",
      "It says where once it is ready, and ends by Ctrl-C."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic serve runs/NAME",
      "  jambic serve runs/NAME gpt2 --port 9000",
      "  jambic serve gpt2 --host 0.0.0.0 --api-key-file key.txt"
    })
public final class ServeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description =
          "Runs, checkpoints or models of the hub, as for jambic sample; translators too. Clients call"
              + " each by the last part of its name. Several adapters of one base share its weights.")
  private List<Path> named = List.of();

  @Mixin private WebFlags web;
  @Mixin private EngineFlags engines;

  @Option(
      names = "--chat-template",
      paramLabel = "NAME",
      description = {
        "How conversations are written: chatml, llama3, zephyr or plain, as it was when the models"
            + " were fine-tuned. Default: each model's own; one without has no conversations."
      })
  private Optional<String> template = Optional.empty();

  @Option(
      names = "--grace",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description =
          "How long answers may go on after Ctrl-C or SIGTERM; then they are cut off. Default: ${DEFAULT-VALUE}.")
  private double grace;

  @Option(
      names = "--runs",
      paramLabel = "FOLDER",
      description = "Show the runs of a folder at /runs too, as jambic watch does. Default: none.")
  private Optional<Path> runs = Optional.empty();

  @Mixin private ModelOptions models;
  @Mixin private BackendOptions computing;
  @Mixin private Quantization quantization;

  /** For the command line. */
  public ServeCommand() {}

  @Override
  public Integer call() {
    if (!(grace >= 0 && grace <= 86_400)) {
      throw new ParameterException(
          spec.commandLine(), "--grace must be from 0 to 86400 seconds, not " + grace);
    }
    runs.ifPresent(WatchCommand::requireFolder);
    WebOptions options = web.options();
    EngineOptions engine = engines.options();
    try (Backend backend = computing.open(spec.commandLine());
        OpenModels open = new OpenModels(backend, quantization, template, spec.commandLine())) {
      open.load(named, models);
      List<Route> pages = runs.map(folder -> new RunPages(folder).routes()).orElse(List.of());
      try (JambicServer server =
          JambicServer.start(options, engine, open.served(), open.translators(), pages)) {
        return serve(server, open);
      }
    }
  }

  private int serve(JambicServer server, OpenModels open) {
    PrintWriter out = spec.commandLine().getOut();
    String names =
        Stream.concat(
                open.served().stream().map(ServedModel::id),
                open.translators().stream().map(ServedTranslator::id))
            .collect(Collectors.joining(", "));
    out.println(Text.format("Serving %s at %s", names, server.address()));
    runs.ifPresent(
        folder -> out.println(Text.format("Watching %s at %s/runs", folder, server.address())));
    out.flush();
    Interruption interruption = ((Interruptible) spec.root().userObject()).interruption();
    Stop stop = new Stop(interruption);
    stop.await();
    PrintWriter err = spec.commandLine().getErr();
    int left = server.inWork();
    if (left > 0) {
      err.println(
          Text.format(
              "jambic: %d more to answer, for at most %s s", left, Text.format("%.0f", grace)));
    }
    Duration time = Duration.ofMillis(Math.round(grace * 1000));
    if (!server.drain(time)) {
      err.println(Text.format("jambic: %d answers were cut off", server.inWork()));
    }
    return Interruptible.INTERRUPTED;
  }
}
