package jambic.app.cli;

import java.util.Optional;
import picocli.CommandLine.Option;

/** Which field of JSON Lines is the text, for every command that reads texts to learn from. */
public final class TextField {
  @Option(
      names = "--text-field",
      paramLabel = "NAME",
      description = {
        "For JSON Lines (.jsonl): the field of each line's object that is a text of its own.",
        "<|endoftext|> comes after each, or a line break where the vocabulary has none; '' takes",
        "the lines as they stand."
      })
  private Optional<String> name = Optional.empty();

  /** The name that was given; empty if the files must be plain texts. */
  public Optional<String> name() {
    return name;
  }

  /** The field to read; empty for a text that is taken as it stands. */
  public static Optional<String> read(Optional<String> name) {
    return name.filter(field -> !field.isEmpty());
  }
}
