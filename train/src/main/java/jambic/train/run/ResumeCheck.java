package jambic.train.run;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.HyperparameterException;
import jambic.train.config.TrainConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What may change when a run is resumed, and what that means. */
public final class ResumeCheck {
  /** Changes nothing that is computed from one update to the next. */
  private static final Set<String> HARMLESS =
      Set.of("alwaysSaveCheckpoint", "maxIters", "evalInterval", "evalIters");

  /** May change, but then the run is not the one that it would have been. */
  private static final Set<String> STEERING =
      Set.of(
          "learningRate",
          "decayLr",
          "minLr",
          "warmupIters",
          "lrDecayIters",
          "beta1",
          "beta2",
          "eps",
          "weightDecay",
          "decayOn",
          "gradClip",
          "muonLearningRate",
          "muonMomentum");

  private ResumeCheck() {}

  /**
   * Refuses to go on with something else than the run began with.
   *
   * @param saved where the run is
   * @param config the hyperparameters that it is to go on with
   * @param fingerprint of the data that it is to go on with
   * @param folder the run's, for messages
   * @return a sentence about hyperparameters that steer it elsewhere, if there are any
   * @throws HyperparameterException if one changes that cannot (the model's, the batches', the
   *     optimizer or the seed), or {@code maxIters} lies behind the run
   * @throws JambicException if the data is other data
   */
  public static Optional<String> check(
      TrainingState saved, TrainConfig config, String fingerprint, Path folder) {
    if (saved.iteration() > config.maxIters()) {
      throw new HyperparameterException(
          Text.format(
              "%s has done %s already, more than maxIters (%d)",
              folder, ErrorText.count(saved.iteration(), "iteration"), config.maxIters()));
    }
    if (!saved.data().equals(fingerprint)) {
      throw new JambicException(
          folder + " was trained on other data; resume it with the data it began with");
    }
    return changes(saved.config(), config);
  }

  private static Optional<String> changes(TrainConfig saved, TrainConfig now) {
    List<String> steered = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    Map<String, Object> before = saved.toMap();
    now.toMap()
        .forEach((name, value) -> {
          Object old = before.get(name);
          if (value.equals(old) || HARMLESS.contains(name)) {
            return;
          }
          if (STEERING.contains(name)) {
            steered.add(Text.format("%s %s (was %s)", name, value, old));
          } else {
            refused.add(Text.format("%s is %s in its checkpoint, not %s", name, old, value));
          }
        });
    if (!refused.isEmpty()) {
      throw new HyperparameterException(
          "a resumed run keeps its model, batches, optimizer and seed: "
              + String.join(", ", refused)
              + "; leave that as it was, or begin a new run");
    }
    return steered.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Text.format(
                "the run goes on with %s, so it will not be the one it would have been",
                String.join(", ", steered)));
  }
}
