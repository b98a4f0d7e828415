package jambic.app;

import jambic.app.data.Hub;
import jambic.app.terminal.Terminal;
import jambic.model.BaseModels;
import jambic.tensor.JambicException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Where a model comes from: a folder on this machine, or a released model by its name. */
final class ModelOptions {
  /** Help for whatever names a model. */
  static final String HELP =
      "Folder of a run (its best checkpoint, else its last), of a checkpoint or of a GPT-2 as"
          + " Hugging Face has it; nanoGPT's ckpt.pt or its folder; or gpt2, gpt2-medium, gpt2-large or gpt2-xl, fetched once.";

  @Option(
      names = "--offline",
      description = "Take released models from the cache, fetch nothing. As HF_HUB_OFFLINE=1.")
  private boolean offline;

  /**
   * The folder of the checkpoint that is meant; a folder goes before a released model of its name.
   */
  Path checkpoint(Path named, CommandLine command) {
    if (Files.exists(named)) {
      return RunFolder.checkpoint(named);
    }
    return released(named)
        .flatMap(bases(command)::find)
        .orElseThrow(() ->
            new JambicException(
                "%s does not exist; name the folder of a run or of a checkpoint, or one of %s"
                    .formatted(named, String.join(", ", Hub.MODELS))));
  }

  /** The name of the released model that is meant, if it is one. */
  static Optional<String> released(Path named) {
    return Files.exists(named)
        ? Optional.empty()
        : Optional.of(named.toString()).filter(Hub.MODELS::contains);
  }

  /** Where the models are that adapters call by a name. */
  BaseModels bases(CommandLine command) {
    return name -> Hub.of(offline, Terminal.ofErrors(command.getErr())).find(name);
  }
}
