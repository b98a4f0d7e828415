package jambic.app.plan;

import static jambic.app.plan.Figures.line;

import jambic.model.io.ErrorText;
import jambic.model.translator.TranslatorConfig;
import jambic.train.plan.DeviceSpec;
import jambic.train.plan.Network;
import jambic.train.plan.TranslationPlan;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** A translator's plan in words and in JSON. */
public final class TranslationPlanReport {
  private TranslationPlanReport() {}

  /**
   * Tells a plan to people, with the formulas behind its figures.
   *
   * @param name what the model is called
   * @param plan its plan
   * @param network what devices talk over, if there are several
   * @return some lines of text
   */
  public static String text(String name, TranslationPlan plan, Network network) {
    StringBuilder out = new StringBuilder();
    describe(out, name, plan);
    parameters(out, plan.parameters());
    flops(out, plan);
    Figures.memory(out, plan.memory(), plan.device(), plan.leastDevices(), "--batch-tokens");
    time(out, plan);
    plan.over(network)
        .ifPresent(
            scale -> ScaleOutReport.text(out, scale, plan.config().gradientAccumulationSteps()));
    return out.toString();
  }

  private static void describe(StringBuilder out, String name, TranslationPlan plan) {
    TranslatorConfig model = plan.model();
    int steps = plan.config().run().maxIters();
    line(
        out,
        "model        %s: %d + %d layers, %s of %d, %,d wide, at most %,d tokens a side, %,d token ids",
        name,
        model.encoderLayers(),
        model.decoderLayers(),
        ErrorText.count(model.encoderHeads(), "head"),
        model.width() / model.encoderHeads(),
        model.width(),
        model.maxLength(),
        model.vocabSize());
    line(
        out,
        "run          at most %,d tokens a side in a step: %,d x %d; learning rate %s; %s, %s tokens a side",
        plan.tokensPerStep(),
        plan.config().batch().batchTokens(),
        plan.config().gradientAccumulationSteps(),
        Figures.rate(plan.config().optimizer().learningRate()),
        ErrorText.count(steps, "step"),
        Figures.count((double) plan.tokensPerStep() * steps));
  }

  private static void parameters(StringBuilder out, Map<String, Long> parts) {
    long all = parts.values().stream().mapToLong(Long::longValue).sum();
    line(out, "");
    line(out, "parameters   %,d; positions are computed, and the head is the embedding", all);
    parts.forEach(
        (part, number) -> line(out, "  %-24s %,16d  %5.1f %%", part, number, 100.0 * number / all));
  }

  private static void flops(StringBuilder out, TranslationPlan plan) {
    double forward = plan.flopsPerToken() / 3;
    line(out, "");
    line(
        out,
        "FLOPs        %s a token of both sides, %s a step, %s the run",
        Figures.flop(plan.flopsPerToken()),
        Figures.flop(plan.flopsPerStep()),
        Figures.flop(plan.flopsPerStep() * plan.config().run().maxIters()));
    line(
        out,
        "             at most: batches are full, and pairs as long as they may be; 3 x the forward pass of");
    line(out, "             a token of either side, each product of (n, k) and (k, m) as 2 n k m:");
    plan.forward()
        .forEach((part, number) ->
            line(out, "  %-24s %,16.0f  %5.1f %%", part, number, 100 * number / forward));
  }

  private static void time(StringBuilder out, TranslationPlan plan) {
    DeviceSpec device = plan.device();
    line(out, "");
    if (device.peak().isEmpty()) {
      line(out, "time         unknown: the peak of %s is", device.description());
      return;
    }
    double step = plan.secondsPerStep().orElseThrow();
    line(
        out,
        "time         %s: %s a step, %s tokens a side in a second",
        Figures.duration(step * plan.config().run().maxIters()),
        Figures.duration(step),
        Figures.count(plan.tokensPerStep() / step));
    line(
        out,
        "             on %,d x %s (%s), %s/s each at best, at an assumed MFU of %s %%",
        plan.devices(),
        device.name(),
        device.description(),
        Figures.flop(device.peak().getAsDouble()),
        Figures.number(100 * plan.mfu()));
    if (plan.occupancy() < 1) {
      line(
          out,
          "             busy %s %% of the time: a step's %,d micro batches are divided among them",
          Figures.number(100 * plan.occupancy()),
          plan.config().gradientAccumulationSteps());
    }
  }

  /**
   * Tells a plan to scripts.
   *
   * @param name what the model is called
   * @param plan its plan
   * @param network what devices talk over, if there are several
   * @return FLOPs, bytes and seconds by name
   */
  public static Map<String, Object> fields(String name, TranslationPlan plan, Network network) {
    TranslatorConfig model = plan.model();
    int steps = plan.config().run().maxIters();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", name);
    fields.put("encoder_layers", model.encoderLayers());
    fields.put("decoder_layers", model.decoderLayers());
    fields.put("heads", model.encoderHeads());
    fields.put("width", model.width());
    fields.put("inner", model.encoderInner());
    fields.put("max_length", model.maxLength());
    fields.put("vocab_size", model.vocabSize());
    fields.put("parameters", model.parameterCount());
    fields.put("parameters_by_part", plan.parameters());
    fields.put("flops_per_token", plan.flopsPerToken());
    fields.put("flops_forward_per_token_by_part", plan.forward());
    fields.put("flops_per_step", plan.flopsPerStep());
    fields.put("flops", plan.flopsPerStep() * steps);
    fields.put("memory", Figures.memory(plan.memory()));
    DeviceSpec device = plan.device();
    fields.put("precision", device.precision().name().toLowerCase(Locale.ROOT));
    fields.put("device", device.name());
    fields.put("device_description", device.description());
    fields.put("device_memory", device.memory());
    device.peak().ifPresent(peak -> fields.put("device_peak_flops", peak));
    fields.put("devices", plan.devices());
    fields.put("devices_busy", plan.occupancy());
    fields.put("fits", plan.fits());
    fields.put("least_devices", plan.leastDevices());
    plan.over(network)
        .ifPresent(scale ->
            fields.put(
                "scale_out",
                ScaleOutReport.fields(scale, plan.config().gradientAccumulationSteps())));
    fields.put("mfu", plan.mfu());
    fields.put("learning_rate", plan.config().optimizer().learningRate());
    fields.put("tokens_per_step", plan.tokensPerStep());
    fields.put("steps", steps);
    plan.secondsPerStep()
        .ifPresent(step -> {
          fields.put("step_s", step);
          fields.put("seconds", step * steps);
        });
    return fields;
  }
}
