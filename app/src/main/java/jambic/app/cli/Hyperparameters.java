package jambic.app.cli;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage;
import jambic.train.config.BatchSettings;
import jambic.train.config.GptSettings;
import jambic.train.config.OptimizerSettings;
import jambic.train.config.Preset;
import jambic.train.config.RunSettings;
import jambic.train.config.TrainConfig;
import jambic.train.config.TuningSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    Map<String, String> length = new LinkedHashMap<>();
    length.putAll(TrainConfig.descriptions(BatchSettings.class));
    length.putAll(TrainConfig.descriptions(RunSettings.class));
    length.put("seed", TrainConfig.descriptions(TrainConfig.class).get("seed"));
    Map<String, Map<String, String>> all = new LinkedHashMap<>();
    all.put("The model", TrainConfig.descriptions(GptSettings.class));
    all.put("Batches and length", length);
    all.put("The optimizer", TrainConfig.descriptions(OptimizerSettings.class));
    all.put("Fine-tuning", TrainConfig.descriptions(TuningSettings.class));
    return all;
  }

  /** All presets' values by name; asked for once, because this delays every start. */
  private final Map<String, Map<String, Object>> values = new LinkedHashMap<>();

  Hyperparameters() {
    for (Preset preset : Preset.values()) {
      values.put(preset.presetName(), preset.config().toMap());
    }
  }

  /** Those of a command that also trains by other presets, whose values the help has as well. */
  Hyperparameters(Map<String, Map<String, Object>> more) {
    this();
    values.putAll(more);
  }

  @Override
  public CommandSpec transform(CommandSpec command) {
    int order = 100; // after the command's own options
    String introduction =
        "%nDefaults are those of "
            + DEFAULT.presetName()
            + "; in parentheses, those of presets that differ.%n";
    for (Map.Entry<String, Map<String, String>> heading : HELP.entrySet()) {
      ArgGroupSpec.Builder group =
          ArgGroupSpec.builder()
              .validate(false)
              .multiplicity("0..1")
              .order(order)
              .heading(introduction + "%n" + heading.getKey() + ":%n");
      introduction = "";
      for (Map.Entry<String, String> one : heading.getValue().entrySet()) {
        group.addArg(option(one.getKey(), one.getValue(), order++));
      }
      command.addArgGroup(group.build());
    }
    return command;
  }

  private OptionSpec option(String name, String help, int order) {
    Object usual = values.get(DEFAULT.presetName()).get(name);
    OptionSpec.Builder option =
        OptionSpec.builder(flag(name))
            .type(String.class)
            .order(order)
            .description(help.replace("%", "%%"), defaults(DEFAULT.presetName(), name, values));
    if (usual instanceof Boolean) {
      return option.arity("0..1").fallbackValue("true").paramLabel("true|false").build();
    }
    return option.arity("1").paramLabel(usual instanceof Number ? "N" : "NAME").build();
  }

  /** The value of a preset, then that of those with another, if they have one at all. */
  static String defaults(String preset, String name, Map<String, Map<String, Object>> values) {
    String usual = text(values.get(preset).get(name));
    List<String> others = new ArrayList<>();
    values.forEach((other, config) -> {
      String value = config.containsKey(name) ? text(config.get(name)) : usual;
      if (!value.equals(usual)) {
        others.add(other + " " + value);
      }
    });
    return "Default: " + usual + (others.isEmpty() ? "." : " (" + String.join(", ", others) + ").");
  }

  /** 3.0E-4 is 3e-4, and 4.0 is 4. */
  public static String text(Object value) {
    String text = value.toString();
    return text.endsWith(".0")
        ? text.substring(0, text.length() - 2)
        : text.replace(".0E", "e").replace('E', 'e');
  }

  /** The flag of a hyperparameter. */
  public static String flag(String name) {
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

  /** The sentence of an error in the words of the command line: hyperparameters are flags. */
  public static String sentence(ConfigException e) {
    return e.in(Hyperparameters::flag);
  }

  /** A sentence in the words of the command line. */
  public static String sentence(ConfigMessage message) {
    return message.in(Hyperparameters::flag);
  }

  /** All names, as the help groups them. */
  static List<String> documented() {
    return HELP.values().stream().flatMap(group -> group.keySet().stream()).toList();
  }
}
