package jambic.app.align;

import jambic.app.cli.Hyperparameters;
import jambic.train.config.BatchSettings;
import jambic.train.config.FlatRecord;
import jambic.train.config.OptimizerSettings;
import jambic.train.config.RunSettings;
import jambic.train.config.TuningSettings;
import jambic.train.stage.FineTuning;
import jambic.train.stage.StageConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** A flag for each hyperparameter of a stage: its own ones first, then those of all stages. */
final class StageFlags {
  private static final int ORDER = 100; // behind the command's own options

  /** What follows from the number of examples, and of all else that was typed. */
  private static final Map<String, String> DERIVED =
      Map.of(
          "minLr", "a tenth of --learning-rate",
          "lrDecayIters", "--max-iters",
          "warmupIters", "a thirtieth of --max-iters",
          "evalInterval", "a tenth of --max-iters");

  private StageFlags() {}

  /**
   * Adds the flags.
   *
   * @param heading of the stage's own ones
   * @param lengthKnown whether updates are counted by themselves, not by epochs
   */
  static CommandSpec add(
      CommandSpec command, String heading, StageConfig defaults, boolean lengthKnown) {
    Map<String, Object> values = defaults.toMap();
    Map<String, String> own = new LinkedHashMap<>(descriptions(defaults));
    own.keySet().removeAll(FlatRecord.names(FineTuning.class));
    Map<String, String> length = new LinkedHashMap<>();
    length.put("batchSize", "examples, pairs or prompts in a batch");
    length.put(
        "gradientAccumulationSteps",
        FlatRecord.descriptions(BatchSettings.class).get("gradientAccumulationSteps"));
    length.put("maxLength", FlatRecord.descriptions(FineTuning.class).get("maxLength"));
    length.putAll(FlatRecord.descriptions(RunSettings.class));
    length.put("seed", FlatRecord.descriptions(FineTuning.class).get("seed"));
    Map<String, Map<String, String>> groups = new LinkedHashMap<>();
    if (!own.isEmpty()) {
      groups.put(heading, own);
    }
    groups.put("Batches and length", length);
    groups.put("The optimizer", FlatRecord.descriptions(OptimizerSettings.class));
    groups.put("What is trained", FlatRecord.descriptions(TuningSettings.class));
    int order = ORDER;
    Set<String> taken = command.optionsMap().keySet();
    for (Map.Entry<String, Map<String, String>> group : groups.entrySet()) {
      ArgGroupSpec.Builder flags =
          ArgGroupSpec.builder()
              .validate(false)
              .multiplicity("0..1")
              .order(order)
              .heading("%n" + group.getKey() + ":%n");
      for (Map.Entry<String, String> one : group.getValue().entrySet()) {
        if (!taken.contains(Hyperparameters.flag(one.getKey()))) {
          Object usual = values.get(one.getKey());
          flags.addArg(option(one.getKey(), one.getValue(), usual, order++, lengthKnown));
        }
      }
      command.addArgGroup(flags.build());
    }
    return command;
  }

  private static Map<String, String> descriptions(StageConfig config) {
    return FlatRecord.descriptions(config.getClass().asSubclass(Record.class));
  }

  private static OptionSpec option(
      String name, String help, Object usual, int order, boolean lengthKnown) {
    String otherwise =
        name.equals("maxIters") && !lengthKnown
            ? "by --epochs"
            : DERIVED.getOrDefault(name, Hyperparameters.text(usual));
    OptionSpec.Builder option =
        OptionSpec.builder(Hyperparameters.flag(name))
            .type(String.class)
            .order(order)
            .description(help.replace("%", "%%"), "Default: " + otherwise + ".");
    return usual instanceof Boolean
        ? option.arity("0..1").fallbackValue("true").paramLabel("true|false").build()
        : option.arity("1").paramLabel(usual instanceof Number ? "N" : "NAME").build();
  }

  /** What was typed, by hyperparameter. */
  static Map<String, Object> typed(CommandSpec command, List<String> names) {
    ParseResult parsed = command.commandLine().getParseResult();
    Map<String, Object> values = new LinkedHashMap<>();
    for (String name : names) {
      if (parsed.hasMatchedOption(Hyperparameters.flag(name))) {
        values.put(name, parsed.matchedOption(Hyperparameters.flag(name)).getValue());
      }
    }
    return values;
  }
}
