package jambic.app.watch;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.RunFolder;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.MetricsLog;
import jambic.train.run.MetricsTail;
import jambic.train.run.RunCheckpoints;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A run that is shown. For any number of threads. */
final class WatchedRun {
  /** The state of a run whose folder cannot be read. */
  private static final String DAMAGED = "damaged";

  private static final String SAMPLES = "samples.jsonl";
  private static final int SAMPLES_READ = 1 << 20;
  private static final int MOST_SAMPLES = 50;

  /** Whether a trainer has the folder is looked up so often at most: looking takes its lock. */
  private static final long LOOK_MILLIS = 5_000;

  private static final List<String> TOLD =
      List.of(
          RunCheckpoints.LAST + "/training.json", RunFolder.RECORD, MetricsLog.FILE_NAME, SAMPLES);

  private final String name;
  private final Path folder;
  private final MetricsTail log;
  private List<Object> readAs = List.of();
  private Map<String, Object> facts = Map.of();

  WatchedRun(String name, Path folder) {
    this.name = name;
    this.folder = folder;
    this.log = new MetricsTail(folder.resolve(MetricsLog.FILE_NAME));
  }

  String name() {
    return name;
  }

  /** Its log, as far as it is whole. */
  MetricsTail log() {
    try {
      log.update();
    } catch (JambicException unreadable) {
      // Its curves stay as they are; the list says what is wrong with the folder.
    }
    return log;
  }

  /** What the list says of it. */
  synchronized Map<String, Object> facts() {
    MetricsTail now = log();
    List<Object> stamp = new ArrayList<>();
    TOLD.forEach(file -> stamp.add(writtenAt(folder.resolve(file))));
    if (!"finished".equals(facts.get("state"))) {
      stamp.add(System.nanoTime() / 1_000_000 / LOOK_MILLIS);
    }
    if (facts.isEmpty() || !stamp.equals(readAs)) {
      facts = read(now);
      readAs = stamp;
    }
    return facts;
  }

  private static long writtenAt(Path file) {
    try {
      return Files.getLastModifiedTime(file).toMillis();
    } catch (IOException missing) {
      return 0;
    }
  }

  private Map<String, Object> read(MetricsTail now) {
    Map<String, Object> told = new LinkedHashMap<>();
    try {
      RunFacts read = RunFacts.read(folder, now);
      told.putAll(read.toMap());
      told.put("settings", read.settings()); // none of a damaged run: it has nothing to compare
      read.notice().ifPresent(notice -> told.put("notice", notice));
    } catch (JambicException e) {
      told.put("state", DAMAGED);
      told.put("problem", e.getMessage());
      now.seconds().ifPresent(time -> told.put("seconds", time));
    }
    told.put("run", name);
    List<String> metrics = now.names();
    told.put("metrics", metrics);
    Map<String, Object> newest = new LinkedHashMap<>();
    metrics.forEach(metric -> now.last(metric).ifPresent(value -> newest.put(metric, value)));
    told.put("newest", newest);
    told.put("samples", writtenAt(folder.resolve(SAMPLES))); // 0 where there are none
    return told;
  }

  /**
   * What it wrote at its newest evaluation.
   *
   * @throws JambicException if that cannot be read
   */
  List<Map<String, Object>> samples() {
    List<Map<String, Object>> newest = new ArrayList<>();
    for (String line : lastLines(folder.resolve(SAMPLES))) {
      try {
        Map<String, Object> sample = JSON.std.mapFrom(line);
        if (sample != null && sample.get("iter") instanceof Integer iter) {
          newest.removeIf(other -> !other.get("iter").equals(iter));
          newest.add(sample);
        }
      } catch (IOException cutOff) {
        // The first line that was read, or one that a kill cut off.
      }
    }
    return newest.subList(0, Math.min(newest.size(), MOST_SAMPLES));
  }

  private static List<String> lastLines(Path file) {
    if (!Files.exists(file)) {
      return List.of();
    }
    try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
      byte[] bytes = new byte[(int) Math.min(SAMPLES_READ, in.length())];
      in.seek(in.length() - bytes.length);
      in.readFully(bytes);
      String text = new String(bytes, StandardCharsets.UTF_8);
      return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
    }
  }
}
