package jambic.model;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * The vocabulary of characters beside nanoGPT's data: {@code meta.pkl}, a Python pickle of {@code
 * {'vocab_size': n, 'itos': {id: character}, 'stoi': {character: id}}}.
 *
 * <p>A pickle is a program. This knows its opcodes for dictionaries, texts and integers, of the
 * protocols 2 to 5, and refuses all others: nothing in a file can name code, let alone run it.
 */
final class NanoGptMeta {
  static final String NAME = "meta.pkl";

  private static final long LONGEST = 4L << 20; // a hundred thousand characters take less
  private static final Object MARK = new Object();

  private final ByteBuffer in;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Integer, Object> memo = new HashMap<>();

  private NanoGptMeta(byte[] pickle) {
    in = ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN);
  }

  static CharTokenizer read(Path file) {
    try {
      if (Files.size(file) > LONGEST) {
        throw refused(file, "it is too long");
      }
      return vocabulary(file, new NanoGptMeta(Files.readAllBytes(file)).load());
    } catch (BufferUnderflowException
        | IndexOutOfBoundsException
        | NoSuchElementException
        | ClassCastException e) {
      throw refused(file, "it is cut short or damaged");
    } catch (UnsupportedOperationException e) {
      throw refused(file, e.getMessage());
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + Wording.reason(e), e);
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
      if (!(characters.get(id) instanceof String character
          && character.codePoints().count() == 1
          && ids.get(character) instanceof Integer back
          && back == id)) {
        throw refused(file, "'itos' and 'stoi' have not one character for the id " + id);
      }
      codePoints[id] = character.codePointAt(0);
    }
    Integer size = codePoints.length;
    if (size == 0 || ids.size() != size || !size.equals(members.get("vocab_size"))) {
      throw refused(file, "'itos', 'stoi' and 'vocab_size' do not belong together");
    }
    return new CharTokenizer(codePoints);
  }

  private static JambicException refused(Path file, String why) {
    return new JambicException(
        "%s is no vocabulary of nanoGPT's characters: %s; make the folder anew with: jambic prepare FILE --tokenizer char"
            .formatted(file, why));
  }

  private Object load() throws IOException {
    while (true) {
      int opcode = in.get() & 0xff;
      switch (opcode) {
        case 0x80 -> in.get(); // PROTO
        case 0x95 -> in.getLong(); // FRAME
        case '}' -> stack.add(new HashMap<>());
        case '(' -> stack.add(MARK);
        case 'K' -> stack.add(in.get() & 0xff);
        case 'M' -> stack.add(in.getShort() & 0xffff);
        case 'J' -> stack.add(in.getInt());
        case 'X' -> stack.add(text(in.getInt()));
        case 0x8c -> stack.add(text(in.get() & 0xff));
        case 'q' -> memo.put(in.get() & 0xff, stack.getLast());
        case 'r' -> memo.put(in.getInt(), stack.getLast());
        case 0x94 -> memo.put(memo.size(), stack.getLast()); // MEMOIZE
        case 'h' -> stack.add(known(in.get() & 0xff));
        case 'j' -> stack.add(known(in.getInt()));
        case 's' -> setItems(stack.size() - 2, stack.size() - 2);
        case 'u' -> setItems(stack.lastIndexOf(MARK), stack.lastIndexOf(MARK) + 1);
        case '.' -> {
          return stack.getLast();
        }
        default ->
            throw new UnsupportedOperationException(
                "its opcode 0x%02x makes something else than dictionaries of texts and integers"
                    .formatted(opcode));
      }
    }
  }

  private String text(int length) throws IOException {
    ByteBuffer utf8 = in.slice(in.position(), length);
    in.position(in.position() + length);
    return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
  }

  private Object known(int index) {
    if (!memo.containsKey(index)) {
      throw new IndexOutOfBoundsException(index);
    }
    return memo.get(index);
  }

  /** Takes keys and values from the stack's end and puts them into the dictionary below. */
  @SuppressWarnings("unchecked") // a HashMap is only made above
  private void setItems(int end, int from) {
    Map<Object, Object> dictionary = (HashMap<Object, Object>) stack.get(end - 1);
    for (int i = from; i < stack.size(); i += 2) {
      Object key = stack.get(i);
      if (!(key instanceof String || key instanceof Integer)) {
        throw new ClassCastException("a dictionary cannot be a key");
      }
      dictionary.put(key, stack.get(i + 1));
    }
    stack.subList(end, stack.size()).clear();
  }
}
