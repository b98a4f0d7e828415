package jambic.train.run;

import jambic.model.ConfigMessage;
import jambic.model.ConfigMessage.Name;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.train.config.HyperparameterException;
import jambic.train.config.RunConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What may change when a run is resumed, and what that means. */
public final class ResumeCheck {
  /** Changes nothing that is computed from one update to the next. */
  private static final Set<String> HARMLESS =
      Set.of("alwaysSaveCheckpoint", "maxIters", "evalInterval", "evalIters", "average");

  /** May change, but then the run is not the one that it would have been. */
  private static final Set<String> STEERING =
      Set.of(
          "learningRate",
          "valueLearningRate",
          "decayLr",
          "decay",
          "minLr",
          "warmupIters",
          "lrDecayIters",
          "beta1",
          "beta2",
          "eps",
          "weightDecay",
          "decayOn",
          "gradClip",
          "labelSmoothing",
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
  public static Optional<ConfigMessage> check(
      TrainingState saved, RunConfig config, String fingerprint, Path folder) {
    if (saved.iteration() > config.run().maxIters()) {
      throw new HyperparameterException(
          "%s has done %s already, more than %s (%d)",
          folder,
          ErrorText.count(saved.iteration(), "iteration"),
          new Name("maxIters"),
          config.run().maxIters());
    }
    if (!saved.data().equals(fingerprint)) {
      throw new JambicException(
          folder + " was trained on other data; resume it with the data it began with");
    }
    return changes(saved.config(), config);
  }

  private static Optional<ConfigMessage> changes(RunConfig saved, RunConfig now) {
    List<Object> steered = new ArrayList<>(); // three a hyperparameter
    List<Object> refused = new ArrayList<>();
    Map<String, Object> before = saved.toMap();
    now.toMap()
        .forEach((name, value) -> {
          Object old = before.get(name);
          if (value.equals(old) || HARMLESS.contains(name)) {
            return;
          }
          if (STEERING.contains(name)) {
            steered.addAll(List.of(new Name(name), value, old));
          } else {
            refused.addAll(List.of(new Name(name), old, value));
          }
        });
    if (!refused.isEmpty()) {
      throw new HyperparameterException(
          "a resumed run keeps its model, batches, optimizer and seed: "
              + list("%s is %s in its checkpoint, not %s", refused)
              + "; leave that as it was, or begin a new run",
          refused.toArray());
    }
    return steered.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new ConfigMessage(
                "the run goes on with "
                    + list("%s %s (was %s)", steered)
                    + ", so it will not be the one it would have been",
                steered.toArray()));
  }

  private static String list(String format, List<Object> arguments) {
    return String.join(", ", Collections.nCopies(arguments.size() / 3, format));
  }
}
