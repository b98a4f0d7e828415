package jambic.model.io;

import jambic.tensor.text.Text;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * Reads the data of a Python pickle, of the protocols 2 to 5.
 *
 * <p>A pickle is a program. This knows the opcodes for dictionaries, lists, tuples, texts, numbers,
 * truth values and None, and the few functions that its user names; everything else is refused by
 * name, and nothing is ever run. A dictionary becomes a {@link Map}, a list or tuple a {@link
 * List}, an integer a {@link Long}. What a pickle can make is bounded, so that a small one cannot
 * fill the memory.
 */
public final class PickleReader {
  /** Stands for Python's None. */
  static final Object NONE = new Object();

  private static final Object MARK = new Object();
  private static final int MOST_VALUES = 1 << 21; // a tensor takes about 40

  private final ByteBuffer in;
  private final Map<String, Function> functions;
  private final Function persistent;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Integer, Object> memo = new HashMap<>();
  private int values;

  private PickleReader(ByteBuffer pickle, Map<String, Function> functions, Function persistent) {
    this.in = pickle.order(ByteOrder.LITTLE_ENDIAN);
    this.functions = functions;
    this.persistent = persistent;
  }

  /** Makes a value in place of a function or class of Python's. */
  @FunctionalInterface
  interface Function {
    /**
     * Makes the value.
     *
     * @throws PickleException if the arguments are not such as it takes
     */
    Object call(List<?> arguments) throws PickleException;
  }

  /** Says what a pickle has that is not read, to end a sentence that names the file. */
  public static final class PickleException extends Exception {
    private static final long serialVersionUID = 1L;

    PickleException(String why) {
      super(why);
    }
  }

  /** Reads a pickle that names no function. */
  public static Object read(ByteBuffer pickle) throws PickleException {
    return read(
        pickle,
        Map.of(),
        id -> {
          throw new PickleException("it refers to something outside");
        });
  }

  /**
   * Reads a pickle.
   *
   * @param pickle all of it
   * @param functions what it may call, by module and name
   * @param persistent finds what it refers to as outside
   * @return what it describes
   * @throws PickleException if it is damaged, or holds something else than data
   */
  public static Object read(ByteBuffer pickle, Map<String, Function> functions, Function persistent)
      throws PickleException {
    try {
      return new PickleReader(pickle, functions, persistent).load();
    } catch (BufferUnderflowException
        | IndexOutOfBoundsException
        | NoSuchElementException
        | ClassCastException
        | CharacterCodingException e) {
      throw damaged();
    }
  }

  private static PickleException damaged() {
    return new PickleException("it is cut short or damaged");
  }

  private Object load() throws PickleException, CharacterCodingException {
    while (true) {
      int opcode = in.get() & 0xff;
      switch (opcode) {
        case 0x80 -> in.get(); // PROTO
        case 0x95 -> in.getLong(); // FRAME
        case '}' -> push(new LinkedHashMap<>());
        case ']' -> push(new ArrayList<>());
        case '(' -> push(MARK);
        case 'N' -> push(NONE);
        case 0x88 -> push(true);
        case 0x89 -> push(false);
        case 'K' -> push(in.get() & 0xffL);
        case 'M' -> push(in.getShort() & 0xffffL);
        case 'J' -> push((long) in.getInt());
        case 0x8a -> push(integer(in.get() & 0xff)); // LONG1
        case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
        case 'X' -> push(text(in.getInt()));
        case 0x8c -> push(text(in.get() & 0xff)); // SHORT_BINUNICODE
        case 'q' -> remember(in.get() & 0xff);
        case 'r' -> remember(in.getInt());
        case 0x94 -> remember(memo.size()); // MEMOIZE
        case 'h' -> push(known(in.get() & 0xff));
        case 'j' -> push(known(in.getInt()));
        case ')' -> push(List.of());
        case 't' -> pushTuple(popToMark());
        case 0x85 -> pushTuple(pop(1));
        case 0x86 -> pushTuple(pop(2));
        case 0x87 -> pushTuple(pop(3));
        case 'a' -> append(pop(1));
        case 'e' -> append(popToMark());
        case 's' -> setItems(pop(2));
        case 'u' -> setItems(popToMark());
        case 'c' -> push(function(line() + "." + line()));
        case 'i' -> throw foreign(line() + "." + line());
        case 0x93 -> { // STACK_GLOBAL
          List<Object> name = pop(2);
          push(function((String) name.get(0) + "." + (String) name.get(1)));
        }
        case 'R' -> {
          List<Object> call = pop(2);
          push(((Function) call.get(0)).call((List<?>) call.get(1)));
        }
        case 'Q' -> push(persistent.call((List<?>) pop(1).getFirst())); // BINPERSID
        case 'b' -> build(pop(1).getFirst());
        case '.' -> {
          return only();
        }
        default ->
            throw new PickleException(
                Text.format("its opcode 0x%02x makes something else than plain data", opcode));
      }
    }
  }

