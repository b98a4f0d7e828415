package jambic.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One measurement by one engine in one process; a line of JSON in a file that the peers append to
 * as well.
 *
 * @param bench the kind of work: {@code gemm}, {@code step}
 * @param subject shape, form and pass, or a preset: engines with the same subject did the same work
 * @param engine who did it
 * @param threads how many threads it could use
 * @param n how many calls were timed
 * @param min the shortest call, in milliseconds
 * @param median the median call, in milliseconds
 * @param max the longest call, in milliseconds
 * @param more what else is known: {@code version}, {@code peak_rss_mb}
 */
record Row(
    String bench,
    String subject,
    String engine,
    int threads,
    long n,
    double min,
    double median,
    double max,
    Map<String, Object> more) {

  static Row parse(String line) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>(JSON.std.mapFrom(line));
    return new Row(
        (String) fields.remove("bench"),
        (String) fields.remove("case"),
        (String) fields.remove("engine"),
        ((Number) fields.remove("threads")).intValue(),
        ((Number) fields.remove("n")).longValue(),
        ((Number) fields.remove("min")).doubleValue(),
        ((Number) fields.remove("median")).doubleValue(),
        ((Number) fields.remove("max")).doubleValue(),
        fields);
  }

  static List<Row> read(Path file) throws IOException {
    try (var lines = Files.lines(file)) {
      return lines
          .filter(line -> !line.isBlank())
          .map(line -> {
            try {
              return parse(line);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          })
          .toList();
    }
  }

  /** Everything, by the names that the file uses. */
  Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("bench", bench);
    fields.put("case", subject);
    fields.put("engine", engine);
    fields.put("threads", threads);
    fields.put("n", n);
    fields.put("min", min);
    fields.put("median", median);
    fields.put("max", max);
    fields.putAll(more);
    return fields;
  }

  void append(Path file) throws IOException {
    Files.writeString(
        file,
        JSON.std.asString(fields()) + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  /** A numeric extra, or a fallback. */
  double number(String name, double otherwise) {
    return more.get(name) instanceof Number value ? value.doubleValue() : otherwise;
  }
}
