package jambic.train.example;

import jambic.model.chat.Message;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.JsonLines;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** The keys of one line, each of which is taken or named as not used. */
final class Row {
  private static final List<String> ROLES =
      List.of(Message.SYSTEM, Message.USER, Message.ASSISTANT);

  /** The kinds of data that rows of JSON Lines may be, told by their keys, and what reads each. */
  enum Shape {
    JUDGED("answers judged one by one", "prompt, completion, label", ""),
    PREFERENCE("preference data", "prompt, chosen, rejected", "use jambic dpo or jambic reward"),
    LABELLED("labelled texts", "text, label", "use jambic classify"),
    CONVERSATION("conversations to learn from", "messages", "use jambic sft"),
    COMPLETION("demonstrations", "prompt, completion", "use jambic sft"),
    PROMPT("prompts without answers to learn from", "prompt", "use jambic ppo or jambic grpo"),
    TEXT("plain text without a prompt", "text", "use jambic train with --text-field text");

    private final String description;
    private final List<String> keys;
    private final String advice;

    Shape(String description, String keys, String advice) {
      this.description = description;
      this.keys = List.of(keys.split(", "));
      this.advice = advice;
    }

    /** The kind that the keys of a row are of, the most special one. */
    static Optional<Shape> of(Map<?, ?> object) {
      return Arrays.stream(values()).filter(shape -> shape.fits(object)).findFirst();
    }

    private boolean fits(Map<?, ?> object) {
      return switch (this) {
        case JUDGED -> hasAll(object) && object.get("label") instanceof Boolean;
        case PREFERENCE -> object.containsKey("chosen") && object.containsKey("rejected");
        default -> hasAll(object);
      };
    }

    private boolean hasAll(Map<?, ?> object) {
      return keys.stream().allMatch(object::containsKey);
    }

    String keyNames() {
      return String.join(", ", keys);
    }

    /** What to say where another kind is expected. */
    String hint() {
      String looks = "this looks like " + description + " (" + keyNames() + ")";
      return advice.isEmpty() ? looks : looks + "; " + advice;
    }
  }

  private final Map<?, ?> object;
  private final Set<String> used = new LinkedHashSet<>();
  private final Set<String> unusedOfMessages = new LinkedHashSet<>();

  Row(String line) {
    if (!(JsonLines.value(line) instanceof Map<?, ?> map)) {
      throw new JambicException("this is no JSON object; give one on each line (JSON Lines)");
    }
    object = map;
  }

  boolean has(String key) {
    return object.containsKey(key);
  }

  /** Refuses a row of another kind, by what its keys look like. */
  void require(Shape... wanted) {
    requireBothAnswers();
    Optional<Shape> shape = Shape.of(object);
    if (shape.isEmpty()) {
      String keys = object.keySet().stream().map(String::valueOf).collect(Collectors.joining(", "));
      throw new JambicException(
          Text.format(
              "the keys are %s; give %s",
              keys.isEmpty() ? "none" : ErrorText.quote(keys), wanted[0].keyNames()));
    }
    if (!List.of(wanted).contains(shape.get())) {
      throw new JambicException(shape.get().hint());
    }
  }

  /** Half a preference is no row of another shape. */
  private void requireBothAnswers() {
    for (String half : List.of("chosen", "rejected")) {
      String other = half.equals("chosen") ? "rejected" : "chosen";
      if (object.containsKey(half) && !object.containsKey(other)) {
        throw new JambicException(
            Text.format(
                "there is %s but no %s; give both answers",
                ErrorText.quote(half), ErrorText.quote(other)));
      }
    }
  }

  boolean isList(String key) {
    return value(key) instanceof List<?>;
  }

  private Object value(String key) {
    Object value = object.get(key);
    if (value == null && !object.containsKey(key)) {
      throw new JambicException(Text.format("there is no %s", ErrorText.quote(key)));
    }
    used.add(key);
    return Optional.ofNullable(value).orElse(Optional.empty());
  }

  String text(String key) {
    return text(value(key), ErrorText.quote(key));
  }

  String filledText(String key) {
    String text = text(key);
    if (text.isBlank()) {
      throw new JambicException(
          Text.format("%s is empty; give a text or leave the row out", ErrorText.quote(key)));
    }
    return text;
  }

  /** A text that may be missing or null. */
  Optional<String> optionalText(String key) {
    used.add(key);
    return object.get(key) == null ? Optional.empty() : Optional.of(text(key));
  }

  boolean isTrue(String key) {
    if (value(key) instanceof Boolean truth) {
      return truth;
    }
    throw new JambicException(
        Text.format("%s is %s; give true or false", ErrorText.quote(key), kind(object.get(key))));
  }

