package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.model.Model;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Region;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Every hyperparameter of a run, by nanoGPT's names. {@link Preset} has complete ones; {@link
 * #with} changes one at a time. Flags and JSON list them flat; here each stands with those that it
 * belongs to. A new one is a component of its part.
 *
 * @param model the model
 * @param batch how much an update learns from
 * @param run how long the run is, and when it evaluates and saves
 * @param optimizer what updates the parameters
 * @param tuning which part of the model is trained
 * @param seed what makes weights, batches and dropout these and no others
 */
public record TrainConfig(
    GptSettings model,
    BatchSettings batch,
    RunSettings run,
    OptimizerSettings optimizer,
    TuningSettings tuning,
    @Hyperparameter("makes weights, batches and dropout these and no others") long seed)
    implements RunConfig {

  /**
   * Checks what concerns more than one part.
   *
   * @throws HyperparameterException if parts do not fit each other
   */
  public TrainConfig {
    Bounds.check(
        (long) batch.batchSize() * model.blockSize() <= Integer.MAX_VALUE,
        "%s (%d) times %s (%d) must stay below 2^31 tokens",
        new Name("batchSize"),
        batch.batchSize(),
        new Name("blockSize"),
        model.blockSize());
    Bounds.check(
        tuning.loraRank() <= model.nEmbd(),
        "%s (%d) must not exceed %s (%d): the weights themselves are no larger",
        new Name("loraRank"),
        tuning.loraRank(),
        new Name("nEmbd"),
        model.nEmbd());
    Bounds.check(
        run.average() == 0 || tuning.loraRank() == 0,
        "%s (%d) must be 0 with a %s: the mean of adapters is not that of the models they make",
        new Name("average"),
        run.average(),
        new Name("loraRank"));
  }

  /**
   * The model to train.
   *
   * @param vocabSize the number of token ids of the data
   * @return its shape
   * @throws JambicException if it would have more parameters than can be counted
   */
  public GptConfig gpt(int vocabSize) {
    return model.gpt(vocabSize);
  }

  /**
   * How its weights start.
   *
   * @return the initialization
   */
  public Initializer init() {
    return model.init(seed);
  }

  /**
   * The tokens behind one update.
   *
   * @return windows times context times accumulation steps
   */
  public long tokensPerIter() {
    return (long) batch.batchSize() * model.blockSize() * batch.gradientAccumulationSteps();
  }

  /**
   * The names of all hyperparameters, in the order of JSON.
   *
   * @return the names
   */
  public static List<String> names() {
    return FlatRecord.names(TrainConfig.class);
  }

  /**
   * What hyperparameters are.
   *
   * @param settings this record, or one of its parts
   * @return a line of help for each, by name, in the order of JSON
   */
  public static Map<String, String> descriptions(Class<? extends Record> settings) {
    return FlatRecord.descriptions(settings);
  }

  /**
   * A copy with one value changed.
   *
   * @param name the hyperparameter, as in the settings
   * @param value its value, or that value as text
   * @return the changed copy
   * @throws HyperparameterException if there is no such hyperparameter (naming the nearest one), or
   *     the value is of the wrong type or out of range
   */
  public TrainConfig with(String name, Object value) {
    return withAll(Collections.singletonMap(name, value));
  }

  /**
   * A copy with several values changed at once, checked only together.
   *
   * @param values new values, or texts of them, by name
   * @return the changed copy
   * @throws HyperparameterException as {@link #with}
   */
  public TrainConfig withAll(Map<String, ?> values) {
    return FlatRecord.with(TrainConfig.class, this, values);
  }

  /**
   * Reads what {@link #toJson} wrote.
   *
   * @param json the text
   * @param name what error messages call it, usually its file
   * @return the configuration
   * @throws JambicException if it is not JSON, or a hyperparameter is unknown, missing or wrong
   */
  public static TrainConfig fromJson(String json, String name) {
    return FlatRecord.fromJson(TrainConfig.class, json, name);
  }

  @Override
  public int gradientAccumulationSteps() {
    return batch.gradientAccumulationSteps();
  }

  @Override
  public Parameters train(Model trained, Region gradients) {
    return tuning.train(trained, gradients);
  }

  @Override
  public String toJson() {
    return FlatRecord.toJson(this);
  }

  @Override
  public Map<String, Object> toMap() {
    return FlatRecord.toMap(this);
  }

  /**
   * A choice as flags and JSON spell it: {@code GELU_ERF} is {@code gelu-erf}.
   *
   * @param choice a constant of one of the choices
   * @return its name
   */
  public static String text(Object choice) {
    return FlatRecord.text(choice);
  }
}
