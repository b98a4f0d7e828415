package jambic.train.run;

import jambic.model.Model;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.generate.GenerationConfig;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.optim.Moment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * The checkpoints that a run writes.
 *
 * @param <M> the model
 * @param folder the run's
 * @param format how its models are stored
 * @param model what is saved
 * @param tokenizer of the model, saved with it
 * @param template how the model is talked to, saved with it
 */
public record RunCheckpoints<M extends Model>(
    Path folder,
    ModelFormat<?, M> format,
    M model,
    Optional<Tokenizer> tokenizer,
    Optional<ChatTemplate> template) {
  /** The name of the newest checkpoint in a run's folder. */
  public static final String LAST = "last";

  /** The name of the best checkpoint in a run's folder. */
  public static final String BEST = "best";

  /** The name of the mean of the kept checkpoints in a run's folder. */
  public static final String AVERAGED = "averaged";

  private static final String KEPT = "iteration-";

  /**
   * The checkpoints of a model that goes on with texts.
   *
   * @param folder the run's
   * @param format how its models are stored
   * @param model what is saved
   * @param tokenizer of the model, saved with it
   */
  public RunCheckpoints(
      Path folder, ModelFormat<?, M> format, M model, Optional<Tokenizer> tokenizer) {
    this(folder, format, model, tokenizer, Optional.empty());
  }

  /** Saves the model alone, and deletes all kept before but the newest ones. */
  void keep(int iteration, int count) {
    save(iteration, KEPT + iteration, temporary -> {});
    List<Path> kept = keptUntil(iteration);
    kept.subList(0, Math.max(0, kept.size() - count)).forEach(AtomicFolder::delete);
  }

  /** Saves the mean of the newest kept ones, and returns how many they are. */
  int saveAveraged(int iteration, int count) {
    List<Path> kept = keptUntil(iteration);
    List<Path> newest = kept.subList(Math.max(0, kept.size() - count), kept.size());
    Path checkpoint = folder.resolve(AVERAGED);
    try {
      TrainingEvents.checkpoint(
          iteration,
          AVERAGED,
          () ->
              Checkpoint.saveMean(
                  format, checkpoint, model, tokenizer, newest, this::describeChat));
      return newest.size();
    } catch (JambicException e) {
      throw withKept(e);
    }
  }

  /** Those of this iteration and before, the oldest first; a crash may have left a newer one. */
  private List<Path> keptUntil(int iteration) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> keptAt(file).stream().anyMatch(at -> at <= iteration))
          .sorted(Comparator.comparingInt(file -> keptAt(file).orElseThrow()))
          .toList();
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", folder, ErrorText.reason(e)), e);
    }
  }

  private static OptionalInt keptAt(Path file) {
    String name = file.getFileName().toString();
    return name.matches(KEPT + "\\d{1,9}")
        ? OptionalInt.of(Integer.parseInt(name.substring(KEPT.length())))
        : OptionalInt.empty();
  }

  /** Saves the model alone. */
  void saveBest(int iteration) {
    save(iteration, BEST, temporary -> {});
  }

  /** Saves all that resuming needs. */
  void saveLast(TrainingState now, Map<String, Moment> moments, AtomicFolder.Writer others) {
    save(
        now.iteration(),
        LAST,
        temporary -> {
          now.write(temporary, moments);
          others.writeTo(temporary);
        });
  }

  private void save(int iteration, String name, AtomicFolder.Writer others) {
    Path checkpoint = folder.resolve(name);
    try {
      TrainingEvents.checkpoint(
          iteration,
          name,
          () ->
              Checkpoint.save(
                  format,
                  checkpoint,
                  model,
                  tokenizer,
                  temporary -> {
                    describeChat(temporary);
                    others.writeTo(temporary);
                  }));
    } catch (JambicException e) {
      throw withKept(e);
    }
  }

  /** A conversation's answer ends with the template's token, not with the end of a text. */
  private void describeChat(Path checkpoint) throws IOException {
    if (template.isPresent() && tokenizer.isPresent()) {
      template.get().save(checkpoint);
      GenerationConfig.write(checkpoint, template.get().stopTokens(tokenizer.get()));
    }
  }

  /** A failure that ends a run and can be mended, with what it leaves. */
  JambicException withKept(JambicException e) {
    String remedy = isThereLast() ? ", from which the run can be resumed when that is mended" : "";
    return new JambicException(Text.format("%s; %s%s", e.getMessage(), kept(), remedy), e);
  }

  /**
   * What a run that fails leaves, to end a sentence with.
   *
   * @return words that name the checkpoint, or say that there is none
   */
  public String kept() {
    return isThereLast()
        ? "the checkpoint before it is kept in " + folder.resolve(LAST)
        : "there was no checkpoint yet";
  }

  private boolean isThereLast() {
    return AtomicFolder.exists(folder.resolve(LAST));
  }
}
