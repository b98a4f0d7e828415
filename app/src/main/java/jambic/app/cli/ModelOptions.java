package jambic.app.cli;

import jambic.app.data.Hub;
import jambic.app.terminal.Terminal;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.NearestName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Where a model comes from: a folder on this machine, or the Hugging Face hub. */
public final class ModelOptions {
  /** Help for whatever names a model. */
  static final String HELP =
      "Folder of a run (its best checkpoint, else its last), of a checkpoint or of a GPT-2 as"
          + " Hugging Face has it; nanoGPT's ckpt.pt or its folder; or a model of GPT-2's architecture"
          + " by its name on the hub, fetched once: gpt2, gpt2-medium, gpt2-large, gpt2-xl,"
          + " distilgpt2, user/name, each perhaps with @revision. For translate, info, export and eval"
          + " --bleu also translators: of a run, Marian, OPUS-MT, Pegasus, M2M100.";

  @Option(
      names = "--offline",
      description = "Take models of the hub from the cache, fetch nothing. As HF_HUB_OFFLINE=1.")
  private boolean offline;

  /** The folder of the checkpoint that is meant; a folder goes before a model of its name. */
  public Path checkpoint(Path named, CommandLine command) {
    if (Files.exists(named)) {
      return RunFolder.checkpoint(named);
    }
    return ofHub(named).flatMap(bases(command)::find).orElseThrow(() -> absent(named));
  }

  /**
   * The name of a model on the hub, if one is meant. Where the folder exists that it would lie in,
   * it is rather a mistyped path, and the hub is not asked for it.
   */
  public static Optional<String> ofHub(Path named) {
    return Optional.of(named.toString())
        .filter(name -> !Files.exists(named) && Hub.isName(name))
        .filter(name -> name.contains("@") || !isBesideOthers(named));
  }

  private static boolean isBesideOthers(Path named) {
    return named.getParent() != null && Files.isDirectory(named.getParent());
  }

  /**
   * A word may name a folder or a model; a path that is no model's name on the hub only a folder.
   */
  private static JambicException absent(Path named) {
    Optional<Path> near =
        NearestName.of(String.valueOf(named.getFileName()), foldersBeside(named))
            .map(named::resolveSibling);
    boolean word = named.getNameCount() == 1 && !named.isAbsolute();
    String ofHub =
        word
            ? ", or a model of the hub: gpt2, distilgpt2 or user/name"
            : Hub.isName(named.toString())
                ? ", or write " + named + "@main for the hub's model"
                : "";
    return new JambicException(
        Text.format(
            "%s does not exist%s",
            named,
            near.map(folder -> Text.format("; did you mean %s?", folder))
                .orElse("; name the folder of a run or of a checkpoint" + ofHub)));
  }

  /** The names of folders that may have been meant. */
  private static List<String> foldersBeside(Path named) {
    Path folder = Optional.ofNullable(named.getParent()).orElse(Path.of(""));
    try (Stream<Path> children = Files.list(folder)) {
      return children
          .filter(Files::isDirectory)
          .map(child -> child.getFileName().toString())
          .toList();
    } catch (IOException | UncheckedIOException noneThatCanBeRead) {
      return List.of();
    }
  }

  /** Where the models are that adapters call by a name. */
  public BaseModelResolver bases(CommandLine command) {
    return name -> Hub.of(offline, Terminal.ofErrors(command.getErr())).find(name);
  }
}
