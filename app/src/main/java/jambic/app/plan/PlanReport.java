package jambic.app.plan;

import static java.util.Locale.ROOT;

import jambic.model.gpt.GptConfig;
import jambic.model.gpt.PublishedGpt;
import jambic.model.io.ErrorText;
import jambic.tensor.text.Text;
import jambic.train.plan.Chinchilla;
import jambic.train.plan.DeviceSpec;
import jambic.train.plan.ForwardFlops;
import jambic.train.plan.Network;
import jambic.train.plan.ParameterCount;
import jambic.train.plan.Plan;
import jambic.train.plan.StageMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** A GPT's plan in words and in JSON. */
public final class PlanReport {
  private PlanReport() {}

  /**
   * Tells a plan to people, with the formulas behind its figures.
   *
   * @param name what the model is called
   * @param plan its plan
   * @param network what devices talk over, if there are several
   * @return some lines of text
   */
  public static String text(String name, Plan plan, Network network) {
    StringBuilder out = new StringBuilder();
    describe(out, name, plan);
    parameters(out, plan.parameters());
    flops(out, plan);
    Figures.memory(out, plan.memory(), plan.device(), plan.leastDevices(), "--batch-size");
    time(out, plan);
    plan.over(network)
        .ifPresent(
            scale -> ScaleOutReport.text(out, scale, plan.config().gradientAccumulationSteps()));
    return out.toString();
  }

  private static void describe(StringBuilder out, String name, Plan plan) {
    GptConfig model = plan.model();
    Figures.line(
        out,
        "model        %s: %s, %s of %d, %,d wide, context %,d, %,d token ids",
        name,
        ErrorText.count(model.nLayer(), "layer"),
        ErrorText.count(model.nHead(), "head"),
        model.headSize(),
        model.nEmbd(),
        model.blockSize(),
        model.vocabSize());
    Figures.line(
        out,
        "run          %s a step: %s x %d; learning rate %s; %s tokens, %s",
        ErrorText.count(plan.config().tokensPerIter(), "token"),
        ErrorText.count(plan.config().batch().batchSize(), "window"),
        plan.config().batch().gradientAccumulationSteps(),
        Double.toString(plan.config().optimizer().learningRate())
            .replace(".0E", "e")
            .replace('E', 'e'),
        Figures.count(plan.tokens()),
        ErrorText.count(plan.iterations(), "step"));
    note(name, out);
  }

  /** What the models of a stage take. */
  public static String text(String name, StageMemory memory) {
    StringBuilder out = new StringBuilder();
    Figures.line(out, "stage        %s of %s", memory.stage(), name);
    Figures.line(
        out,
        "memory       %s for its models, in 32 bits; activations and the cache of answers come on"
            + " top",
        Figures.human(memory.total()));
    memory
        .models()
        .forEach((model, bytes) -> Figures.line(out, "  %-32s %12s", model, Figures.human(bytes)));
    return out.toString();
  }

  private static void note(String name, StringBuilder out) {
    PublishedGpt.named(name)
        .flatMap(PublishedGpt::note)
        .ifPresent(note -> Figures.line(out, "             %s", note));
  }

  private static void parameters(StringBuilder out, ParameterCount count) {
    Figures.line(out, "");
    Figures.line(
        out,
        "parameters   %,d; %,d without positions, the N of the formulas",
        count.total(),
        count.withoutPositions());
    parameters(count)
        .forEach((part, number) ->
            Figures.line(
                out, "  %-22s %,18d  %5.1f %%", part, number, 100.0 * number / count.total()));
  }

  private static void flops(StringBuilder out, Plan plan) {
    Figures.line(out, "");
    Figures.line(
        out,
        "FLOPs        %s a token, %s a step, %s the run",
        Figures.flop(plan.flopsPerToken()),
        Figures.flop(plan.flopsPerStep()),
        Figures.flop(plan.flopsPerToken() * plan.tokens()));
    Figures.line(
        out,
        "             by 6 N + 12 L H Q T: forward and backward of N parameters without positions"
            + " and of attention in L layers");
    Figures.line(
        out,
        "             of H heads of Q over T tokens (PaLM's appendix B, nanoGPT's MFU); this is"
            + " what MFU is reckoned with");
    double exact = plan.forward().training();
    Figures.line(
        out,
        "             counted product by product: %s a token, %.4f of it; 3 x the forward pass of",
        Figures.flop(exact),
        exact / plan.flopsPerToken());
    Figures.line(out, "             one window, each product of (n, k) and (k, m) as 2 n k m:");
    double window = plan.model().blockSize();
    double forward = plan.forward().total();
    forward(plan.forward())
        .forEach((part, number) ->
            Figures.line(
                out, "  %-22s %,18.0f  %5.1f %%", part, number * window, 100 * number / forward));
  }

