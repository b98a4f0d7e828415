package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.model.Model;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Which part of a model is trained.
 *
 * @param freeze parts of the model that keep their weights, as {@code wte,h.0-5}, or {@code none}
 * @param loraRank rank of adapters (LoRA) that are trained in place of the model's weights; 0 for
 *     none
 * @param loraAlpha the adapters' scale times their rank
 * @param loraTargets linear layers that have adapters, as {@code c_attn,c_proj}
 */
public record TuningSettings(
    @Hyperparameter(
            value = "parts that keep their weights, as wte,wpe,h.0-5,h.*.ln_1; or none",
            former = FrozenParameters.NONE)
        String freeze,
    @Hyperparameter(
            value = "rank of adapters (LoRA) that are trained instead; 0 for none",
            former = "0")
        int loraRank,
    @Hyperparameter(value = "scale of the adapters times their rank", former = "16")
        double loraAlpha,
    @Hyperparameter(
            value =
                "linear layers with adapters: c_attn, attn.c_proj, c_fc, mlp.c_proj, or c_proj for both of that name",
            former = "c_attn")
        String loraTargets) {

  /** All of the model. */
  public static final TuningSettings ALL =
      new TuningSettings(FrozenParameters.NONE, 0, 16, "c_attn");

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range
   */
  public TuningSettings {
    Bounds.atLeast("loraRank", loraRank, 0);
    Bounds.finiteAndPositive("loraAlpha", loraAlpha);
    Bounds.check(
        loraRank == 0 || freeze.equals(FrozenParameters.NONE),
        "%s (%s) must be none with a %s, which leaves all of the model as it is",
        new Name("freeze"),
        freeze,
        new Name("loraRank"));
    if (loraRank > 0) {
      try {
        adapters(loraRank, loraAlpha, loraTargets, Path.of(""));
      } catch (JambicException e) { // says what is wrong with the targets
        throw new HyperparameterException(e, "%s: %s", new Name("loraTargets"), e.getMessage());
      }
    }
  }

  /**
   * The adapters that are trained in place of the model's own weights.
   *
   * @param base folder of the model
   * @return them, empty if the model itself is trained
   */
  public Optional<LoraConfig> lora(Path base) {
    return loraRank == 0
        ? Optional.empty()
        : Optional.of(adapters(loraRank, loraAlpha, loraTargets, base));
  }

  private static LoraConfig adapters(int rank, double alpha, String targets, Path base) {
    List<String> names = Arrays.stream(targets.split(",")).map(String::strip).toList();
    return new LoraConfig(rank, (float) alpha, names, base);
  }

  /**
   * Whether all of the model's weights are trained.
   *
   * @return whether nothing is frozen
   */
  public boolean trainsAll() {
    return loraRank == 0 && freeze.equals(FrozenParameters.NONE);
  }

  /**
   * Gives gradients to what a run trains: the adapters, or the weights that are not frozen.
   *
   * @param model the model
   * @param gradients where they live
   * @return the parameters among which the trained ones are
   * @throws HyperparameterException if there are to be adapters and the model has none, or a frozen
   *     part is none of the model's
   */
  public Parameters train(Model model, Region gradients) {
    if (loraRank > 0) {
      if (model.lora().isEmpty()) {
        throw new HyperparameterException(
            "%s is for a model that is there already; begin with a stored one, by %s",
            new Name("loraRank"), new Name("init", "Trainer.begin of that model"));
      }
      model.adapters().train(gradients);
      return model.adapters();
    }
    FrozenParameters frozen = FrozenParameters.of(freeze);
    frozen.requireIn(model.parameters().byName().keySet());
    model.parameters().train(gradients, name -> !frozen.covers(name));
    return model.parameters();
  }
}
