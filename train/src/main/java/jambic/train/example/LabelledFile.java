package jambic.train.example;

import jambic.tensor.JambicException;
import java.nio.file.Path;

/** Reads texts of known classes: {@code {"text", "label"}}; the label is a text or a number. */
public final class LabelledFile {
  private LabelledFile() {}

  /**
   * Reads all of a file.
   *
   * @param file JSON Lines
   * @return the texts
   * @throws JambicException if it cannot be read, or a row is no labelled text, naming file, line
   *     and key
   */
  public static Rows<LabelledText> read(Path file) {
    return RowFile.read(file, LabelledFile::text);
  }

  private static LabelledText text(Row row) {
    row.require(Row.Shape.LABELLED);
    return new LabelledText(row.filledText("text"), row.label("label"));
  }
}
