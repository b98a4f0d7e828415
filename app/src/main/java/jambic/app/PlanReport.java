package jambic.app;

import static java.util.Locale.ROOT;

import jambic.model.gpt.GptConfig;
import jambic.model.gpt.PublishedGpt;
import jambic.model.io.ErrorText;
import jambic.tensor.Precision;
import jambic.tensor.text.Text;
import jambic.train.plan.Chinchilla;
import jambic.train.plan.DeviceSpec;
import jambic.train.plan.ForwardFlops;
import jambic.train.plan.MemoryEstimate;
import jambic.train.plan.ParameterCount;
import jambic.train.plan.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** A plan in words and in JSON. */
final class PlanReport {
  private static final String[] PREFIXES = {"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
  private static final String[] NUMERALS = {
    "", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"
  };

  private PlanReport() {}

  /** A plan for people, with the formulas behind its figures. */
  static String text(String name, Plan plan) {
    StringBuilder out = new StringBuilder();
    describe(out, name, plan);
    parameters(out, plan.parameters());
    flops(out, plan);
    memory(out, plan);
    time(out, plan);
    return out.toString();
  }

  private static void describe(StringBuilder out, String name, Plan plan) {
    GptConfig model = plan.model();
    line(
        out,
        "model        %s: %s, %s of %d, %,d wide, context %,d, %,d token ids",
        name,
        ErrorText.count(model.nLayer(), "layer"),
        ErrorText.count(model.nHead(), "head"),
        model.headSize(),
        model.nEmbd(),
        model.blockSize(),
        model.vocabSize());
    line(
        out,
        "run          %s a step: %s x %d; learning rate %s; %s tokens, %s",
        ErrorText.count(plan.config().tokensPerIter(), "token"),
        ErrorText.count(plan.config().batch().batchSize(), "window"),
        plan.config().batch().gradientAccumulationSteps(),
        Double.toString(plan.config().optimizer().learningRate())
            .replace(".0E", "e")
            .replace('E', 'e'),
        count(plan.tokens()),
        ErrorText.count(plan.iterations(), "step"));
    note(name, out);
  }

  private static void note(String name, StringBuilder out) {
    PublishedGpt.named(name)
        .flatMap(PublishedGpt::note)
        .ifPresent(note -> line(out, "             %s", note));
  }

  private static void parameters(StringBuilder out, ParameterCount count) {
    line(out, "");
    line(
        out,
        "parameters   %,d; %,d without positions, the N of the formulas",
        count.total(),
        count.withoutPositions());
    parameters(count)
        .forEach((part, number) ->
            line(out, "  %-22s %,18d  %5.1f %%", part, number, 100.0 * number / count.total()));
  }

  private static void flops(StringBuilder out, Plan plan) {
    line(out, "");
    line(
        out,
        "FLOPs        %sFLOP a token, %sFLOP a step, %sFLOP the run",
        scaled(plan.flopsPerToken(), PREFIXES),
        scaled(plan.flopsPerStep(), PREFIXES),
        scaled(plan.flopsPerToken() * plan.tokens(), PREFIXES));
    line(
        out,
        "             by 6 N + 12 L H Q T: forward and backward of N parameters without positions and"
            + " of attention in L layers");
    line(
        out,
        "             of H heads of Q over T tokens (PaLM's appendix B, nanoGPT's MFU); this is what"
            + " MFU is reckoned with");
    double exact = plan.forward().training();
    line(
        out,
        "             counted product by product: %sFLOP a token, %.4f of it; 3 x the forward pass of",
        scaled(exact, PREFIXES),
        exact / plan.flopsPerToken());
    line(out, "             one window, each product of (n, k) and (k, m) as 2 n k m:");
    double window = plan.model().blockSize();
    double forward = plan.forward().total();
    forward(plan.forward())
        .forEach((part, number) ->
            line(out, "  %-22s %,18.0f  %5.1f %%", part, number * window, 100 * number / forward));
  }

  private static void memory(StringBuilder out, Plan plan) {
    MemoryEstimate memory = plan.memory();
    boolean mixed = plan.device().precision() != Precision.FP32;
    line(out, "");
    line(
        out,
        "memory       %s a device, for a micro batch: weights %s, gradients %s, moments %s, activations %s",
        human(memory.total()),
        human(memory.weights()),
        human(memory.gradients()),
        human(memory.moments()),
        human(memory.activations()));
    line(
        out,
        "             %s",
        mixed
            ? "mixed precision: activations in bfloat16, and a copy of the weights; all else in 32 bits"
            : Text.format(
                "32 bits throughout, as the CPU backend computes; its regions take %s, in chunks",
                human(taken(memory))));
    line(out, "             %s", verdict(plan));
  }

  private static String verdict(Plan plan) {
    String has = Text.format("%s have %s", plan.device().name(), human(plan.device().memory()));
    if (plan.fits()) {
      return "fits: " + has;
    }
    long least = plan.leastDevices();
    return least == 0
        ? Text.format(
            "does not fit: %s, less than the activations of one micro batch; lower --batch-size",
            has)
        : Text.format(
            "does not fit: %s; divided evenly, as ZeRO's third stage does it, it needs %,d of them",
            has, least);
  }

  private static void time(StringBuilder out, Plan plan) {
    DeviceSpec device = plan.device();
    line(out, "");
    if (device.peak().isEmpty()) {
      line(out, "time         unknown: the peak of %s is", device.description());
    } else {
      line(
          out,
          "time         %s: %s a step, %s tokens/s",
          duration(plan.seconds(plan.tokens()).getAsDouble()),
          duration(plan.seconds(plan.config().tokensPerIter()).getAsDouble()),
          count(plan.tokensPerSecond().getAsDouble()));
      line(
          out,
          "             on %,d x %s (%s), %sFLOP/s each at best, at an assumed MFU of %s %%",
          plan.devices(),
          device.name(),
          device.description(),
          scaled(device.peak().getAsDouble(), PREFIXES),
          number(100 * plan.mfu()));
      idle(out, plan);
    }
    long n = plan.parameters().withoutPositions();
    line(out, "");
    line(
        out,
        "Chinchilla   %s tokens are 20 N, the rule of Hoffmann et al. 2022; by the fit of Besiroglu et"
            + " al. 2024: %s",
        count(Chinchilla.tokens(n)),
        count(Chinchilla.fittedTokens(n)));
    OptionalDouble optimal = plan.seconds(Chinchilla.tokens(n));
    line(
        out,
        "             planned are %s a parameter%s",
        number(plan.tokens() / n),
        optimal.isPresent() ? "; 20 would take " + duration(optimal.getAsDouble()) : "");
  }

  /** Says where devices wait, and for what. */
  private static void idle(StringBuilder out, Plan plan) {
    int microBatches = plan.config().batch().gradientAccumulationSteps();
    String batches = Text.format("%,d micro batch%s", microBatches, microBatches == 1 ? "" : "es");
    if (plan.devices() > microBatches) {
      line(
          out,
          "             %,d of them idle: a step has %s of %s; take fewer, or more and smaller batches",
          plan.devices() - microBatches,
          batches,
          ErrorText.count(plan.config().batch().batchSize(), "window"));
    } else if (plan.occupancy() < 1) {
      line(
          out,
          "             busy %s %% of the time: of a step's %s the busiest has %d, and the others wait",
          number(100 * plan.occupancy()),
          batches,
          plan.busiest());
    }
  }

  /** A plan for scripts: FLOPs, bytes, seconds. */
  static Map<String, Object> fields(String name, Plan plan) {
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
    fields.put("memory", memory(plan.memory()));
    fields.put("precision", plan.device().precision().name().toLowerCase(ROOT));
    fields.put("device", plan.device().name());
    fields.put("device_description", plan.device().description());
    fields.put("device_memory", plan.device().memory());
    plan.device().peak().ifPresent(peak -> fields.put("device_peak_flops", peak));
    fields.put("devices", plan.devices());
    fields.put("devices_busy", plan.occupancy());
    fields.put("fits", plan.fits());
    fields.put("least_devices", plan.leastDevices());
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

  private static Map<String, Object> memory(MemoryEstimate memory) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("weights", memory.weights());
    fields.put("gradients", memory.gradients());
    fields.put("moments", memory.moments());
    fields.put("activations", memory.activations());
    fields.put("total", memory.total());
    if (!memory.regions().isEmpty()) {
      fields.put("regions", taken(memory));
    }
    return fields;
  }

  private static long taken(MemoryEstimate memory) {
    return memory.regions().stream().mapToLong(Long::longValue).sum();
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

  /** What has a name: the published models as the GPT-3 paper tabulates them, and the devices. */
  static String known() {
    StringBuilder out = new StringBuilder();
    line(
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
      line(
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
    notes.forEach((note, names) -> line(out, "%s: %s", String.join(", ", names), note));
    line(out, "");
    line(out, "%-12s %10s %10s  %s", "device", "TFLOP/s", "GB", "peak is dense, by data sheet");
    for (DeviceSpec device : DeviceSpec.KNOWN) {
      line(
          out,
          "%-12s %10s %10d  %s",
          device.name(),
          number(device.peak().orElseThrow() / 1e12),
          device.memory() / 1_000_000_000,
          device.description());
    }
    return out.toString();
  }

  /** The same for scripts. */
  static Map<String, Object> knownFields() {
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

  private static String human(long bytes) {
    return MemoryEstimate.human(bytes);
  }

  private static String count(double value) {
    return scaled(value, NUMERALS).strip();
  }

  /** Three digits and a unit's prefix: 8.55e8 is 855 M. */
  private static String scaled(double value, String[] prefixes) {
    int prefix = 0;
    while (value >= 999.5 && prefix < prefixes.length - 1) {
      value /= 1000;
      prefix++;
    }
    return number(value) + " " + prefixes[prefix];
  }

  /** Three digits where there are so many, and no empty decimals. */
  private static String number(double value) {
    String text = Text.format(value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
    return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
  }

  private static String duration(double seconds) {
    if (seconds < 1) {
      return number(seconds * 1e3) + " ms";
    }
    if (seconds < 120) {
      return number(seconds) + " s";
    }
    if (seconds < 7200) {
      return number(seconds / 60) + " minutes";
    }
    if (seconds < 2 * 86_400) {
      return number(seconds / 3600) + " hours";
    }
    return seconds < 730 * 86_400.0
        ? number(seconds / 86_400) + " days"
        : Text.format("%s years", Text.format("%,.0f", seconds / 86_400 / 365.25));
  }

  private static void line(StringBuilder out, String format, Object... values) {
    out.append(Text.format(format, values)).append(System.lineSeparator());
  }
}
