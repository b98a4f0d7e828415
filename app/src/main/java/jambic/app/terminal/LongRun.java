package jambic.app.terminal;

import jambic.model.gpt.GptConfig;
import jambic.tensor.text.Text;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.plan.ModelFlops;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Tells of a run that takes long how long that is, and what would be quicker.
 *
 * @param config the run's
 * @param model what it trains
 * @param start what it began with, which decides whether a smaller model can be chosen
 * @param backend where it computes
 */
public record LongRun(TrainConfig config, GptConfig model, Start start, String backend) {
  private static final Duration LONG = Duration.ofMinutes(30);
  private static final long GPT2_PARAMETERS = 124_439_808; // the smallest of OpenAI's

  /** What a run began with. */
  public enum Start {
    /** Random weights of a preset's shape. */
    PRESET,
    /** A stored model. */
    MODEL,
    /** Its own checkpoint, so that nothing can be chosen any more. */
    RESUMED
  }

  /**
   * Returns the sentence for a run that takes long.
   *
   * @param millisLeft what is left of the run, by its measured speed
   * @return the sentence; empty for any other run
   */
  public Optional<String> notice(double millisLeft) {
    if (millisLeft <= LONG.toMillis()) {
      return Optional.empty();
    }
    List<String> quicker = new ArrayList<>();
    smaller(millisLeft).ifPresent(quicker::add);
    if (!backend.equals("cuda")) {
      quicker.add("an NVIDIA GPU (--backend cuda)");
    }
    if (quicker.isEmpty()) {
      quicker.add("fewer --max-iters");
    }
    return Optional.of(
        Text.format(
            "this run will take about %s more here; quicker: %s",
            duration(millisLeft), String.join(", or ", quicker)));
  }

  /**
   * The same for a run that has no smaller presets to choose from.
   *
   * @param millisLeft what is left of the run, by its measured speed
   * @return the sentence, empty for a run that does not take long
   */
  public static Optional<String> plainNotice(double millisLeft) {
    return millisLeft <= LONG.toMillis()
        ? Optional.empty()
        : Optional.of(
            Text.format(
                "this run will take about %s more here; quicker: fewer --max-iters",
                duration(millisLeft)));
  }

  private Optional<String> smaller(double millisLeft) {
    return switch (start) {
      case PRESET ->
          preset(millisLeft)
              .map(preset -> "--preset " + preset.presetName())
              .or(() -> Optional.of("fewer --max-iters"));
      case MODEL ->
          model.parameterCount() > GPT2_PARAMETERS ? Optional.of("--init gpt2") : Optional.empty();
      case RESUMED -> Optional.empty();
    };
  }

  /** The largest preset that is smaller and not long itself, by its FLOPs. */
  private Optional<Preset> preset(double millisLeft) {
    double update = flopsOfUpdate(config, model);
    double millisPerFlop = millisLeft / (update * config.run().maxIters());
    return Arrays.stream(Preset.values())
        .filter(preset -> preset.init().isEmpty())
        .filter(preset -> flopsOfUpdate(preset) < update)
        .filter(preset -> flops(preset) * millisPerFlop <= LONG.toMillis())
        .max(Comparator.comparingDouble(this::flops));
  }

  private double flops(Preset preset) {
    return flopsOfUpdate(preset) * preset.config().run().maxIters();
  }

  private double flopsOfUpdate(Preset preset) {
    return flopsOfUpdate(preset.config(), preset.config().gpt(model.vocabSize()));
  }

  private static double flopsOfUpdate(TrainConfig config, GptConfig model) {
    return ModelFlops.perToken(model) * config.tokensPerIter();
  }

  private static String duration(double millis) {
    double minutes = millis / 60e3;
    double hours = minutes / 60;
    return minutes < 120
        ? Text.format("%.0f minutes", minutes)
        : hours < 48 ? Text.format("%.0f hours", hours) : Text.format("%.0f days", hours / 24);
  }
}
