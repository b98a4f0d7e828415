package jambic.train.example;

import jambic.model.chat.Message;
import java.util.List;

/** An answer as it should be: what supervised fine-tuning learns from. */
public sealed interface Demonstration {
  /**
   * A text and what follows it.
   *
   * @param prompt the text, not empty
   * @param answer what to learn; may be empty
   */
  record Completion(String prompt, String answer) implements Demonstration {}

  /**
   * A conversation, of which the assistant's messages are learned, unless they are of the context.
   *
   * @param context what comes first and is not learned; empty if everything the assistant says is
   * @param messages what follows it, last by the assistant
   */
  record Dialogue(List<Message> context, List<Message> messages) implements Demonstration {
    /** Copies the lists. */
    public Dialogue {
      context = List.copyOf(context);
      messages = List.copyOf(messages);
    }
  }
}
