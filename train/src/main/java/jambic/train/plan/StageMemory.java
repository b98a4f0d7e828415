package jambic.train.plan;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.LoraConfig;
import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.meta.MetaBackend;
import jambic.tensor.text.Text;
import jambic.train.config.TuningSettings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Tells how much memory the models of a stage of alignment take, without activations and caches:
 * each number has 4 bytes, and a trained one a gradient and two moments besides.
 *
 * @param stage the stage's name
 * @param models bytes by model
 */
public record StageMemory(String stage, SequencedMap<String, Long> models) {
  /** The stages that are known. */
  public static final List<String> STAGES =
      List.of("sft", "classify", "reward", "dpo", "kto", "ppo", "grpo");

  private static final long KEPT = 4;
  private static final long TRAINED = 16;

  /**
   * Counts the bytes.
   *
   * @param stage the stage's name
   * @param parameters of the model
   * @param adapters parameters of the adapters that are trained in place of the model's own; 0 for
   *     none
   * @return the models
   * @throws JambicException if there is no such stage, or it has no adapters
   */
  public static StageMemory of(String stage, long parameters, long adapters) {
    if (!STAGES.contains(stage)) {
      throw new JambicException(
          Text.format("there is no stage %s; %s are", stage, String.join(", ", STAGES)));
    }
    if (adapters > 0 && List.of("classify", "reward").contains(stage)) {
      throw new JambicException(
          Text.format("the stage %s trains a model whole; it has no adapters", stage));
    }
    SequencedMap<String, Long> models = new LinkedHashMap<>();
    models.put(
        "trained", adapters > 0 ? KEPT * parameters + TRAINED * adapters : TRAINED * parameters);
    switch (stage) {
      case "ppo" -> {
        models.put("value model, trained too", TRAINED * parameters);
        models.put("reference", KEPT * parameters);
        models.put("reward model", KEPT * parameters);
      }
      case "grpo" -> {
        models.put("reference", KEPT * parameters);
        models.put("reward model, if it is one", KEPT * parameters);
      }
      case "dpo", "kto" -> models.put("reference, until training begins", KEPT * parameters);
      default -> {}
    }
    return new StageMemory(stage, models);
  }

  /**
   * Counts the bytes of a stage.
   *
   * @param stage the stage's name
   * @param tuning what of the model is trained
   * @param shape the model
   * @return the models
   * @throws JambicException if there is no such stage, or it has no adapters
   */
  public static StageMemory of(String stage, TuningSettings tuning, GptConfig shape) {
    long adapters = 0;
    Optional<LoraConfig> lora = tuning.lora(Path.of(""));
    if (lora.isPresent()) {
      try (MetaBackend paper = new MetaBackend(DType.F32);
          Gpt gpt = new Gpt(paper, shape, lora)) {
        adapters = gpt.adapters().count();
      }
    }
    return of(stage, shape.parameterCount(), adapters);
  }

  /**
   * Sums up.
   *
   * @return bytes of all models
   */
  public long total() {
    return models.values().stream().mapToLong(Long::longValue).sum();
  }

  /**
   * Returns what it is made of, for programs.
   *
   * @return a fresh map
   */
  public Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("stage", stage);
    fields.put("models", models);
    fields.put("total", total());
    return fields;
  }
}