  double number(String key) {
    if (value(key) instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    throw new JambicException(
        Text.format("%s is %s; give a number", ErrorText.quote(key), numberKind(object.get(key))));
  }

  private static String numberKind(Object value) {
    if (!(value instanceof Number number)) {
      return kind(value);
    }
    return Double.isNaN(number.doubleValue()) ? "not a number" : "a number too large for 64 bits";
  }

  /** The name of a class, which may be a number. */
  String label(String key) {
    Object value = value(key);
    String label =
        value instanceof Integer || value instanceof Long
            ? value.toString()
            : text(value, ErrorText.quote(key));
    if (label.isBlank()) {
      throw new JambicException(ErrorText.quote(key) + " is empty; give the name of a class");
    }
    return label;
  }

  Prompt prompt(String key) {
    if (isList(key)) {
      return new Prompt.Chat(waiting(key, messages(key)));
    }
    String text = text(key);
    if (text.isEmpty()) {
      throw new JambicException(
          Text.format("%s is empty; an answer needs a text to follow", ErrorText.quote(key)));
    }
    return new Prompt.Plain(text);
  }

  /** Messages that the assistant answers next. */
  static List<Message> waiting(String key, List<Message> messages) {
    if (messages.isEmpty() || !messages.getLast().role().equals(Message.USER)) {
      throw new JambicException(
          Text.format(
              "%s does not end with the user, whom the assistant answers", ErrorText.quote(key)));
    }
    return messages;
  }

  /** The answer to a prompt: a text, or the one message that the assistant adds. */
  String answer(String key, Prompt prompt) {
    requireSameForm(key, prompt);
    return isList(key) ? onlyAnswer(key, messages(key)) : text(key);
  }

  /** Refuses a text as the answer to a conversation, and the other way round. */
  void requireSameForm(String key, Prompt prompt) {
    boolean list = isList(key);
    if (list != prompt instanceof Prompt.Chat && (list || value(key) instanceof String)) {
      throw new JambicException(
          Text.format(
              "%s is %s, but the prompt is %s; give both in the same form",
              ErrorText.quote(key),
              list ? "a conversation" : "a text",
              list ? "a text" : "a conversation"));
    }
  }

  static String onlyAnswer(String key, List<Message> messages) {
    if (messages.size() != 1 || !messages.getFirst().isAnswer()) {
      throw new JambicException(
          Text.format(
              "%s adds %s to the prompt; it must be one, by the assistant",
              ErrorText.quote(key), ErrorText.count(messages.size(), "message")));
    }
    return messages.getFirst().content();
  }

  List<Message> messages(String key) {
    if (!(value(key) instanceof List<?> list)) {
      throw new JambicException(
          Text.format(
              "%s is %s; give a list of messages with role and content",
              ErrorText.quote(key), kind(object.get(key))));
    }
    List<Message> messages = new ArrayList<>();
    for (Object element : list) {
      messages.add(message(element, Text.format("%s[%d]", ErrorText.quote(key), messages.size())));
    }
    if (messages.isEmpty()) {
      throw new JambicException(ErrorText.quote(key) + " has no messages");
    }
    return messages;
  }

  private Message message(Object element, String place) {
    if (!(element instanceof Map<?, ?> map) || !map.containsKey("role")) {
      throw new JambicException(place + " is no object with role and content");
    }
    String role = text(map.get("role"), "the role of " + place);
    if (!ROLES.contains(role)) {
      throw new JambicException(
          Text.format(
              "%s has the role %s; there are %s",
              place, ErrorText.quote(role), String.join(", ", ROLES)));
    }
    if (map.get("tool_calls") instanceof List<?> calls && !calls.isEmpty()) {
      throw new JambicException(place + " has tool_calls, which are not supported");
    }
    for (Object key : map.keySet()) {
      if (!key.equals("role") && !key.equals("content")) {
        unusedOfMessages.add(key + " of messages");
      }
    }
    return new Message(role, text(map.get("content"), "the content of " + place));
  }

  private static String text(Object value, String place) {
    if (!(value instanceof String text)) {
      throw new JambicException(Text.format("%s is %s; give a text", place, kind(value)));
    }
    if (text.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF)) { // UTF-8 has no bytes for it
      throw new JambicException(
          Text.format(
              "%s has half of a surrogate pair (\\uD800 to \\uDFFF), which is no character; remove it",
              place));
    }
    return text;
  }

  private static String kind(Object value) {
    return switch (value) {
      case null -> "null";
      case Optional<?> empty -> "null";
      case Boolean truth -> truth.toString();
      case Number number -> "a number";
      case String text -> "a text";
      case List<?> list -> "a list";
      default -> "an object";
    };
  }

  /** The keys that nothing was taken from. */
  Set<String> unused() {
    Set<String> unused = new LinkedHashSet<>();
    object.keySet().stream()
        .map(String::valueOf)
        .filter(k -> !used.contains(k))
        .forEach(unused::add);
    unused.addAll(unusedOfMessages);
    return unused;
  }
}
