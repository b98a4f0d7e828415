package jambic.app.chat;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.NearestName;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What a line says that is no question.
 *
 * @param name which command
 * @param argument what stands behind it, perhaps empty
 */
record SlashCommand(Name name, String argument) {
  /** What {@code /help} says. */
  static final List<String> HELP =
      List.of(
          "/reset         begin anew",
          "/system TEXT   say how the model is to behave; without TEXT, nothing more",
          "/save FILE     add the conversation to FILE, for jambic sft",
          "/quit          end, as Ctrl-D",
          "//...          ask what begins with /");

  private static final List<String> NAMES = Arrays.stream(Name.values()).map(Name::text).toList();

  /** The commands. */
  enum Name {
    RESET,
    SYSTEM,
    SAVE,
    HELP,
    QUIT;

    private String text() {
      return "/" + name().toLowerCase(Locale.ROOT);
    }
  }

  /** Reads a line that begins with a slash. */
  static SlashCommand of(String line) {
    String[] words = line.split("\\s+", 2);
    String argument = words.length > 1 ? words[1].strip() : "";
    int index = NAMES.indexOf(words[0]);
    if (index < 0) {
      throw new JambicException(
          Text.format(
              "there is no command %s%s; /help has them all, and // begins a question with a slash",
              ErrorText.quote(words[0]), NearestName.question(words[0], NAMES)));
    }
    Name name = Name.values()[index];
    boolean takes = name == Name.SYSTEM || name == Name.SAVE;
    if (!takes && !argument.isEmpty()) {
      throw new JambicException(
          Text.format("%s stands alone, without %s", words[0], ErrorText.quote(argument)));
    }
    if (name == Name.SAVE && argument.isEmpty()) {
      throw new JambicException("/save needs a file, as in: /save chat.jsonl");
    }
    return new SlashCommand(name, argument);
  }
}
