package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code docs/command-line.md} is the help; {@code -Djambic.write=true} writes it anew. */
class CommandLineDocTest {
  private static final Path PAGE = Path.of("../docs/command-line.md");

  @Test
  void thePageIsTheHelpOfEveryCommand() throws IOException {
    StringBuilder page = new StringBuilder("# The command line\n\nWhat `--help` says.\n");
    append(page, List.of());
    List<String> commands =
        Main.commandLine().getSubcommands().entrySet().stream()
            .filter(entry -> !entry.getValue().getCommandSpec().usageMessage().hidden())
            .map(entry -> entry.getKey())
            .toList();
    for (String command : commands) {
      append(page, List.of(command));
    }
    if (Boolean.getBoolean("jambic.write")) {
      Files.writeString(PAGE, page);
    }
    assertThat(Files.readString(PAGE))
        .as("docs/command-line.md; -Djambic.write=true writes it")
        .isEqualTo(page.toString());
  }

  private static void append(StringBuilder page, List<String> command) {
    List<Object> words = new ArrayList<>(command);
    words.add("--help");
    CommandLineCall call = CommandLineCall.of(words.toArray());
    assertThat(call.code()).isZero();
    String name = command.isEmpty() ? "jambic" : "jambic " + command.getFirst();
    page.append("\n## ").append(name).append("\n\n```\n");
    call.out().lines().map(String::stripTrailing).forEach(line -> page.append(line).append('\n'));
    page.append("```\n");
  }
}
