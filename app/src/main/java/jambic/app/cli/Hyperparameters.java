package jambic.app.cli;

import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** A flag for each hyperparameter: {@code nLayer} is {@code --n-layer}. */
public final class Hyperparameters implements IModelTransformer {
  /** The preset without a choice. */
  public static final Preset DEFAULT = Preset.SHAKESPEARE_CHAR_CPU;

  /** The headings of the help, each with the hyperparameters that stand below it. */
  static final Map<String, Map<String, String>> HELP = help();

  private static Map<String, Map<String, String>> help() {
    Map<String, String> model = new LinkedHashMap<>();
    model.put("nLayer", "Transformer blocks");
    model.put("nHead", "attention heads of a block; divides --n-embd");
    model.put("nEmbd", "channels");
    model.put("blockSize", "tokens of context");
    model.put("dropout", "probability of zeroing an activation while training");
    model.put("embdDropout", "whether dropout falls on the embeddings too");
    model.put("activation", "nonlinearity of the MLP: relu, gelu-erf, gelu-tanh or silu");
    model.put("bias", "whether layer norms and linear layers have a bias");
    model.put("qkvBias", "whether queries, keys and values have a bias");
    model.put("tiedHead", "whether the head shares the token embedding's weights");
    model.put("headBias", "whether the head has a bias");
    model.put("initStd", "standard deviation of the initial weights");
    model.put("scaledResidualInit", "whether residual projections start smaller, as in GPT-2");
    Map<String, String> run = new LinkedHashMap<>();
    run.put("batchSize", "windows of text in a batch");
    run.put("gradientAccumulationSteps", "batches behind one update");
    run.put("maxIters", "updates of the whole run");
    run.put("evalInterval", "updates from one evaluation to the next");
    run.put("evalIters", "batches of each split in an evaluation");
    run.put("seed", "makes weights, batches and dropout these and no others");
    Map<String, String> optimizer = new LinkedHashMap<>();
    run.put(
        "alwaysSaveCheckpoint", "whether every evaluation saves, or only one better than before");
    Map<String, String> tuning = new LinkedHashMap<>();
    tuning.put("freeze", "parts that keep their weights, as wte,wpe,h.0-5,h.*.ln_1; or none");
    tuning.put("loraRank", "rank of adapters (LoRA) that are trained instead; 0 for none");
    tuning.put("loraAlpha", "scale of the adapters times their rank");
    tuning.put("loraTargets", "layers with adapters: c_attn, c_proj, c_fc, mlp.c_proj");
    optimizer.put(
        "optimizer", "adamw, or muon for the matrices of the blocks and adamw for the rest");
    optimizer.put("learningRate", "learning rate, or its peak where it decays");
    optimizer.put("decayLr", "whether the rate warms up and falls on a cosine");
    optimizer.put("minLr", "what the rate falls to");
    optimizer.put("warmupIters", "updates of linear warm-up");
    optimizer.put("lrDecayIters", "the update at which the rate has fallen");
    optimizer.put("beta1", "AdamW's decay of the gradient's mean");
    optimizer.put("beta2", "AdamW's decay of the gradient's mean square");
    optimizer.put("eps", "AdamW's guard against division by zero");
    optimizer.put("weightDecay", "decoupled weight decay");
    optimizer.put("decayOn", "which parameters decay: matrices or all");
    optimizer.put("gradClip", "largest norm of the gradient; 0 for no limit");
    optimizer.put("muonLearningRate", "Muon's rate where AdamW's is --learning-rate");
    optimizer.put("muonMomentum", "Muon's decay of the gradient's mean");
    Map<String, Map<String, String>> all = new LinkedHashMap<>();
    all.put("The model", model);
    all.put("Batches and length", run);
    all.put("The optimizer", optimizer);
    all.put("Fine-tuning", tuning);
    return all;
  }

  /** All presets' values; asked for once, because this delays every start. */
  private final Map<Preset, Map<String, Object>> values = new EnumMap<>(Preset.class);

  Hyperparameters() {
    for (Preset preset : Preset.values()) {
      values.put(preset, preset.config().toMap());
    }
  }

  @Override
  public CommandSpec transform(CommandSpec command) {
    int order = 100; // after the command's own options
    for (Map.Entry<String, Map<String, String>> heading : HELP.entrySet()) {
      ArgGroupSpec.Builder group =
          ArgGroupSpec.builder()
              .validate(false)
              .multiplicity("0..1")
              .order(order)
              .heading("%n" + heading.getKey() + ":%n");
      for (Map.Entry<String, String> one : heading.getValue().entrySet()) {
        group.addArg(option(one.getKey(), one.getValue(), order++));
      }
      command.addArgGroup(group.build());
    }
    return command;
  }

  private OptionSpec option(String name, String help, int order) {
    Object usual = values.get(DEFAULT).get(name);
    OptionSpec.Builder option =
        OptionSpec.builder(flag(name))
            .type(String.class)
            .order(order)
            .description(help.replace("%", "%%"), "(" + defaults(name) + ")");
    if (usual instanceof Boolean) {
      return option.arity("0..1").fallbackValue("true").paramLabel("true|false").build();
    }
    return option.arity("1").paramLabel(usual instanceof Number ? "N" : "NAME").build();
  }

  /** The default preset's value, then those of the presets that differ. */
  private String defaults(String name) {
    String usual = text(values.get(DEFAULT).get(name));
    List<String> others = new ArrayList<>();
    for (Preset preset : Preset.values()) {
      String other = text(values.get(preset).get(name));
      if (!other.equals(usual)) {
        others.add(preset.presetName() + " " + other);
      }
    }
    return others.isEmpty() ? usual : usual + "; " + String.join(", ", others);
  }

  /** 3.0E-4 is 3e-4, and 4.0 is 4. */
  public static String text(Object value) {
    String text = value.toString();
    return text.endsWith(".0")
        ? text.substring(0, text.length() - 2)
        : text.replace(".0E", "e").replace('E', 'e');
  }

  /** The flag of a hyperparameter. */
  static String flag(String name) {
    StringBuilder flag = new StringBuilder("--");
    for (char c : name.toCharArray()) {
      if (Character.isUpperCase(c)) {
        flag.append('-');
      }
      flag.append(Character.toLowerCase(c));
    }
    return flag.toString();
  }

  /**
   * A configuration with what was typed put over it.
   *
   * @throws jambic.train.config.HyperparameterException if a value is wrong
   */
  public static TrainConfig over(TrainConfig base, CommandSpec command) {
    ParseResult typed = command.commandLine().getParseResult();
    Map<String, String> values = new LinkedHashMap<>();
    for (String name : TrainConfig.names()) {
      if (typed.hasMatchedOption(flag(name))) {
        values.put(name, typed.matchedOption(flag(name)).getValue());
      }
    }
    return base.withAll(values);
  }

  /**
   * A sentence about hyperparameters in the words of the command line; quotes and paths stay as
   * typed.
   */
  public static String withFlags(String sentence) {
    String names = String.join("|", TrainConfig.names());
    return Pattern.compile("(?<![\\w\"/.-])(" + names + ")(?![\\w\"/-])")
        .matcher(sentence)
        .replaceAll(match -> flag(match.group()));
  }

  /** All names, as the help groups them. */
  static List<String> documented() {
    return HELP.values().stream().flatMap(group -> group.keySet().stream()).toList();
  }
}
