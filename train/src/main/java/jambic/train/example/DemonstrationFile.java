package jambic.train.example;

import jambic.model.chat.Message;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads demonstrations, as TRL's SFTTrainer has them: {@code {"prompt", "completion"}}, both texts
 * or both lists of messages, or {@code {"messages"}}, of which all that the assistant says is
 * learned.
 */
public final class DemonstrationFile {
  private static final String MESSAGES = "messages";
  private static final String PROMPT = "prompt";
  private static final String COMPLETION = "completion";

  private DemonstrationFile() {}

  /**
   * Reads all of a file.
   *
   * @param file JSON Lines
   * @return the demonstrations
   * @throws JambicException if it cannot be read, or a row is no demonstration, naming file, line
   *     and key
   */
  public static Rows<Demonstration> read(Path file) {
    return RowFile.read(file, DemonstrationFile::demonstration);
  }

  private static Demonstration demonstration(Row row) {
    row.require(Row.Shape.COMPLETION, Row.Shape.CONVERSATION);
    if (row.has(MESSAGES)) {
      return new Demonstration.Dialogue(List.of(), answered(MESSAGES, row.messages(MESSAGES)));
    }
    Prompt prompt = row.prompt(PROMPT);
    return switch (prompt) {
      case Prompt.Plain plain ->
          new Demonstration.Completion(plain.text(), row.answer(COMPLETION, prompt));
      case Prompt.Chat chat -> {
        row.requireSameForm(COMPLETION, prompt);
        List<Message> completion = answered(COMPLETION, row.messages(COMPLETION));
        if (!completion.getFirst().isAnswer()) {
          throw new JambicException(
              Text.format("%s does not begin with the assistant", ErrorText.quote(COMPLETION)));
        }
        yield new Demonstration.Dialogue(chat.messages(), completion);
      }
    };
  }

  private static List<Message> answered(String key, List<Message> messages) {
    if (!messages.getLast().isAnswer()) {
      throw new JambicException(
          Text.format(
              "%s does not end with the assistant, whose answer is learned", ErrorText.quote(key)));
    }
    return messages;
  }
}
