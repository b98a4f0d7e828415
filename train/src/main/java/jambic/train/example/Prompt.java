package jambic.train.example;

import jambic.model.chat.Message;
import java.util.List;

/** What a model is to answer. */
public sealed interface Prompt {
  /**
   * A text that the answer follows as it stands.
   *
   * @param text the text, not empty
   */
  record Plain(String text) implements Prompt {}

  /**
   * A conversation that waits for the assistant. A chat template makes a text of it.
   *
   * @param messages what was said, last by the user
   */
  record Chat(List<Message> messages) implements Prompt {
    /** Copies the list. */
    public Chat {
      messages = List.copyOf(messages);
    }
  }
}
