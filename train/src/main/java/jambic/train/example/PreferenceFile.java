package jambic.train.example;

import jambic.model.chat.Message;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads preferences, as TRL's DPOTrainer and RewardTrainer have them: {@code {"prompt", "chosen",
 * "rejected"}}, all texts or all lists of messages. Two conversations need no prompt: it is what
 * they have in common. A row may have a {@code margin}, a number: by how much the score of the
 * better answer should be ahead.
 */
public final class PreferenceFile {
  private static final String PROMPT = "prompt";
  private static final String CHOSEN = "chosen";
  private static final String REJECTED = "rejected";
  private static final String MARGIN = "margin";
  private static final double MOST_MARGIN = 1e6; // scores are of the order of 1

  private PreferenceFile() {}

  /**
   * Reads all of a file.
   *
   * @param file JSON Lines
   * @return the preferences
   * @throws JambicException if it cannot be read, or a row is no preference, naming file, line and
   *     key
   */
  public static Rows<Preference> read(Path file) {
    return RowFile.read(file, PreferenceFile::preference);
  }

  private static Preference preference(Row row) {
    row.require(Row.Shape.PREFERENCE);
    double margin = row.has(MARGIN) ? row.number(MARGIN) : 0;
    if (Math.abs(margin) > MOST_MARGIN) {
      throw new JambicException(
          Text.format(
              "%s is %s; give how far apart the scores should be, such as 0.5",
              ErrorText.quote(MARGIN), margin));
    }
    if (row.has(PROMPT)) {
      Prompt prompt = row.prompt(PROMPT);
      return new Preference(
          prompt, row.answer(CHOSEN, prompt), row.answer(REJECTED, prompt), margin);
    }
    if (!row.isList(CHOSEN) && !row.isList(REJECTED)) {
      throw new JambicException(
          "there is no 'prompt', which only conversations can do without; give the text that both answer");
    }
    List<Message> chosen = row.messages(CHOSEN);
    List<Message> rejected = row.messages(REJECTED);
    int common = 0;
    // The last message of each is its answer, even if both are equal.
    while (common < Math.min(chosen.size(), rejected.size()) - 1
        && chosen.get(common).equals(rejected.get(common))) {
      common++;
    }
    Prompt prompt = new Prompt.Chat(Row.waiting(CHOSEN, chosen.subList(0, common)));
    return new Preference(
        prompt,
        Row.onlyAnswer(CHOSEN, chosen.subList(common, chosen.size())),
        Row.onlyAnswer(REJECTED, rejected.subList(common, rejected.size())),
        margin);
  }
}
