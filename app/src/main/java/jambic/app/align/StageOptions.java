package jambic.app.align;

import jambic.app.cli.BackendOptions;
import jambic.app.cli.ModelOptions;
import jambic.app.run.Watcher;
import jambic.app.watch.WatchOption;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What every stage is told: what it begins with, learns from and writes, and where it computes. */
final class StageOptions {
  @Option(
      names = "--init",
      paramLabel = "MODEL",
      description = {
        "The model to begin with: a run's folder, a checkpoint's, or a name on the hub, as"
            + " 'jambic sample' takes it."
      })
  private Optional<Path> init = Optional.empty();

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description = {
        "What to learn from: JSON Lines in TRL's shapes, perhaps gzipped.",
        "Default: a resumed run's own."
      })
  private Optional<Path> data = Optional.empty();

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "The run's folder. Default: a new one in runs, named by stage and data.")
  private Optional<Path> out = Optional.empty();

  @Option(
      names = "--resume",
      description = "Go on with the run in --out, as if it had never stopped.")
  private boolean resume;

  @Option(
      names = "--tensorboard",
      description = "Write TensorBoard's event file into the run's folder too.")
  private boolean tensorboard;

  @Option(
      names = "--json",
      description = "Print one JSON object at the end; progress goes to the error stream.")
  private boolean json;

  @Mixin private WatchOption watch;
  @Mixin private ChatOptions chat;
  @Mixin private ModelOptions models;
  @Mixin private BackendOptions computing;

  Optional<Path> init() {
    return init;
  }

  Optional<Path> data() {
    return data;
  }

  Optional<Path> out() {
    return out;
  }

  boolean resume() {
    return resume;
  }

  boolean tensorboard() {
    return tensorboard;
  }

  boolean json() {
    return json;
  }

  Watcher watcher() {
    return watch.watcher();
  }

  ChatOptions chat() {
    return chat;
  }

  ModelOptions models() {
    return models;
  }

  BackendOptions computing() {
    return computing;
  }
}
