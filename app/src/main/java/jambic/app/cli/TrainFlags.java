package jambic.app.cli;

import jambic.train.config.TrainConfig;
import jambic.train.config.TranslationConfig;
import jambic.train.config.TranslationPreset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** A flag for each hyperparameter of a GPT, then one for each that only translators have. */
public final class TrainFlags implements IModelTransformer {
  private static final int ORDER = 1000; // behind those of a GPT

  /** Options besides hyperparameters that a translator's training does not take. */
  private static final List<String> OF_GPT = List.of("--init", "--config", "--text-field");

  /** Options besides hyperparameters that only a translator's training takes. */
  private static final List<String> OF_TRANSLATORS =
      List.of("--valid", "--source-lang", "--target-lang");

  @Override
  public CommandSpec transform(CommandSpec command) {
    Map<String, Map<String, Object>> values = new LinkedHashMap<>();
    for (TranslationPreset preset : TranslationPreset.values()) {
      values.put(preset.presetName(), preset.config().toMap());
    }
    new Hyperparameters(values).transform(command);
    ArgGroupSpec.Builder group =
        ArgGroupSpec.builder()
            .validate(false)
            .multiplicity("0..1")
            .order(ORDER)
            .heading("%nTranslation, with --preset " + String.join(" (or ", presets()) + "):%n");
    int order = ORDER;
    for (Map.Entry<String, String> one : TranslationConfig.descriptions().entrySet()) {
      boolean own = command.optionsMap().containsKey(Hyperparameters.flag(one.getKey()));
      if (!own && !TrainConfig.names().contains(one.getKey())) {
        group.addArg(option(one.getKey(), one.getValue(), order++, values));
      }
    }
    return command.addArgGroup(group.build());
  }

  private static List<String> presets() {
    return List.of(TranslationPreset.values()).stream().map(TranslationPreset::presetName).toList();
  }

  private static OptionSpec option(
      String name, String help, int order, Map<String, Map<String, Object>> values) {
    String small = TranslationPreset.TRANSLATE_SMALL.presetName();
    Object usual = values.get(small).get(name);
    OptionSpec.Builder option =
        OptionSpec.builder(Hyperparameters.flag(name))
            .type(String.class)
            .order(order)
            .description(help.replace("%", "%%"), Hyperparameters.defaults(small, name, values));
    return usual instanceof Boolean
        ? option.arity("0..1").fallbackValue("true").paramLabel("true|false").build()
        : option.arity("1").paramLabel("N").build();
  }

  /**
   * A configuration with what was typed put over it.
   *
   * @throws ParameterException if a flag is for a GPT only
   * @throws jambic.train.config.HyperparameterException if a value is wrong
   */
  public static TranslationConfig over(TranslationConfig base, CommandSpec command) {
    requireNone(
        command,
        only(TrainConfig.names(), TranslationConfig.names(), OF_GPT),
        "is for a GPT; leave it out of a translator's training");
    Map<String, Object> values = new LinkedHashMap<>();
    ParseResult typed = command.commandLine().getParseResult();
    for (String name : TranslationConfig.names()) {
      if (typed.hasMatchedOption(Hyperparameters.flag(name))) {
        Object value = typed.matchedOption(Hyperparameters.flag(name)).getValue();
        values.put(name, value instanceof Optional<?> given ? given.orElseThrow() : value);
      }
    }
    return base.withAll(values);
  }

  /**
   * Refuses hyperparameters of a translator where a GPT is trained.
   *
   * @param both flags that mean something for a GPT too
   * @throws ParameterException if one was typed
   */
  public static void requireNoneOfTranslators(CommandSpec command, String... both) {
    List<String> theirs = only(TranslationConfig.names(), TrainConfig.names(), OF_TRANSLATORS);
    requireNone(
        command,
        theirs.stream().filter(flag -> !List.of(both).contains(flag)).toList(),
        "is for a translator; give --preset " + String.join(" or ", presets()) + " with it");
  }

  private static List<String> only(List<String> names, List<String> others, List<String> more) {
    return Stream.concat(
            names.stream().filter(name -> !others.contains(name)).map(Hyperparameters::flag),
            more.stream())
        .toList();
  }

  private static void requireNone(CommandSpec command, List<String> flags, String why) {
    ParseResult typed = command.commandLine().getParseResult();
    for (String flag : flags) {
      if (typed.hasMatchedOption(flag)) {
        throw new ParameterException(command.commandLine(), flag + " " + why);
      }
    }
  }
}