  private void push(Object value) throws PickleException {
    count();
    stack.add(value);
  }

  private void count() throws PickleException {
    if (++values > MOST_VALUES) {
      throw new PickleException(Text.format("it makes more than %,d values", MOST_VALUES));
    }
  }

  /** Takes the uppermost values; a mark is none. */
  private List<Object> pop(int count) {
    List<Object> top = stack.subList(stack.size() - count, stack.size());
    List<Object> popped = new ArrayList<>(top);
    if (popped.contains(MARK)) {
      throw new IndexOutOfBoundsException();
    }
    top.clear();
    return popped;
  }

  private List<Object> popToMark() {
    List<Object> popped = pop(stack.size() - 1 - stack.lastIndexOf(MARK));
    stack.removeLast();
    return popped;
  }

  private Object only() {
    Object result = pop(1).getFirst();
    if (!stack.isEmpty() || in.hasRemaining()) {
      throw new IndexOutOfBoundsException();
    }
    return result;
  }

  private void remember(int index) throws PickleException {
    count();
    if (stack.getLast() == MARK) {
      throw damaged();
    }
    memo.put(index, stack.getLast());
  }

  private Object known(int index) throws PickleException {
    if (!memo.containsKey(index)) {
      throw damaged();
    }
    return memo.get(index);
  }

  private long integer(int length) throws PickleException {
    if (length > Long.BYTES) {
      throw new PickleException(Text.format("it has an integer of %d bytes", length));
    }
    long value = 0;
    for (int i = 0; i < length; i++) {
      value |= (in.get() & 0xffL) << (8 * i);
    }
    int unused = Long.SIZE - 8 * length;
    return length == 0 ? 0 : value << unused >> unused;
  }

  private String text(int length) throws CharacterCodingException {
    ByteBuffer utf8 = in.slice(in.position(), length);
    in.position(in.position() + length);
    return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
  }

  private String line() throws CharacterCodingException {
    int start = in.position();
    while (in.get() != '\n') {}
    int length = in.position() - 1 - start;
    return StandardCharsets.UTF_8.newDecoder().decode(in.slice(start, length)).toString();
  }

  private Function function(String name) throws PickleException {
    Function function = functions.get(name);
    if (function == null) {
      throw foreign(name);
    }
    return function;
  }

  private static PickleException foreign(String name) {
    return new PickleException(
        Text.format("it calls for Python's %s, which weights do not need", ErrorText.quote(name)));
  }

  private void pushTuple(List<Object> elements) throws PickleException {
    push(List.copyOf(elements));
  }

  @SuppressWarnings("unchecked") // an ArrayList is only made above
  private void append(List<Object> elements) {
    ((ArrayList<Object>) stack.getLast()).addAll(elements);
  }

  @SuppressWarnings("unchecked") // a LinkedHashMap is only made above and by functions
  private void setItems(List<Object> keysAndValues) {
    var dictionary = (LinkedHashMap<Object, Object>) stack.getLast();
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      Object key = keysAndValues.get(i);
      if (!(key instanceof String || key instanceof Long)) {
        throw new ClassCastException("only texts and integers are keys");
      }
      dictionary.put(key, keysAndValues.get(i + 1));
    }
  }

  /** Sets attributes of an object: PyTorch notes the versions of its modules so. */
  private void build(Object state) throws PickleException {
    if (!(stack.getLast() instanceof LinkedHashMap<?, ?>)
        || !(state instanceof Map<?, ?> attributes)) {
      throw new PickleException("it sets the state of an object, which weights do not need");
    }
    for (Object name : attributes.keySet()) {
      if (!name.equals("_metadata")) {
        throw new PickleException(
            Text.format(
                "it sets the attribute %s, which weights do not need",
                ErrorText.quote(name.toString())));
      }
    }
  }
}
