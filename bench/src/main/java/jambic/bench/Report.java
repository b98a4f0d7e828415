package jambic.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Sets the rows of a run side by side: {@code Report ROWS FOLDER NAME COMMAND COMMIT} writes {@code
 * FOLDER/NAME.md} and {@code .json} and prints the tables.
 */
final class Report {
  private static final String OURS = "jambic";

  /** One table: engines that did the same work with the same number of threads. */
  private record Table(String bench, int threads) {}

  /** A column: what it says about a subject, given what each engine did with it. */
  private record Column(String title, Function<Map<String, Summary>, String> cell) {
    static Column of(String engine, String what, Function<Summary, String> text) {
      return new Column(
          engine + what, by -> by.containsKey(engine) ? text.apply(by.get(engine)) : "");
    }

    /** Of another engine compared to ours, where both did it. */
    static Column ratio(String engine) {
      return new Column(
          engine + ", times jambic",
          by ->
              by.containsKey(engine) && by.containsKey(OURS)
                  ? by.get(engine).over(by.get(OURS))
                  : "");
    }
  }

  private final SequencedMap<Table, SequencedMap<String, SequencedMap<String, Summary>>> tables =
      new LinkedHashMap<>();

  private Report(List<Row> rows) {
    SequencedMap<List<Object>, List<Row>> groups =
        rows.stream()
            .collect(
                Collectors.groupingBy(
                    row -> List.of(row.bench(), row.threads(), row.subject(), row.engine()),
                    LinkedHashMap::new,
                    Collectors.toList()));
    for (List<Row> group : groups.values()) {
      Row first = group.getFirst();
      tables
          .computeIfAbsent(new Table(first.bench(), first.threads()), t -> new LinkedHashMap<>())
          .computeIfAbsent(first.subject(), s -> new LinkedHashMap<>())
          .put(first.engine(), Summary.of(group));
    }
  }

  public static void main(String... args) throws IOException {
    System.out.print(write(Path.of(args[0]), Path.of(args[1]), args[2], args[3], args[4]));
  }

  static String write(Path file, Path folder, String name, String command, String commit)
      throws IOException {
    List<Row> rows = Row.read(file);
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("date", LocalDate.now(ZoneOffset.UTC).toString());
    header.put("command", command);
    header.put("commit", commit);
    header.put("machine", Machine.description());
    header.put("engines", engines(rows));

    String text = heading(header) + new Report(rows).text();
    Files.createDirectories(folder);
    Files.writeString(folder.resolve(name + ".md"), text);
    header.put("rows", rows.stream().map(Row::fields).toList());
    Files.writeString(
        folder.resolve(name + ".json"),
        JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(header) + "\n");
    return text;
  }

  private static Map<String, String> engines(List<Row> rows) {
    Map<String, String> versions = new LinkedHashMap<>();
    for (Row row : rows) {
      versions.putIfAbsent(row.engine(), String.valueOf(row.more().getOrDefault("version", "")));
    }
    return versions;
  }

  private static String heading(Map<String, Object> header) {
    StringBuilder text = new StringBuilder("# Measured " + header.get("date") + "\n\n");
    text.append("- command: `").append(header.get("command")).append("`\n");
    text.append("- commit: ").append(header.get("commit")).append('\n');
    text.append("- machine: ").append(header.get("machine")).append('\n');
    text.append("- engines: ");
    text.append(
        ((Map<?, ?>) header.get("engines"))
            .entrySet().stream()
                .map(e -> (e.getKey() + " " + e.getValue()).strip())
                .collect(Collectors.joining(", ")));
    return text.append(
            """


            Times are milliseconds of one call: the median over the rounds of each round's median,
            then the least and the largest of those; a round is a fresh process of every engine, one
            after another. "Times jambic" says how many times as long another engine took, by medians
            and, in parentheses, by the shortest call of each.
            """)
        .toString();
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    tables.forEach((table, subjects) -> text.append(text(table, subjects)));
    return text.toString();
  }

  private String text(Table table, SequencedMap<String, SequencedMap<String, Summary>> subjects) {
    List<Column> columns = columns(table, subjects);
    StringBuilder text = new StringBuilder();
    text.append("\n## ").append(table.bench).append(", ").append(table.threads);
    text.append(table.threads == 1 ? " thread\n\n" : " threads\n\n");
    text.append(line(table.bench, columns.stream().map(Column::title)));
    text.append(line("---", columns.stream().map(column -> "---:")));
    subjects.forEach((subject, byEngine) -> {
      Stream<String> cells = columns.stream().map(column -> column.cell.apply(byEngine));
      text.append(line(subject.isEmpty() ? "-" : subject, cells));
    });
    return text.toString();
  }

