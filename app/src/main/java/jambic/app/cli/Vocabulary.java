package jambic.app.cli;

import jambic.model.io.AtomicFolder;
import jambic.model.text.BpeTokenizer;
import jambic.model.text.Tokenizer;
import jambic.model.text.TokenizerFile;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Finds a tokenizer by the name that {@code --tokenizer} takes. */
public final class Vocabulary {
  /** GPT-2's tokenizer, built in. */
  public static final String GPT2 = "gpt2";

  /** One token a character; only a text tells which ones. */
  public static final String CHAR = "char";

  private Vocabulary() {}

  /**
   * The tokenizer of a name: {@code gpt2}, a {@code tokenizer.json}, or the folder of a checkpoint,
   * a run or a data set.
   */
  public static Tokenizer named(String name, CommandLine command) {
    if (name.equals(GPT2)) {
      return BpeTokenizer.gpt2();
    }
    Optional<Path> folder = folder(name);
    if (folder.isEmpty()) {
      throw new ParameterException(
          command,
          Text.format(
              "there is no tokenizer %s, nor a folder of that name; give %s, a tokenizer.json, or the folder of a model",
              name, GPT2));
    }
    return AtomicFolder.read(RunFolder.checkpoint(folder.get()), Tokenizer::load);
  }

  /** The folder that is meant, be it by the {@code tokenizer.json} in it. */
  private static Optional<Path> folder(String name) {
    try {
      Path path = Path.of(name);
      boolean isFile = path.endsWith(TokenizerFile.NAME) && Files.isRegularFile(path);
      return Optional.of(isFile ? path.toAbsolutePath().getParent() : path)
          .filter(Files::isDirectory);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }
}
