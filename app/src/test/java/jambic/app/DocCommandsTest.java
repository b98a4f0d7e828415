package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The commands in the documents have options that exist, and the links lead somewhere. */
class DocCommandsTest {
  private static final Path ROOT = Path.of("..");

  /** Whatever is before a command it reads, and behind it comment, or where its output goes. */
  private static final Pattern COMMAND =
      Pattern.compile("(?:[^`]*\\| )?\\./jambic (.*?)(?:\\s+[#>|].*)?");

  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|\\S+");
  private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)(#[^)]*)?\\)");

  static Stream<Path> documents() throws IOException {
    try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
      return Stream.concat(Stream.of(ROOT.resolve("README.md")), docs.sorted().toList().stream())
          .filter(path -> path.toString().endsWith(".md"))
          .toList()
          .stream();
    }
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyCommandCanBeParsed(Path document) throws IOException {
    for (String line : Files.readAllLines(document)) {
      Matcher command = COMMAND.matcher(line);
      if (command.matches()) {
        String[] words = words(command.group(1));
        assertThatCode(() -> Main.commandLine(words).parseArgs(words))
            .as("%s: %s", document, line)
            .doesNotThrowAnyException();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyLinkLeadsToAFile(Path document) throws IOException {
    Matcher link = LINK.matcher(Files.readString(document));
    while (link.find()) {
      assertThat(document.resolveSibling(link.group(1))).as("%s", document).exists();
    }
  }

  private static String[] words(String command) {
    List<String> words = new ArrayList<>();
    Matcher word = WORD.matcher(command);
    while (word.find()) {
      words.add(word.group(1) != null ? word.group(1) : word.group());
    }
    return words.toArray(String[]::new);
  }
}
