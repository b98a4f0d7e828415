package jambic.app.cli;

import jambic.model.io.ErrorText;
import jambic.tensor.text.Text;
import jambic.train.config.NearestName;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.MutuallyExclusiveArgsException;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** What is wrong with a command line, as one sentence with the nearest remedy. */
public final class UsageErrors {
  private UsageErrors() {}

  /** The sentence, without a period. */
  public static String sentence(ParameterException e) {
    CommandSpec command = e.getCommandLine().getCommandSpec();
    if (e instanceof UnmatchedArgumentException unmatched) {
      return unknown(unmatched.getUnmatched().getFirst(), command);
    }
    if (e instanceof MutuallyExclusiveArgsException) {
      return excluded(command);
    }
    if (e instanceof OverwrittenOptionException twice) {
      String name = twice.getOverwritten() instanceof OptionSpec option ? option.longestName() : "";
      return name + " is given twice; give it once";
    }
    if (e instanceof MissingParameterException missing) {
      List<ArgSpec> args = missing.getMissing();
      return args.size() == 1
              && args.getFirst() instanceof OptionSpec option
              && stands(option, e.getCommandLine())
          ? Text.format("%s needs a value: %s", option.longestName(), named(option))
          : missing(args, command);
    }
    Optional<String> value = Optional.ofNullable(e.getValue());
    Optional<ArgSpec> arg = Optional.ofNullable(e.getArgSpec());
    if (value.isPresent()) { // without an argument it is the word after "jambic help"
      return arg.isPresent()
          ? wrong(arg.get(), value.get())
          : noCommand(value.get(), command.subcommands().keySet());
    }
    return Optional.ofNullable(e.getMessage()).orElse("");
  }

  /** An option that was typed lacks its value, one that was not is missing itself. */
  private static boolean stands(OptionSpec option, CommandLine command) {
    List<String> words = command.getParseResult().originalArgs();
    return !option.required() || Arrays.stream(option.names()).anyMatch(words::contains);
  }

  private static String unknown(String word, CommandSpec command) {
    if (word.matches("@.+")) { // an existing file's words would stand here in its place
      return Text.format("there is no file %s to read flags from", word.substring(1));
    }
    if (word.startsWith("-")) {
      String name = word.split("=")[0];
      String question = NearestName.question(name, command.optionsMap().keySet());
      return Text.format(
          "there is no option %s%s %s --help has them all",
          name, question.isEmpty() ? ";" : question, command.qualifiedName());
    }
    return command.subcommands().isEmpty()
        ? Text.format("the argument %s is one too many", word)
        : noCommand(word, command.subcommands().keySet());
  }

  private static String noCommand(String word, Collection<String> commands) {
    String question = NearestName.question(word, commands);
    return "there is no command "
        + word
        + (question.isEmpty() ? "; jambic --help has them all" : question);
  }

  /** The exception names no options: those are the typed ones of a group that allows one. */
  private static String excluded(CommandSpec command) {
    ParseResult typed = command.commandLine().getParseResult();
    String names =
        command.argGroups().stream()
            .filter(group -> group.validate() && group.exclusive())
            .map(group -> group.options().stream().filter(typed::hasMatchedOption).toList())
            .filter(options -> options.size() > 1)
            .flatMap(List::stream)
            .map(OptionSpec::longestName)
            .collect(Collectors.joining(" and "));
    return names + " exclude each other; give one of them";
  }

  /** The first example of a command's help shows where the missing word stands. */
  private static String missing(List<ArgSpec> missing, CommandSpec command) {
    boolean choice = missing.stream().anyMatch(arg -> arg.group() != null);
    String names =
        missing.stream()
            .map(UsageErrors::named)
            .collect(Collectors.joining(choice ? " or " : " and "));
    return missing(names, command);
  }

  /** The same for words that picocli does not ask for. */
  static String missing(String names, CommandSpec command) {
    String example = command.usageMessage().footer()[0].strip().split(" {2,}")[0];
    return Text.format("%s needs %s, as in: %s", command.name(), names, example);
  }

  private static String named(ArgSpec arg) {
    return arg instanceof OptionSpec option
        ? Text.format("%s %s", option.longestName(), option.paramLabel())
        : arg.paramLabel();
  }

  private static String wrong(ArgSpec arg, String value) {
    String name = arg instanceof OptionSpec option ? option.longestName() : arg.paramLabel();
    Class<?> type = arg.auxiliaryTypes()[0]; // of the elements, where there are several
    List<String> choices =
        type.isEnum()
            ? Arrays.stream(type.getEnumConstants())
                .map(choice -> ((Enum<?>) choice).name().toLowerCase(Locale.ROOT))
                .toList()
            : List.of();
    return choices.size() > 1
        ? Text.format(
            "%s must be one of %s, not %s%s",
            name,
            String.join(", ", choices),
            ErrorText.quote(value),
            NearestName.question(value, choices))
        : Text.format(
            "%s must be %s, not %s",
            name,
            choices.isEmpty() ? wanted(type, value) : choices.getFirst(),
            ErrorText.quote(value));
  }

  private static String wanted(Class<?> type, String value) {
    boolean digits = value.matches("[+-]?\\d+");
    return switch (type.getSimpleName().toLowerCase(Locale.ROOT)) {
      case "int", "integer" -> "a whole number" + (digits ? " of 32 bits" : "");
      case "long" -> "a whole number" + (digits ? " of 64 bits" : "");
      case "float" ->
          FloatConverter.isNumber(value) ? "a number that 32 bits can hold" : "a number";
      case "double" ->
          FloatConverter.isNumber(value) ? "a number that 64 bits can hold" : "a number";
      case "boolean" -> "true or false";
      case "path" -> "the name of a file or folder";
      default -> "a " + type.getSimpleName();
    };
  }

  /**
   * Refuses {@code --prompt @start.txt}: the words of the file would stand there as flags, which is
   * hardly what was meant.
   *
   * @throws ParameterException if an option's value begins with a single {@code @}
   */
  public static void requireNoFile(CommandLine root, String... args) {
    CommandLine command = root;
    for (int i = 0; i < args.length - 1; i++) {
      command = command.getSubcommands().getOrDefault(args[i], command);
      OptionSpec option = command.getCommandSpec().optionsMap().get(args[i]);
      String next = args[i + 1];
      if (option != null && option.arity().min() > 0 && next.matches("@[^@].*")) {
        OptionSpec ofFile =
            command.getCommandSpec().optionsMap().get(option.longestName() + "-file");
        throw new ParameterException(
            command,
            Text.format(
                "%s %s would read flags from the file %s; %sfor a value that begins with @ write @%s",
                args[i],
                next,
                next.substring(1),
                ofFile == null
                    ? ""
                    : Text.format(
                        "for its text say %s %s, ", ofFile.longestName(), next.substring(1)),
                next));
      }
    }
  }
}
