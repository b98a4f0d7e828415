package jambic.model.chat;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Set;

/**
 * What one side of a conversation says.
 *
 * @param role {@link #SYSTEM}, {@link #USER} or {@link #ASSISTANT}
 * @param content the text, which may be empty
 */
public record Message(String role, String content) {
  /** Says how the assistant is to behave, before the conversation. */
  public static final String SYSTEM = "system";

  /** Asks. */
  public static final String USER = "user";

  /** Answers: the model. */
  public static final String ASSISTANT = "assistant";

  private static final Set<String> ROLES = Set.of(SYSTEM, USER, ASSISTANT);

  /**
   * Checks the role.
   *
   * @throws JambicException if it is another one
   */
  public Message {
    if (!ROLES.contains(role)) {
      throw new JambicException(
          Text.format(
              "a message has the role %s; system, user and assistant are supported",
              ErrorText.quote(role)));
    }
  }

  /**
   * Tells whether the model says this.
   *
   * @return whether the role is {@link #ASSISTANT}
   */
  public boolean isAnswer() {
    return role.equals(ASSISTANT);
  }
}
