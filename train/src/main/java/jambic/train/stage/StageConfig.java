package jambic.train.stage;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.Model;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.config.FlatRecord;
import jambic.train.config.OptimizerSettings;
import jambic.train.config.RunConfig;
import jambic.train.config.RunSettings;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Every hyperparameter of a stage: a record of {@link FineTuning} and what is the stage's own. */
public interface StageConfig extends RunConfig {
  /**
   * Returns the stage's name, that of its command.
   *
   * @return such as {@code dpo}
   */
  String stage();

  /**
   * Returns what all stages have in common.
   *
   * @return the settings
   */
  FineTuning common();

  @Override
  default RunSettings run() {
    return common().run();
  }

  @Override
  default OptimizerSettings optimizer() {
    return common().optimizer();
  }

  @Override
  default int gradientAccumulationSteps() {
    return common().batch().gradientAccumulationSteps();
  }

  @Override
  default long seed() {
    return common().seed();
  }

  @Override
  default Parameters train(Model model, Region gradients) {
    return common().tuning().train(model, gradients);
  }

  @Override
  default Map<String, Object> toMap() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put(STAGE_KEY, stage());
    all.putAll(FlatRecord.toMap((Record) this));
    return all;
  }

  @Override
  default String toJson() {
    try {
      return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(toMap()) + "\n";
    } catch (IOException e) {
      throw new IllegalStateException("numbers and strings always have JSON", e);
    }
  }

  /**
   * Reads a stage's configuration.
   *
   * @param <C> its type
   * @param type the same
   * @param stage the stage's name
   * @return what reads it, and refuses that of another stage
   */
  static <C extends Record & StageConfig> RunConfig.Reader reader(Class<C> type, String stage) {
    return (values, json, name) -> {
      Object found = values.get(STAGE_KEY);
      if (!stage.equals(found)) {
        throw new JambicException(
            Text.format(
                "%s is of a run of 'jambic %s', not of 'jambic %s'; go on with that command",
                name, found == null ? "train" : found, stage));
      }
      try {
        Map<String, Object> own = JSON.std.mapFrom(json);
        own.remove(STAGE_KEY);
        return FlatRecord.fromJson(type, JSON.std.asString(own), name);
      } catch (IOException e) {
        throw new JambicException(name + " is not JSON", e);
      }
    };
  }
}