  private static void time(StringBuilder out, Plan plan) {
    DeviceSpec device = plan.device();
    Figures.line(out, "");
    if (device.peak().isEmpty()) {
      Figures.line(out, "time         unknown: the peak of %s is", device.description());
    } else {
      Figures.line(
          out,
          "time         %s: %s a step, %s tokens/s",
          Figures.duration(plan.seconds(plan.tokens()).getAsDouble()),
          Figures.duration(plan.seconds(plan.config().tokensPerIter()).getAsDouble()),
          Figures.count(plan.tokensPerSecond().getAsDouble()));
      Figures.line(
          out,
          "             on %,d x %s (%s), %s/s each at best, at an assumed MFU of %s %%",
          plan.devices(),
          device.name(),
          device.description(),
          Figures.flop(device.peak().getAsDouble()),
          Figures.number(100 * plan.mfu()));
      idle(out, plan);
    }
    long n = plan.parameters().withoutPositions();
    Figures.line(out, "");
    Figures.line(
        out,
        "Chinchilla   %s tokens are 20 N, the rule of Hoffmann et al. 2022; by the fit of Besiroglu"
            + " et al. 2024: %s",
        Figures.count(Chinchilla.tokens(n)),
        Figures.count(Chinchilla.fittedTokens(n)));
    OptionalDouble optimal = plan.seconds(Chinchilla.tokens(n));
    Figures.line(
        out,
        "             planned are %s a parameter%s",
        Figures.number(plan.tokens() / n),
        optimal.isPresent() ? "; 20 would take " + Figures.duration(optimal.getAsDouble()) : "");
  }

