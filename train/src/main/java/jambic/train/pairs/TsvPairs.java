package jambic.train.pairs;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Takes pairs from the lines of TSV, one after the other. */
final class TsvPairs {
  private static final String TAB = "\t";

  private final Optional<LanguagePair> languages;
  private int source;
  private int target = 1;
  private boolean begun;

  TsvPairs(Optional<LanguagePair> languages) {
    this.languages = languages;
  }

  /** The pair of the next line; empty for the line that names the columns. */
  Optional<Pair> pair(String line) {
    if (!begun) {
      begun = true;
      if (languages.isPresent() && takeHeader(languages.get(), line)) {
        return Optional.empty();
      }
    }
    if (line.isBlank()) {
      return Optional.of(new Pair("", ""));
    }
    String[] columns = line.split(TAB, -1);
    if (columns.length == 1) {
      throw new JambicException(
          Text.format(
              "there is no tab in %s, but a source and its translation have one between them",
              ErrorText.quote(line)));
    }
    int most = Math.max(source, target);
    if (columns.length <= most) {
      throw new JambicException(
          Text.format(
              "%s has %d columns, and column %d is asked for",
              ErrorText.quote(line), columns.length, most + 1));
    }
    return Optional.of(new Pair(columns[source], columns[target]));
  }

  /** Takes the places of both columns; false if they are numbers, so that there is no header. */
  private boolean takeHeader(LanguagePair named, String line) {
    List<String> header = Arrays.asList(line.split(TAB, -1));
    source = column(named.source(), "--source-lang", header);
    target = column(named.target(), "--target-lang", header);
    return !isNumber(named.source()) || !isNumber(named.target());
  }

  private static int column(String name, String flag, List<String> header) {
    if (isNumber(name)) {
      return Integer.parseInt(name) - 1;
    }
    int column = header.indexOf(name);
    if (column < 0) {
      throw new JambicException(
          Text.format(
              "%s %s is not among the columns of the first line, %s; name one of them, or its number from 1",
              flag, name, ErrorText.quote(String.join(" | ", header))));
    }
    return column;
  }

  private static boolean isNumber(String name) {
    return name.matches("[1-9][0-9]{0,3}");
  }
}
