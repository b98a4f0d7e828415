package jambic.app;

import jambic.app.data.Hub;
import jambic.app.terminal.Terminal;
import jambic.tensor.JambicException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Where a model comes from: a folder on this machine, or a released model by its name. */
final class ModelOptions {
  /** Help for whatever names a model. */
  static final String HELP =
      "Folder of a run (its best checkpoint, else its last), of a checkpoint or of a GPT-2 as"
          + " Hugging Face has it; or gpt2, gpt2-medium, gpt2-large or gpt2-xl, fetched once.";

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
    if (Hub.MODELS.contains(named.toString())) {
      return Hub.of(offline, Terminal.of(command.getErr())).folder(named.toString());
    }
    throw new JambicException(
        "%s does not exist; name the folder of a run or of a checkpoint, or one of %s"
            .formatted(named, String.join(", ", Hub.MODELS)));
  }
}
