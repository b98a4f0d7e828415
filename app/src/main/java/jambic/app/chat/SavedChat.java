package jambic.app.chat;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.chat.Message;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.DemonstrationFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Conversations in a file, as demonstrations for supervised fine-tuning. */
final class SavedChat {
  private SavedChat() {}

  /** Adds one; a file with anything else is refused. */
  static void append(Path file, List<Message> messages) {
    if (messages.stream().noneMatch(Message::isAnswer)) {
      throw new JambicException("there is no answer to save yet");
    }
    try {
      String line =
          JSON.std.asString(Map.of("messages", messages.stream().map(SavedChat::fields).toList()));
      boolean empty = !Files.exists(file) || Files.isRegularFile(file) && Files.size(file) == 0;
      if (!empty) {
        DemonstrationFile.read(file);
      }
      String before = empty || Files.readString(file).endsWith("\n") ? "" : "\n";
      Files.writeString(
          file, before + line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot write %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  private static Map<String, String> fields(Message message) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("role", message.role());
    fields.put("content", message.content());
    return fields;
  }
}
