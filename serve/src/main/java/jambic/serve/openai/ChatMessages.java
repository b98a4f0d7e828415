package jambic.serve.openai;

import jambic.model.chat.Message;
import jambic.serve.http.HttpError;
import jambic.tensor.JambicException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The messages of a conversation, as OpenAI's API has them. */
final class ChatMessages {
  private static final String MESSAGES = "messages";

  private ChatMessages() {}

  static List<Message> of(Fields fields) {
    List<?> given = fields.list(MESSAGES).orElse(List.of());
    if (given.isEmpty()) {
      throw HttpError.ofField(MESSAGES, "'messages' must have at least one message");
    }
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < given.size(); i++) {
      messages.add(message(given.get(i), MESSAGES + "[" + i + "]"));
    }
    return messages;
  }

  private static Message message(Object given, String where) {
    if (!(given instanceof Map<?, ?> message)) {
      throw HttpError.ofField(where, "'" + where + "' must be an object with a role and content");
    }
    if (!(message.get("role") instanceof String role)) {
      throw HttpError.ofField(
          where + ".role", "'" + where + ".role' must be there: system, user or assistant");
    }
    for (String unsupported : List.of("tool_calls", "function_call", "audio")) {
      if (message.get(unsupported) != null) {
        throw HttpError.ofField(
            where + "." + unsupported, "'" + where + "." + unsupported + "' is not supported");
      }
    }
    String content = content(message.get("content"), where + ".content");
    try {
      return new Message(role.equals("developer") ? Message.SYSTEM : role, content);
    } catch (JambicException e) {
      throw HttpError.ofField(where + ".role", "'" + where + ".role': " + e.getMessage());
    }
  }

  private static String content(Object content, String where) {
    return switch (content) {
      case null -> "";
      case String text -> text;
      case List<?> parts -> {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
          text.append(part(parts.get(i), where + "[" + i + "]"));
        }
        yield text.toString();
      }
      default ->
          throw HttpError.ofField(where, "'" + where + "' must be a text or an array of parts");
    };
  }

  private static String part(Object given, String where) {
    if (given instanceof Map<?, ?> part
        && "text".equals(part.get("type"))
        && part.get("text") instanceof String text) {
      return text;
    }
    throw HttpError.ofField(
        where, "'" + where + "' is no part of type text, and no other is supported");
  }
}