  private List<Column> columns(
      Table table, SequencedMap<String, SequencedMap<String, Summary>> subjects) {
    SequencedSet<String> engines = new LinkedHashSet<>();
    Set<String> extras = new HashSet<>();
    subjects
        .values()
        .forEach(byEngine -> {
          engines.addAll(byEngine.keySet());
          byEngine
              .values()
              .forEach(s -> s.rows().forEach(row -> extras.addAll(row.more().keySet())));
        });
    List<Column> columns = new ArrayList<>();
    engines.forEach(engine -> columns.add(Column.of(engine, " ms", Summary::cell)));
    if (engines.contains(OURS)) {
      engines.stream()
          .filter(engine -> !engine.equals(OURS))
          .forEach(engine -> columns.add(Column.ratio(engine)));
    }
    if (extras.contains("flops")) {
      columns.add(Column.of(OURS, " GFLOP/s", s -> rates(s, "flops")));
      peak(table.threads)
          .ifPresent(peak ->
              columns.add(Column.of(OURS, ", % of FMA peak", s -> share(s, peak, "flops"))));
    }
    if (extras.contains("bytes")) {
      columns.add(Column.of(OURS, " GB/s", s -> rates(s, "bytes")));
      if (tables.containsKey(new Table("read", table.threads))) {
        columns.add(
            Column.of(
                OURS, ", % of read peak", s -> share(s, readPeak(table.threads, s), "bytes")));
      }
    }
    if (extras.contains("megabytes")) {
      columns.add(Column.of(OURS, " MB/s", Report::megabytesPerSecond));
    }
    if (extras.contains("tokens")) {
      columns.add(Column.of(OURS, " tokens/s", Report::tokensPerSecond));
    }
    if (extras.contains("peak_rss_mb")) {
      engines.forEach(engine -> columns.add(Column.of(engine, " peak MiB", Report::mebibytes)));
    }
    return columns;
  }

  /** The FMA peak that was measured with as many threads. */
  private Optional<Summary> peak(int threads) {
    return Optional.ofNullable(tables.get(new Table("fma", threads)))
        .map(subjects -> subjects.firstEntry().getValue().get(OURS));
  }

  /** The fastest reading, with as many threads, of about as much memory. */
  private Summary readPeak(int threads, Summary ours) {
    double size = Math.log(ours.largest("bytes"));
    return tables.get(new Table("read", threads)).values().stream()
        .map(byEngine -> byEngine.get(OURS))
        .min(Comparator.comparingDouble(s -> Math.abs(Math.log(s.largest("bytes")) - size)))
        .orElseThrow();
  }

  /** Billions a second of what the extra counts in a call. */
  private static double rate(Summary summary, String extra, double ms) {
    return summary.largest(extra) / ms * 1e-6;
  }

  private static String rates(Summary summary, String extra) {
    return medianAndBest(
        rate(summary, extra, summary.median()), rate(summary, extra, summary.best()));
  }

  private static String share(Summary ours, Summary peak, String extra) {
    return medianAndBest(
        100 * rate(ours, extra, ours.median()) / rate(peak, extra, peak.median()),
        100 * rate(ours, extra, ours.best()) / rate(peak, extra, peak.best()));
  }

  private static String medianAndBest(double median, double best) {
    return Summary.digits(median) + " (best " + Summary.digits(best) + ")";
  }

  private static String megabytesPerSecond(Summary summary) {
    double megabytes = 1e3 * summary.largest("megabytes");
    return medianAndBest(megabytes / summary.median(), megabytes / summary.best());
  }

  private static String tokensPerSecond(Summary summary) {
    return Summary.digits(summary.largest("tokens") / summary.median() * 1e3);
  }

  private static String mebibytes(Summary summary) {
    double largest = summary.largest("peak_rss_mb");
    return Double.isNaN(largest) ? "" : Summary.digits(largest);
  }

  private static String line(String first, Stream<String> cells) {
    StringBuilder line = new StringBuilder("| " + first + " |");
    cells.forEach(cell -> line.append(cell.isEmpty() ? " |" : " " + cell + " |"));
    return line.append('\n').toString();
  }
}
