package jambic.train.run;

import jambic.model.Model;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.io.AtomicFolder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.optim.Optimizer;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The checkpoints that a run writes.
 *
 * @param <M> the model
 * @param folder the run's
 * @param format how its models are stored
 * @param model what is saved
 * @param tokenizer of the model, saved with it
 */
public record RunCheckpoints<M extends Model>(
    Path folder, ModelFormat<?, M> format, M model, Optional<Tokenizer> tokenizer) {
  /** The name of the newest checkpoint in a run's folder. */
  public static final String LAST = "last";

  /** The name of the best checkpoint in a run's folder. */
  public static final String BEST = "best";

  /** Saves the model alone. */
  void saveBest(int iteration) {
    save(iteration, BEST, temporary -> {});
  }

  /** Saves all that resuming needs. */
  void saveLast(TrainingState now, Optimizer optimizer) {
    save(now.iteration(), LAST, temporary -> now.write(temporary, optimizer.state()));
  }

  private void save(int iteration, String name, AtomicFolder.Writer others) {
    Path checkpoint = folder.resolve(name);
    try {
      TrainingEvents.checkpoint(
          iteration, name, () -> Checkpoint.save(format, checkpoint, model, tokenizer, others));
    } catch (JambicException e) {
      throw withKept(e);
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
