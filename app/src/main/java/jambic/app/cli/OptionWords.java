package jambic.app.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/**
 * An option where one value counts, as it stands among the words of a command line.
 *
 * @param command whose it is
 * @param option which
 * @param begin the index of its first word
 * @param end the index after its last
 */
record OptionWords(CommandLine command, OptionSpec option, int begin, int end) {
  /** All of them, in their order. Flags that share a dash, as {@code -hV}, are not looked for. */
  static List<OptionWords> of(CommandLine root, List<String> words) {
    List<OptionWords> found = new ArrayList<>();
    CommandLine command = root;
    int i = 0;
    while (i < words.size() && !words.get(i).equals("--")) {
      String word = words.get(i);
      Map<String, OptionSpec> options = command.getCommandSpec().optionsMap();
      OptionSpec option = options.get(word);
      boolean takesNext = option != null && i + 1 < words.size() && takes(option, words.get(i + 1));
      if (option == null) {
        option = withValue(options, word);
      }
      int end = i + (takesNext ? 2 : 1);
      if (option != null && !option.isMultiValue()) {
        found.add(new OptionWords(command, option, i, end));
      }
      command = command.getSubcommands().getOrDefault(word, command);
      i = end;
    }
    return found;
  }

  private static boolean takes(OptionSpec option, String next) {
    return option.arity().min() > 0 || option.arity().max() > 0 && next.matches("true|false");
  }

  /** The option of {@code --seed=1}, {@code -n=1} or {@code -n1}; null if it is none. */
  private static OptionSpec withValue(Map<String, OptionSpec> options, String word) {
    OptionSpec named = options.get(word.split("=", 2)[0]);
    if (named != null || word.startsWith("--") || !word.startsWith("-") || word.length() < 3) {
      return named;
    }
    OptionSpec attached = options.get(word.substring(0, 2));
    return attached != null && attached.arity().min() > 0 ? attached : null;
  }
}
