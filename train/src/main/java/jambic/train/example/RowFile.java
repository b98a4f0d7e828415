package jambic.train.example;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.PackedText;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Reads a file of JSON Lines, plain or compressed by gzip, in strict UTF-8. */
final class RowFile {
  private static final String WANTED = "a file of JSON Lines";
  private static final String PARQUET_MAGIC = "PAR1";
  private static final String ARROW_MAGIC = "ARRO";

  private RowFile() {}

  /** Reads all rows; complaints name the file and the line. */
  static <T> Rows<T> read(Path file, Function<Row, T> take) {
    requireJsonLines(file);
    List<T> rows = new ArrayList<>();
    Map<String, Long> unused = new LinkedHashMap<>();
    PackedText.readLines(
        file,
        WANTED,
        (number, line) -> {
          if (!line.isBlank()) {
            try {
              if (number == 1 && line.stripLeading().startsWith("[")) {
                throw new JambicException(
                    "this is a JSON list; give an object on each line (JSON Lines), as jq -c '.[]' writes them");
              }
              Row row = new Row(line);
              rows.add(take.apply(row));
              row.unused().forEach(key -> unused.merge(key, 1L, Long::sum));
            } catch (JambicException e) {
              throw new JambicException(
                  Text.format("%s, line %d: %s", file, number, e.getMessage()), e);
            }
          }
        });
    if (rows.isEmpty()) {
      throw new JambicException(file + " is empty; give " + WANTED);
    }
    return new Rows<>(rows, notices(file, unused));
  }

  private static List<String> notices(Path file, Map<String, Long> unused) {
    if (unused.isEmpty()) {
      return List.of();
    }
    String keys =
        unused.entrySet().stream()
            .map(entry ->
                Text.format(
                    "%s (%s)",
                    ErrorText.quote(entry.getKey()), ErrorText.count(entry.getValue(), "row")))
            .collect(Collectors.joining(", "));
    return List.of(Text.format("%s has keys that are not used: %s", file, keys));
  }

  /** Tables of other formats are named, with the way to convert them. */
  private static void requireJsonLines(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    String begin = begin(file);
    if (begin.equals(PARQUET_MAGIC) || name.endsWith(".parquet")) {
      throw convert(file, "Parquet", "read_parquet");
    }
    if (begin.equals(ARROW_MAGIC) || name.endsWith(".arrow") || name.endsWith(".feather")) {
      throw convert(file, "Arrow", "read_feather");
    }
    String plain = name.replaceFirst("\\.gz$", "");
    if (plain.endsWith(".csv") || plain.endsWith(".tsv")) {
      boolean tabs = plain.endsWith(".tsv");
      throw convert(file, tabs ? "TSV" : "CSV", tabs ? "read_table" : "read_csv");
    }
  }

  private static String begin(Path file) {
    try (InputStream in = PackedText.open(file, WANTED)) {
      return new String(in.readNBytes(PARQUET_MAGIC.length()), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw PackedText.unreadable(file, e);
    }
  }

  private static JambicException convert(Path file, String format, String reader) {
    return new JambicException(
        Text.format(
            "%s is %s, not JSON Lines; convert it, as by pandas.%s(\"%s\").to_json(\"data.jsonl\", orient=\"records\", lines=True)",
            file, format, reader, file));
  }
}
