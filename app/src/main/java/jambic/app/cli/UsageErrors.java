package jambic.app.cli;

import jambic.model.io.ErrorText;
import jambic.tensor.text.Text;
import jambic.train.config.NearestName;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.MutuallyExclusiveArgsException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What is wrong with a command line, as one sentence with the nearest remedy. */
public final class UsageErrors {
  private static final Pattern VALUE =
      Pattern.compile(
          "Invalid value for (?:option|positional parameter).*? ?'?(--?[\\w-]+)'?.*?: (.*)");
  private static final Pattern CHOICE =
      Pattern.compile("expected one of \\[(.+)] \\(case-insensitive\\) but was '(.*)'");
  private static final Pattern TYPE = Pattern.compile("'(.*)' is not an? (\\w+)");
  private static final Pattern NO_VALUE =
      Pattern.compile("(?:Missing required|Expected) parameter for option '(.+?)'.*");
  private static final Pattern SUBCOMMAND = Pattern.compile("Unknown subcommand '(.*)'\\.");

  private UsageErrors() {}

  /** The sentence, without a period. */
  public static String sentence(ParameterException e) {
    CommandSpec command = e.getCommandLine().getCommandSpec();
    if (e instanceof UnmatchedArgumentException unmatched) {
      return unknown(unmatched.getUnmatched().getFirst(), command);
    }
    if (e instanceof MutuallyExclusiveArgsException) {
      return excluded(e.getMessage());
    }
    String message = Optional.ofNullable(e.getMessage()).orElse("");
    Matcher noValue = NO_VALUE.matcher(message);
    if (noValue.matches()) {
      OptionSpec option = command.optionsMap().get(noValue.group(1));
      return Text.format("%s needs a value: %s", option.longestName(), named(option));
    }
    if (e instanceof MissingParameterException missing) {
      return missing(missing.getMissing(), command);
    }
    Matcher subcommand = SUBCOMMAND.matcher(message);
    if (subcommand.matches()) {
      return noCommand(subcommand.group(1), command.subcommands().keySet());
    }
    Matcher value = VALUE.matcher(message);
    return value.matches() ? wrong(value.group(1), value.group(2)) : message;
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

  /** {@code Error: --a=X, --b=Y are mutually exclusive (specify only one)}. */
  private static String excluded(String message) {
    String names =
        Arrays.stream(
                message
                    .replaceFirst("^Error: ", "")
                    .replaceFirst(" are mutually.*", "")
                    .split(", "))
            .map(name -> name.split("=")[0])
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

  private static String wrong(String option, String complaint) {
    Matcher choice = CHOICE.matcher(complaint);
    if (choice.matches()) {
      List<String> names = List.of(choice.group(1).toLowerCase(Locale.ROOT).split(", "));
      return names.size() == 1
          ? Text.format(
              "%s must be %s, not %s", option, names.getFirst(), ErrorText.quote(choice.group(2)))
          : Text.format(
              "%s must be one of %s, not %s%s",
              option,
              String.join(", ", names),
              ErrorText.quote(choice.group(2)),
              NearestName.question(choice.group(2), names));
    }
    Matcher type = TYPE.matcher(complaint);
    if (type.matches()) {
      String wanted =
          switch (type.group(2)) {
            case "int", "long" ->
                "a whole number"
                    + (!type.group(1).matches("[+-]?\\d+")
                        ? ""
                        : type.group(2).equals("int") ? " of 32 bits" : " of 64 bits");
            case "float", "double" -> "a number";
            case FloatConverter.KIND -> "a number that 32 bits can hold";
            case "boolean" -> "true or false";
            default -> "a " + type.group(2);
          };
      return Text.format("%s must be %s, not %s", option, wanted, ErrorText.quote(type.group(1)));
    }
    return option + ": " + complaint;
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