  /** Says where devices wait, and for what. */
  private static void idle(StringBuilder out, Plan plan) {
    int microBatches = plan.config().batch().gradientAccumulationSteps();
    String batches = Text.format("%,d micro batch%s", microBatches, microBatches == 1 ? "" : "es");
    if (plan.devices() > microBatches) {
      Figures.line(
          out,
          "             %,d of them idle: a step has %s of %s; take fewer, or more and smaller"
              + " batches",
          plan.devices() - microBatches,
          batches,
          ErrorText.count(plan.config().batch().batchSize(), "window"));
    } else if (plan.occupancy() < 1) {
      Figures.line(
          out,
          "             busy %s %% of the time: of a step's %s the busiest has %d, and the others"
              + " wait",
          Figures.number(100 * plan.occupancy()),
          batches,
          plan.busiest());
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
  public static Map<String, Object> fields(String name, Plan plan, Network network) {
    GptConfig model = plan.model();
    ParameterCount count = plan.parameters();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", name);
    fields.put("n_layer", model.nLayer());
    fields.put("n_head", model.nHead());
    fields.put("head_size", model.headSize());
    fields.put("n_embd", model.nEmbd());
    fields.put("block_size", model.blockSize());
    fields.put("vocab_size", model.vocabSize());
    PublishedGpt.named(name)
        .flatMap(PublishedGpt::note)
        .ifPresent(note -> fields.put("note", note));
    fields.put("parameters", count.total());
    fields.put("parameters_without_positions", count.withoutPositions());
    fields.put("parameters_by_part", parameters(count));
    fields.put("flops_per_token", plan.flopsPerToken());
    fields.put("flops_per_token_counted", plan.forward().training());
    fields.put("flops_forward_per_token_by_part", forward(plan.forward()));
    fields.put("flops_per_step", plan.flopsPerStep());
    fields.put("flops", plan.flopsPerToken() * plan.tokens());
    fields.put("memory", Figures.memory(plan.memory()));
    fields.put("precision", plan.device().precision().name().toLowerCase(ROOT));
    fields.put("device", plan.device().name());
    fields.put("device_description", plan.device().description());
    fields.put("device_memory", plan.device().memory());
    plan.device().peak().ifPresent(peak -> fields.put("device_peak_flops", peak));
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
    fields.put("tokens_per_step", plan.config().tokensPerIter());
    fields.put("tokens", plan.tokens());
    fields.put("steps", plan.iterations());
    plan.tokensPerSecond().ifPresent(rate -> fields.put("tokens_per_s", rate));
    plan.seconds(plan.config().tokensPerIter()).ifPresent(s -> fields.put("step_s", s));
    plan.seconds(plan.tokens()).ifPresent(s -> fields.put("seconds", s));
    fields.put("chinchilla_tokens", Chinchilla.tokens(count.withoutPositions()));
    fields.put("chinchilla_fit_tokens", Chinchilla.fittedTokens(count.withoutPositions()));
    return fields;
  }

  /** By the names of nanoGPT's notebook; those of a block for all blocks. */
  private static Map<String, Long> parameters(ParameterCount count) {
    Map<String, Long> parts = new LinkedHashMap<>();
    parts.put("embedding/position", count.positions());
    parts.put("embedding/token", count.tokens());
    parts.put("attention/qkv", count.nLayer() * count.qkv());
    parts.put("attention/proj", count.nLayer() * count.attentionProjection());
    parts.put("mlp/fc", count.nLayer() * count.fc());
    parts.put("mlp/proj", count.nLayer() * count.mlpProjection());
    parts.put("ln", count.nLayer() * count.blockNorms() + count.finalNorm());
    parts.put("head", count.head());
    return parts;
  }

  private static Map<String, Double> forward(ForwardFlops flops) {
    Map<String, Double> parts = new LinkedHashMap<>();
    parts.put("attention/qkv", flops.nLayer() * flops.qkv());
    parts.put("attention/scores", flops.nLayer() * flops.scores());
    parts.put("attention/reduce", flops.nLayer() * flops.reduce());
    parts.put("attention/proj", flops.nLayer() * flops.attentionProjection());
    parts.put("mlp/fc", flops.nLayer() * flops.fc());
    parts.put("mlp/proj", flops.nLayer() * flops.mlpProjection());
    parts.put("head", flops.head());
    return parts;
  }

  /**
   * Lists what has a name: the published models as the GPT-3 paper tabulates them, and the devices.
   *
   * @return tables of both
   */
  public static String known() {
    StringBuilder out = new StringBuilder();
    Figures.line(
        out,
        "%-12s %16s %7s %7s %6s %5s %8s %13s %14s %15s",
        "model",
        "parameters",
        "layers",
        "width",
        "heads",
        "head",
        "context",
        "batch tokens",
        "learning rate",
        "tokens");
    for (PublishedGpt model : PublishedGpt.values()) {
      GptConfig config = model.config();
      Figures.line(
          out,
          "%-12s %,16d %7d %,7d %6d %5d %,8d %,13d %14s %15s",
          model.modelName(),
          config.parameterCount(),
          config.nLayer(),
          config.nEmbd(),
          config.nHead(),
          config.headSize(),
          config.blockSize(),
          model.batchTokens(),
          Text.format("%.1fe-4", 1e4 * model.learningRate()),
          Text.format("%,d", PublishedGpt.TOKENS));
    }
    Map<String, List<String>> notes = new LinkedHashMap<>();
    for (PublishedGpt model : PublishedGpt.values()) {
      model
          .note()
          .ifPresent(
              note -> notes.computeIfAbsent(note, n -> new ArrayList<>()).add(model.modelName()));
    }
    notes.forEach((note, names) -> Figures.line(out, "%s: %s", String.join(", ", names), note));
    Figures.line(out, "");
    Figures.line(
        out, "%-12s %10s %10s  %s", "device", "TFLOP/s", "GB", "peak is dense, by data sheet");
    for (DeviceSpec device : DeviceSpec.KNOWN) {
      Figures.line(
          out,
          "%-12s %10s %10d  %s",
          device.name(),
          Figures.number(device.peak().orElseThrow() / 1e12),
          device.memory() / 1_000_000_000,
          device.description());
    }
    return out.toString();
  }

  /**
   * Lists the same for scripts.
   *
   * @return both by name
   */
  public static Map<String, Object> knownFields() {
    List<Map<String, Object>> models =
        Arrays.stream(PublishedGpt.values()).map(PlanReport::fields).toList();
    List<Map<String, Object>> devices = DeviceSpec.KNOWN.stream().map(PlanReport::fields).toList();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("models", models);
    fields.put("devices", devices);
    return fields;
  }

  private static Map<String, Object> fields(PublishedGpt model) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", model.modelName());
    fields.put("parameters", model.config().parameterCount());
    fields.put("n_layer", model.config().nLayer());
    fields.put("n_embd", model.config().nEmbd());
    fields.put("n_head", model.config().nHead());
    fields.put("head_size", model.config().headSize());
    fields.put("block_size", model.config().blockSize());
    fields.put("batch_tokens", model.batchTokens());
    fields.put("learning_rate", model.learningRate());
    fields.put("tokens", PublishedGpt.TOKENS);
    model.note().ifPresent(note -> fields.put("note", note));
    return fields;
  }

  private static Map<String, Object> fields(DeviceSpec device) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", device.name());
    fields.put("description", device.description());
    fields.put("peak_flops", device.peak().orElseThrow());
    fields.put("memory", device.memory());
    return fields;
  }
}
