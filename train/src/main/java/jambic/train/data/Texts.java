package jambic.train.data;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Texts of any length, one after the other: whole files, or a field of each line of {@link
 * JsonLines}. They can be read again, unless a file is a pipe.
 *
 * @param sources where they are
 * @param field whose value is a text; empty if each file is one
 * @param lineBreaks whether a text of a field that does not end with its line is given a line
 *     break, so that it does not run into the next one
 */
public record Texts(List<Source> sources, Optional<String> field, boolean lineBreaks) {
  /**
   * A file.
   *
   * @param file where it lies
   * @param name what error messages call it
   */
  public record Source(Path file, String name) {}

  /**
   * Files that each are a text.
   *
   * @param files in UTF-8
   * @return their texts
   */
  public static Texts of(Path... files) {
    List<Source> sources =
        Arrays.stream(files).map(file -> new Source(file, file.toString())).toList();
    return new Texts(sources, Optional.empty(), false);
  }

  /**
   * Reads all of them, a part at a time.
   *
   * @param part hears of each part, in order; none belongs to two texts
   * @param end hears of the end of each text
   * @throws JambicException if a file cannot be read or is not UTF-8, or a line of JSON Lines has
   *     no text in the field, naming the file and the line
   */
  public void read(Consumer<String> part, Runnable end) {
    for (Source source : sources) {
      if (field.isEmpty()) {
        Utf8Reader.read(source.file(), source.name(), part);
        end.run();
      } else {
        TextLines lines =
            new TextLines((number, line) -> {
              if (!line.isBlank()) {
                part.accept(text(source, number, line));
                end.run();
              }
            });
        Utf8Reader.read(source.file(), source.name(), lines);
        lines.end();
      }
    }
  }

  private String text(Source source, long number, String line) {
    try {
      String text = JsonLines.text(line, field.orElseThrow());
      return lineBreaks && !text.endsWith("\n") ? text + "\n" : text;
    } catch (JambicException e) {
      throw new JambicException(
          Text.format("%s, line %d: %s", source.name(), number, e.getMessage()), e);
    }
  }
}
