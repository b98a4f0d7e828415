package jambic.train.config;

import jambic.model.Model;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import java.util.Map;

/** Every hyperparameter of a run, as far as all kinds of runs have them. */
public interface RunConfig {
  /** The key under which the JSON of a stage of alignment names it. */
  String STAGE_KEY = "stage";

  /** The name of a hyperparameter that only translators have. */
  String OF_TRANSLATORS = "encoderLayers";

  /**
   * Returns how long the run is, and when it evaluates and saves.
   *
   * @return the settings
   */
  RunSettings run();

  /**
   * Returns what updates the parameters.
   *
   * @return the settings
   */
  OptimizerSettings optimizer();

  /**
   * Returns how many micro batches are behind one update.
   *
   * @return at least 1
   */
  int gradientAccumulationSteps();

  /**
   * Returns what makes weights, batches and dropout these and no others.
   *
   * @return the seed
   */
  long seed();

  /**
   * Gives gradients to what is trained of a model.
   *
   * @param model the model
   * @param gradients where they live
   * @return the parameters that are trained, perhaps with frozen ones among them
   * @throws HyperparameterException if there is nothing to train
   */
  Parameters train(Model model, Region gradients);

  /**
   * Writes the configuration as JSON.
   *
   * @return an object with every hyperparameter by name
   */
  String toJson();

  /**
   * Returns all values by name, in the order of JSON; choices as the text that flags use.
   *
   * @return a fresh map
   */
  Map<String, Object> toMap();

  /** Reads the configuration of a run. */
  @FunctionalInterface
  interface Reader {
    /**
     * Reads a configuration.
     *
     * @param values what {@link #toMap} returned, or a file says
     * @param json the same as text
     * @param name what error messages call it, usually its file
     * @return the configuration
     * @throws JambicException if a hyperparameter is unknown, missing or wrong
     */
    RunConfig read(Map<?, ?> values, String json, String name);
  }

  /**
   * Reads the configuration of a GPT's pre-training or of a translator.
   *
   * @param values what {@link #toMap} returned, or a file says
   * @param json the same as text
   * @param name what error messages call it, usually its file
   * @return the configuration
   * @throws JambicException if a hyperparameter is unknown, missing or wrong
   */
  static RunConfig of(Map<?, ?> values, String json, String name) {
    if (values.containsKey(STAGE_KEY)) {
      throw new JambicException(
          Text.format(
              "%s is of a run of 'jambic %s'; go on with that command",
              name, values.get(STAGE_KEY)));
    }
    return values.containsKey(OF_TRANSLATORS)
        ? TranslationConfig.fromJson(json, name)
        : TrainConfig.fromJson(json, name);
  }
}
