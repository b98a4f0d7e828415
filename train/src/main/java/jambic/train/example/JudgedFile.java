package jambic.train.example;

import jambic.tensor.JambicException;
import java.nio.file.Path;

/**
 * Reads judged answers, as TRL's KTOTrainer has them: {@code {"prompt", "completion", "label"}},
 * where the label is true for a good answer.
 */
public final class JudgedFile {
  private JudgedFile() {}

  /**
   * Reads all of a file.
   *
   * @param file JSON Lines
   * @return the answers
   * @throws JambicException if it cannot be read, or a row is no judged answer, naming file, line
   *     and key
   */
  public static Rows<Judged> read(Path file) {
    return RowFile.read(file, JudgedFile::judged);
  }

  private static Judged judged(Row row) {
    if (!row.has("label") || !row.has("completion")) {
      row.require(Row.Shape.JUDGED);
    }
    Prompt prompt = row.prompt("prompt");
    return new Judged(prompt, row.answer("completion", prompt), row.isTrue("label"));
  }
}
