package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.model.io.PickleReader;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The vocabulary of characters beside nanoGPT's data: {@code meta.pkl}, a Python pickle of {@code
 * {'vocab_size': n, 'itos': {id: character}, 'stoi': {character: id}}}.
 */
final class NanoGptMeta {
  static final String NAME = "meta.pkl";

  private static final long LONGEST = 4L << 20; // a hundred thousand characters take less

  private NanoGptMeta() {}

  static CharTokenizer read(Path file) {
    try {
      if (Files.size(file) > LONGEST) {
        throw refused(file, "it is too long");
      }
      return vocabulary(file, PickleReader.read(ByteBuffer.wrap(Files.readAllBytes(file))));
    } catch (PickleReader.PickleException e) {
      throw refused(file, e.getMessage());
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    }
  }

  private static CharTokenizer vocabulary(Path file, Object meta) {
    if (!(meta instanceof Map<?, ?> members
        && members.get("itos") instanceof Map<?, ?> characters
        && members.get("stoi") instanceof Map<?, ?> ids)) {
      throw refused(file, "it has no 'itos' and 'stoi'");
    }
    int[] codePoints = new int[characters.size()];
    for (int id = 0; id < codePoints.length; id++) {
      if (!(characters.get((long) id) instanceof String character
          && character.codePoints().count() == 1
          && ids.get(character) instanceof Long back
          && back == id)) {
        throw refused(file, "'itos' and 'stoi' have not one character for the id " + id);
      }
      codePoints[id] = character.codePointAt(0);
    }
    Long size = (long) codePoints.length;
    if (size == 0 || ids.size() != size || !size.equals(members.get("vocab_size"))) {
      throw refused(file, "'itos', 'stoi' and 'vocab_size' do not belong together");
    }
    return new CharTokenizer(codePoints);
  }

  private static JambicException refused(Path file, String why) {
    return new JambicException(
        Text.format(
            "%s is no vocabulary of nanoGPT's characters: %s; prepare the text again, one token a character",
            file, why));
  }
}
