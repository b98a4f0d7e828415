package jambic.train.run;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The log of a run, {@code metrics.jsonl}: one JSON object a line, written as it happens.
 *
 * <p>A step has {@code iter}, {@code loss}, {@code lr}, {@code grad_norm}, {@code ms}, {@code
 * tokens_per_s} and, where the peak is known, {@code mfu}; an evaluation has {@code iter}, {@code
 * train_loss} and {@code val_loss}. Numbers that JSON cannot hold (NaN, infinity) are left out.
 *
 * <p>A line is one write, so a kill leaves at most the last line unfinished; reading ignores it and
 * resuming removes it.
 */
public final class MetricsLog implements Closeable {
  /** The log's file name in a run's folder. */
  public static final String FILE_NAME = "metrics.jsonl";

  /** What every kind of training may have. */
  private static final Set<String> COMMON =
      Set.of(
          "iter",
          "loss",
          "lr",
          "grad_norm",
          "ms",
          "tokens_per_s",
          "mfu",
          "train_loss",
          "val_loss",
          "bleu",
          "chrf");

  private final Path file;
  private final FileOutputStream out; // a channel would be closed by an interrupt

  private MetricsLog(Path file) throws IOException {
    this.file = file;
    this.out = new FileOutputStream(file.toFile(), true);
  }

  /**
   * Starts a new log.
   *
   * @param file where; must not exist yet
   * @return the empty log
   * @throws JambicException if the file exists or cannot be written
   */
  public static MetricsLog create(Path file) {
    try {
      Files.createFile(file);
      return new MetricsLog(file);
    } catch (FileAlreadyExistsException e) {
      throw new JambicException(
          file + " already holds a run; resume it or choose another folder", e);
    } catch (IOException e) {
      throw cannot("write", file, e);
    }
  }

  /**
   * Continues a log from an iteration, as if the lines at and after it had never been written. The
   * model does not need its log: lines that are not ones of such a log are left out, and the file
   * as it was is kept beside.
   *
   * @param file the log; created if there is none
   * @param iter the iteration at which the run continues; lines of it and later ones are dropped
   * @param notices hears what was left out, and where it is
   * @return the log, ready for the lines of {@code iter}
   * @throws JambicException if the file cannot be read or written
   */
  public static MetricsLog resume(Path file, int iter, Consumer<String> notices) {
    RunLines.resume(file, iter, notices);
    try {
      return new MetricsLog(file);
    } catch (IOException e) {
      throw cannot("continue", file, e);
    }
  }

  /** Whether there is no such log, or one that a crash ended before the first step. */
  static boolean isWithoutSteps(Path file) {
    if (!Files.exists(file)) {
      return true;
    }
    try {
      return read(file).stream().allMatch(line -> line instanceof Metrics.Evaluation);
    } catch (JambicException notOurs) {
      return false;
    }
  }

  /**
   * Appends a line.
   *
   * @param metrics what to log
   * @throws JambicException if it cannot be written, for example to a full disk
   */
  public void append(Metrics metrics) {
    try {
      String line = JSON.std.asString(fields(metrics)) + "\n";
      out.write(line.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw cannot("write", file, e);
    }
  }

  /**
   * Waits until everything appended is on the disk; a checkpoint calls it so that the log never
   * lags behind the model.
   *
   * @throws JambicException if the disk refuses, or the file is no longer there
   */
  public void sync() {
    if (!Files.exists(file)) { // writing goes on into nothing
      throw new JambicException(
          Text.format(
              "%s is gone: the run's folder was deleted or moved while it went on, so it ends; begin it again, or resume it where its folder is now",
              file));
    }
    try {
      out.getFD().sync();
    } catch (IOException e) {
      throw cannot("write", file, e);
    }
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw cannot("close", file, e);
    }
  }

