package jambic.app.cli;

import jambic.tensor.JambicException;
import jambic.train.pairs.LanguagePair;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Which pairs of texts to take, and which side is which. */
public final class PairOptions {
  @Option(
      names = "--source-lang",
      paramLabel = "LANG",
      description = {
        "Which side of the pairs is translated: the name of a column or its number, the ending",
        "of a file, a language, a key. It goes with --target-lang. Default: the first; of data",
        "with a name, French."
      })
  private Optional<String> source = Optional.empty();

  @Option(
      names = "--target-lang",
      paramLabel = "LANG",
      description = "The other side, with --source-lang. Default: the second, or English.")
  private Optional<String> target = Optional.empty();

  /**
   * The sides that were asked for.
   *
   * @param command for errors
   * @return them, empty where nothing was said
   */
  public Optional<LanguagePair> languages(CommandLine command) {
    if (source.isPresent() != target.isPresent()) {
      throw new ParameterException(
          command, "--source-lang and --target-lang go together; give both or none");
    }
    try {
      return source.map(name -> new LanguagePair(name, target.orElseThrow()));
    } catch (JambicException e) {
      throw new ParameterException(
          command, "--source-lang and --target-lang: " + e.getMessage(), e);
    }
  }
}
