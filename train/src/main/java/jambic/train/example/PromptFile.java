package jambic.train.example;

import jambic.tensor.JambicException;
import java.nio.file.Path;

/**
 * Reads prompts, as TRL's GRPOTrainer has them: {@code {"prompt"}}, a text or a list of messages,
 * with the right {@code answer} and the {@code kind} of the question where these are known.
 */
public final class PromptFile {
  private PromptFile() {}

  /**
   * Reads all of a file.
   *
   * @param file JSON Lines
   * @return the prompts
   * @throws JambicException if it cannot be read, or a row is no prompt, naming file, line and key
   */
  public static Rows<PromptRow> read(Path file) {
    return RowFile.read(file, PromptFile::row);
  }

  /** Rows that have answers of one or another sort have a prompt all the same. */
  private static PromptRow row(Row row) {
    if (!row.has("prompt")) {
      row.require(Row.Shape.PROMPT);
    }
    return new PromptRow(
        row.prompt("prompt"), row.optionalText("answer"), row.optionalText("kind"));
  }
}
