package jambic.train.config;

import jambic.model.Model;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Region;
import java.util.List;
import java.util.Map;

/**
 * Every hyperparameter of a run that trains a translator. {@link TranslationPreset} has complete
 * ones; {@link #withAll} changes some.
 *
 * @param model the model
 * @param batch how much an update learns from
 * @param run how long the run is, and when it evaluates and saves
 * @param optimizer what updates the parameters
 * @param seed what makes weights, batches and dropout these and no others
 */
public record TranslationConfig(
    TranslatorSettings model,
    PairSettings batch,
    RunSettings run,
    OptimizerSettings optimizer,
    @Hyperparameter("makes weights, batches and dropout these and no others") long seed)
    implements RunConfig {
  /**
   * Returns the names of all hyperparameters, in the order of JSON.
   *
   * @return the names
   */
  public static List<String> names() {
    return FlatRecord.names(TranslationConfig.class);
  }

  /**
   * Returns what the hyperparameters are.
   *
   * @return a line of help for each, by name, in the order of JSON
   */
  public static Map<String, String> descriptions() {
    return FlatRecord.descriptions(TranslationConfig.class);
  }

  /**
   * Makes a copy with several values changed at once, checked only together.
   *
   * @param values new values, or texts of them, by name
   * @return the changed copy
   * @throws HyperparameterException if there is no such hyperparameter (naming the nearest one), or
   *     a value is of the wrong type or out of range
   */
  public TranslationConfig withAll(Map<String, ?> values) {
    return FlatRecord.with(TranslationConfig.class, this, values);
  }

  /**
   * Reads what {@link #toJson} wrote.
   *
   * @param json the text
   * @param name what error messages call it, usually its file
   * @return the configuration
   * @throws JambicException if it is not JSON, or a hyperparameter is unknown, missing or wrong
   */
  public static TranslationConfig fromJson(String json, String name) {
    return FlatRecord.fromJson(TranslationConfig.class, json, name);
  }

  @Override
  public int gradientAccumulationSteps() {
    return batch.gradientAccumulationSteps();
  }

  @Override
  public Parameters train(Model trained, Region gradients) {
    trained.parameters().train(gradients);
    return trained.parameters();
  }

  @Override
  public String toJson() {
    return FlatRecord.toJson(this);
  }

  @Override
  public Map<String, Object> toMap() {
    return FlatRecord.toMap(this);
  }
}
