package jambic.app.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.data.HuggingFaceCache;
import jambic.app.data.TrainingData;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.AtomicFile;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunCheckpoints;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What the command line keeps in a run's folder besides the engine's files: {@code run.json}, which
 * says what was run, and the curve.
 *
 * @param path the folder
 */
public record RunFolder(Path path) {
  /** The names of the curve. */
  public static final List<String> CURVES = List.of("loss.svg", "loss.png");

  /** The name of the file that says what was run. */
  public static final String RECORD = "run.json";

  private static final int LONGEST_NAME = 40;

  /**
   * Makes a folder that no other run has.
   *
   * @param parent where
   * @param name of the runs in it, which are numbered from 1
   */
  public static RunFolder fresh(Path parent, String name) {
    try {
      Files.createDirectories(parent);
      for (int number = 1; ; number++) {
        Path path = parent.resolve(name + "-" + number);
        try {
          return new RunFolder(Files.createDirectory(path));
        } catch (FileAlreadyExistsException e) {
          // The next number, then.
        }
      }
    } catch (IOException e) {
      throw new JambicException(
          Text.format(
              "cannot make a folder in %s: %s; name one with --out", parent, ErrorText.reason(e)),
          e);
    }
  }

  /**
   * What a text or folder is called in the name of a run: its own name without its ending, of
   * letters that need no quotes.
   */
  public static String shortName(String data) {
    Path file = Path.of(data).toAbsolutePath().normalize().getFileName();
    String name = file == null ? "" : file.toString();
    String plain =
        name.replaceFirst("(?<=.)\\.[^.]*$", "")
            .replaceAll("[^\\p{L}\\p{N}._-]+", "-")
            .replaceAll("^[.-]+|[.-]+$", "");
    int length = plain.codePointCount(0, plain.length());
    String cut =
        length > LONGEST_NAME
            ? plain.substring(0, plain.offsetByCodePoints(0, LONGEST_NAME))
            : plain;
    return cut.isEmpty() ? "data" : cut;
  }

  /**
   * Where a model lies.
   *
   * @param path a run's folder (its best checkpoint, else its last), that of a checkpoint, a
   *     checkpoint that is one file, or a folder of Hugging Face's cache
   */
  public static Path checkpoint(Path path) {
    if (!Files.exists(path)) {
      throw new JambicException(
          path + " does not exist; name the folder of a run or of a checkpoint");
    }
    if (!Files.isDirectory(path)) {
      return path; // nanoGPT's ckpt.pt, or opening it says what to name
    }
    AtomicFolder.requireReadable(path);
    return Stream.of(RunCheckpoints.BEST, RunCheckpoints.LAST)
        .map(path::resolve)
        .filter(AtomicFolder::exists)
        .findFirst()
        .orElseGet(() -> HuggingFaceCache.resolve(path));
  }

  /** The tokenizer of a checkpoint, without which no text can be read or written. */
  public static Tokenizer tokenizer(Checkpoint<?, ?> checkpoint) {
    return checkpoint
        .tokenizer()
        .orElseThrow(() ->
            new JambicException(
                checkpoint.folder() + " has no " + vocabulary(checkpoint.folder())));
  }

  private static String vocabulary(Path model) {
    return Files.isRegularFile(model) || !Files.exists(model.resolve("config.json"))
        ? "vocabulary, so it can neither read nor write text; put the meta.pkl of the data that it was"
            + " trained on, or a tokenizer.json, beside its ckpt.pt (or name the folder that has it"
            + " with --tokenizer, to train)"
        : "tokenizer.json, so it can neither read nor write text; put there the one it was trained"
            + " with";
  }

  /**
   * The tokenizer of a checkpoint or, where it has none, that of the prepared data which it is used
   * with, if it is for as many tokens.
   */
  public static Tokenizer tokenizer(Checkpoint<GptConfig, Gpt> checkpoint, Optional<String> data) {
    if (checkpoint.tokenizer().isPresent()) {
      return checkpoint.tokenizer().get();
    }
    Tokenizer other = data.flatMap(TrainingData::vocabulary).orElseGet(() -> tokenizer(checkpoint));
    if (other.vocabSize() != checkpoint.config().vocabSize()) {
      throw new JambicException(
          Text.format(
                  "%s has no tokenizer.json, and that of %s has %s but the model %d; put there the one it was",
                  checkpoint.folder(),
                  data.orElseThrow(),
                  ErrorText.count(other.vocabSize(), "token"),
                  checkpoint.config().vocabSize())
              + " trained with");
    }
    return other;
  }

  /** The run that a path lies in: the folder itself, or that of the checkpoint. */
  public static RunFolder of(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    boolean inside = !Files.exists(absolute.resolve(RECORD)) && absolute.getParent() != null;
    return new RunFolder(inside ? absolute.getParent() : absolute);
  }

  /** Refuses a folder that is of something else than a run, if a run's files would overwrite it. */
  public void requireOwn() {
    boolean recorded =
        Files.exists(path.resolve(RECORD)) && record().values().containsKey(RunRecord.ENGINE);
    if (recorded || AtomicFolder.exists(path.resolve(RunCheckpoints.LAST))) {
      return;
    }
    Stream.concat(Stream.of(RECORD, MetricsLog.FILE_NAME), CURVES.stream())
        .filter(name -> Files.exists(path.resolve(name)))
        .findFirst()
        .ifPresent(name -> {
          throw new JambicException(
              Text.format(
                  "%s holds a %s that is not of a run; name another folder with --out",
                  path, name));
        });
  }

  /** Deletes the folder if nothing is in it, and so the one around it. */
  public void deleteIfEmpty() {
    try {
      Files.delete(path);
      Files.delete(path.getParent());
    } catch (IOException notEmpty) {
      // Then it is worth keeping.
    }
  }

  /** Notes what is run here. */
  public void write(Map<String, ?> record) {
    try {
      Files.createDirectories(path);
      String json = JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(record);
      AtomicFile.writeString(path.resolve(RECORD), json + "\n");
    } catch (IOException e) {
      throw new JambicException(
          Text.format(
              "cannot write to %s: %s; name another folder with --out", path, ErrorText.reason(e)),
          e);
    }
  }

  /** Whether it is noted here what was run. */
  public boolean isRecorded() {
    return Files.exists(path.resolve(RECORD));
  }

  /** What is noted of it. */
  public RunRecord record() {
    return RunRecord.read(path.resolve(RECORD), "restore it, or delete it");
  }

  /** The same for {@code train}, which can go on without what is noted. */
  public RunRecord recordToResume() {
    return RunRecord.read(path.resolve(RECORD), "delete it, and name the text with --data");
  }

  /** A sentence about another backend or type than the run's own, if it is to go on with one. */
  public Optional<String> moved(String backend, Optional<String> dtype) {
    RunRecord record = record();
    if (record.backend().isEmpty()) {
      return Optional.empty();
    }
    String own = record.backend().get();
    String ownType = BackendOptions.typeOf(own, record.dtype());
    String type = BackendOptions.typeOf(backend, dtype);
    List<String> changes = new ArrayList<>();
    if (!own.equals(backend)) {
      changes.add(Text.format("backend %s (was %s)", backend, own));
    }
    if (!ownType.equals(type)) {
      changes.add(Text.format("dtype %s (was %s)", type, ownType));
    }
    return changes.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Text.format(
                "the run goes on with %s, so it will not be the one it would have been",
                String.join(", ", changes)));
  }
}