  /**
   * Reads a log, also while a run is writing it.
   *
   * @param file the log
   * @return its lines in order, without an unfinished last one
   * @throws JambicException if the file cannot be read, or a line is not one of such a log
   */
  public static List<Metrics> read(Path file) {
    try {
      List<Metrics> all = new ArrayList<>();
      for (String line : RunLines.whole(file)) {
        all.add(parse(file, line));
      }
      return all;
    } catch (NoSuchFileException e) {
      throw new JambicException(file + " does not exist; name the folder of a run", e);
    } catch (IOException e) {
      throw cannot("read", file, e);
    }
  }

  private static Map<String, Object> fields(Metrics metrics) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("iter", metrics.iter());
    switch (metrics) {
      case Metrics.Step step -> {
        put(fields, "loss", step.loss());
        put(fields, "lr", step.lr());
        put(fields, "grad_norm", step.gradNorm());
        put(fields, "ms", rounded(step.ms(), 3));
        put(fields, "tokens_per_s", rounded(step.tokensPerSecond(), 1));
        step.mfu().ifPresent(mfu -> put(fields, "mfu", rounded(mfu, 4)));
        step.others().forEach((name, value) -> put(fields, name, value));
      }
      case Metrics.Evaluation evaluation -> {
        put(fields, "train_loss", evaluation.trainLoss());
        put(fields, "val_loss", evaluation.valLoss());
        evaluation.bleu().ifPresent(bleu -> put(fields, "bleu", rounded(bleu, 2)));
        evaluation.chrF().ifPresent(chrF -> put(fields, "chrf", rounded(chrF, 2)));
        evaluation.others().forEach((name, value) -> put(fields, name, value));
      }
    }
    return fields;
  }

  private static void put(Map<String, Object> fields, String name, double value) {
    if (Double.isFinite(value)) {
      fields.put(name, value);
    }
  }

  /** Times are noise past a few digits; losses keep every bit. */
  private static double rounded(double value, int decimals) {
    double scale = Math.pow(10, decimals);
    return Math.rint(value * scale) / scale;
  }

  private static Metrics parse(Path file, String line) {
    try {
      Map<String, Object> fields = JSON.std.mapFrom(line);
      if (fields == null || !(fields.get("iter") instanceof Integer iter) || iter < 0) {
        throw new JambicException(
            Text.format("%s has a line without an iteration: %s", file, ErrorText.quote(line)));
      }
      Map<String, Double> others = others(fields);
      if (fields.containsKey("val_loss")
          || fields.containsKey("train_loss")
          || others.keySet().stream().anyMatch(MetricsLog::isOfEvaluation)) {
        return new Metrics.Evaluation(
            iter,
            number(fields, "train_loss"),
            number(fields, "val_loss"),
            optional(fields, "bleu"),
            optional(fields, "chrf"),
            others);
      }
      return new Metrics.Step(
          iter,
          number(fields, "loss"),
          number(fields, "lr"),
          number(fields, "grad_norm"),
          number(fields, "ms"),
          number(fields, "tokens_per_s"),
          optional(fields, "mfu"),
          others);
    } catch (IOException e) {
      throw new JambicException(
          Text.format("%s has a line that is not JSON: %s", file, ErrorText.quote(line)), e);
    }
  }

  /** The numbers of one kind of training. */
  private static Map<String, Double> others(Map<String, Object> fields) {
    Map<String, Double> others = new LinkedHashMap<>();
    fields.forEach((name, value) -> {
      if (!COMMON.contains(name) && value instanceof Number number) {
        others.put(name, number.doubleValue());
      }
    });
    return others;
  }

  private static boolean isOfEvaluation(String name) {
    return name.startsWith(Metrics.Evaluation.EVALUATED);
  }

  private static OptionalDouble optional(Map<String, Object> fields, String name) {
    return fields.get(name) instanceof Number number
        ? OptionalDouble.of(number.doubleValue())
        : OptionalDouble.empty();
  }

  private static double number(Map<String, Object> fields, String name) {
    return fields.get(name) instanceof Number number ? number.doubleValue() : Double.NaN;
  }

  private static JambicException cannot(String verb, Path file, IOException e) {
    return new JambicException(Text.format("cannot %s %s: %s", verb, file, ErrorText.reason(e)), e);
  }
}
