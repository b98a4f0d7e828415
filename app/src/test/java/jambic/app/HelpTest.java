package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** How help is laid out in windows of several widths. */
class HelpTest {
  private static final String FOOTER = "Examples:";

  static Stream<Arguments> helps() {
    return Stream.of(80, 100, 120)
        .flatMap(width ->
            Main.commandLine().setUsageHelpWidth(width).getSubcommands().values().stream()
                .filter(command -> !command.getCommandSpec().usageMessage().hidden())
                .map(command ->
                    Arguments.of(
                        command.getCommandName(),
                        width,
                        command.getUsageMessage().lines().map(String::stripTrailing).toList())));
  }

  @ParameterizedTest(name = "{0} in {1} columns")
  @MethodSource("helps")
  void noLineOfHelpIsLongerThanTheWindow(String command, int width, List<String> help) {
    assertThat(options(help)).allMatch(line -> line.length() <= width);
  }

  @ParameterizedTest(name = "{0} in {1} columns")
  @MethodSource("helps")
  void noLineOfADescriptionIsShorterThanItMustBe(String command, int width, List<String> help) {
    List<String> lines = options(help);
    for (int i = 1; i < lines.size(); i++) {
      String above = lines.get(i - 1);
      String text = lines.get(i).strip();
      boolean goesOn = indent(lines.get(i)) > 8;
      boolean begins = text.startsWith("Default: ") || namesOnly(above);
      if (goesOn && !begins) {
        String next = text.split(" ", 2)[0];
        assertThat(above.length() + 1 + next.length())
            .as("%s|%s", above, text)
            .isGreaterThan(width - 1);
      }
    }
  }

  /** The names of an option that are too long for a description beside them. */
  private static boolean namesOnly(String line) {
    return line.strip().matches("(-\\w, )?--\\S+") && indent(line) < 8;
  }

  private static int indent(String line) {
    return line.length() - line.stripLeading().length();
  }

  private static List<String> options(List<String> help) {
    int end = help.indexOf(FOOTER);
    return end < 0 ? help : help.subList(0, end);
  }
}
