package jambic.train.stage;

import jambic.train.optim.Moment;
import jambic.train.run.RunLoop;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a stage does in an iteration and in an evaluation, and what of it a checkpoint must hold.
 * Everything else that it uses is a function of the configuration and the iteration.
 */
public interface StageWork extends RunLoop.Stage, AutoCloseable {
  /**
   * Returns what optimizers keep from one update to the next.
   *
   * @return moments by name; the same ones every time
   */
  Map<String, Moment> moments();

  /**
   * Whether several ranks can share an iteration of this stage.
   *
   * @return false where one process does it all
   */
  default boolean isShareable() {
    return false;
  }

  /**
   * Reads what {@link #save} wrote.
   *
   * @param checkpoint the folder
   * @throws IOException if that fails
   */
  default void load(Path checkpoint) throws IOException {}

  /** Frees what trained the model, not the model. */
  @Override
  void close();
}
