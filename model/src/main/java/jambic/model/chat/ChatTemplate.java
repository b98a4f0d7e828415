package jambic.model.chat;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.text.Tokenizer;
import jambic.model.text.TokenizerFile;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Ways to write a conversation as one text. Each is also a Jinja template, by which transformers
 * writes the same text and which a checkpoint is stored with; a stored one is recognized by its
 * text.
 */
public enum ChatTemplate {
  /** ChatML, as TRL sets it up: each message between {@code <|im_start|>} and its end. */
  CHATML(
      List.of("<|im_start|>", "<|im_end|>"),
      "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
          + " + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{"
          + " '<|im_start|>assistant\n' }}{% endif %}"),

  /** Llama 3's: roles in tokens of their own, and white space around a message dropped. */
  LLAMA3(
      List.of("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
      "{% for message in messages %}{% if loop.first %}{{ '<|begin_of_text|>' }}{% endif %}{{"
          + " '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content']"
          + " | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{"
          + " '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"),

  /** Zephyr's, with GPT-2's end of a text: a token for each role. */
  ZEPHYR(
      List.of("<|system|>", "<|user|>", "<|assistant|>", "<|endoftext|>"),
      "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] +"
          + " '<|endoftext|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{"
          + " '<|assistant|>\n' }}{% endif %}"),

  /** The question above, the answer below, without a word about who speaks. */
  PLAIN(
      List.of("<|endoftext|>"),
      "{% for message in messages %}{{ message['content'] }}{% if message['role'] == 'assistant'"
          + " %}{{ '<|endoftext|>' }}{% endif %}{{ '\n' }}{% endfor %}");

  private static final String NAME = TokenizerFile.CHAT_TEMPLATE;
  private static final String KEY = "chat_template"; // older checkpoints have it in this key

  private final List<String> specialTokens;
  private final String jinja;

  ChatTemplate(List<String> specialTokens, String jinja) {
    this.specialTokens = specialTokens;
    this.jinja = jinja;
  }

  /**
   * A stretch of a rendering.
   *
   * @param text what it says
   * @param special whether it is a token
   * @param learned whether the model is to learn it
   */
  private record Part(String text, boolean special, boolean learned) {}

  /**
   * Finds a template by its name.
   *
   * @param name such as {@code chatml}
   * @return the template
   * @throws JambicException if there is none of that name
   */
  public static ChatTemplate named(String name) {
    return Arrays.stream(values())
        .filter(template -> template.label().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new JambicException(
                Text.format(
                    "there is no chat template %s; %s are supported",
                    ErrorText.quote(name), names())));
  }

  /**
   * Finds the template of a checkpoint.
   *
   * @param folder its folder
   * @return the template; empty if the checkpoint has none
   * @throws JambicException if it has one that is not known here, or it cannot be read
   */
  public static Optional<ChatTemplate> find(Path folder) {
    Path file = folder.resolve(NAME);
    Optional<String> stored = Files.exists(file) ? Optional.of(read(file)) : older(folder);
    return stored.map(text ->
        Arrays.stream(values())
            .filter(template -> template.jinja.equals(text))
            .findFirst()
            .orElseThrow(() ->
                new ConfigException(
                    "%s of %s is none of %s; name one with %s",
                    NAME, folder, names(), new Name("chatTemplate", "ChatTemplate.named"))));
  }

  private static String read(Path file) {
    try {
      String text = Files.readString(file);
      return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text; // as Jinja does
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    }
  }

  private static Optional<String> older(Path folder) {
    Path settings = folder.resolve(TokenizerFile.CLASS_FILE);
    return Files.exists(settings)
        ? Optional.ofNullable(JsonObject.read(settings).values().get(KEY)).map(Object::toString)
        : Optional.empty();
  }

  private static String names() {
    return Arrays.stream(values()).map(ChatTemplate::label).collect(Collectors.joining(", "));
  }

  /**
   * Returns the name by which it is chosen.
   *
   * @return such as {@code chatml}
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Returns the template as transformers takes it.
   *
   * @return a Jinja template that renders the same text
   */
  public String jinja() {
    return jinja;
  }

  /**
   * Returns the tokens that the template is written with.
   *
   * @return their texts, which the tokenizer must have as special tokens
   */
  public List<String> specialTokens() {
    return specialTokens;
  }

  /**
   * Stores the template with a checkpoint, where transformers finds it.
   *
   * @param folder the folder of the checkpoint
   * @throws JambicException if that fails
   */
  public void save(Path folder) {
    Path file = folder.resolve(NAME);
    try {
      Files.writeString(file, jinja);
    } catch (IOException e) {
      throw new JambicException("cannot write " + file + ": " + ErrorText.reason(e), e);
    }
  }

  /**
   * Writes a conversation as text.
   *
   * @param messages the messages
   * @param addGenerationPrompt whether the beginning of an answer follows, for the model to go on
   * @return the text
   */
  public String render(List<Message> messages, boolean addGenerationPrompt) {
    return parts(messages, addGenerationPrompt).stream()
        .map(Part::text)
        .collect(Collectors.joining());
  }

  /**
   * Writes a conversation as tokens. Special tokens are only those of the template: in a message
   * their texts are text. What stands before an answer is encoded apart from it, as it is when the
   * model writes the answer.
   *
   * @param tokenizer of the model
   * @param messages the messages
   * @param addGenerationPrompt whether the beginning of an answer follows
   * @return the tokens
   * @throws JambicException if the tokenizer lacks a special token of the template, or cannot
   *     express a text
   */
  public Rendered encode(Tokenizer tokenizer, List<Message> messages, boolean addGenerationPrompt) {
    requireTokens(tokenizer);
    List<int[]> pieces = new ArrayList<>();
    List<Boolean> marks = new ArrayList<>();
    int count = 0;
    List<Part> parts = parts(messages, addGenerationPrompt);
    for (int i = 0; i < parts.size(); ) {
      Part part = parts.get(i++);
      int[] ids;
      if (part.special) {
        ids = new int[] {tokenizer.specialTokens().get(part.text)};
      } else {
        StringBuilder text = new StringBuilder(part.text); // to be encoded as a whole
        while (i < parts.size() && !parts.get(i).special && parts.get(i).learned == part.learned) {
          text.append(parts.get(i++).text);
        }
        ids = tokenizer.encode(text.toString());
      }
      pieces.add(ids);
      marks.add(part.learned);
      count += ids.length;
    }
    int[] ids = new int[count];
    boolean[] learned = new boolean[count];
    int at = 0;
    for (int i = 0; i < pieces.size(); i++) {
      int[] piece = pieces.get(i);
      System.arraycopy(piece, 0, ids, at, piece.length);
      Arrays.fill(learned, at, at + piece.length, marks.get(i));
      at += piece.length;
    }
    return new Rendered(ids, learned);
  }

  /**
   * Refuses a tokenizer that lacks special tokens of the template.
   *
   * @param tokenizer of a model
   * @throws JambicException if it lacks some: which
   */
  public void requireTokens(Tokenizer tokenizer) {
    Set<String> lacking = new LinkedHashSet<>(specialTokens);
    lacking.removeAll(tokenizer.specialTokens().keySet());
    if (!lacking.isEmpty()) {
      throw new ConfigException(
          "the tokenizer lacks %s, which the chat template %s needs as %s; add %s with %s",
          String.join(" and ", lacking),
          label(),
          lacking.size() == 1 ? "a special token" : "special tokens",
          lacking.size() == 1 ? "it" : "them",
          new Name("addSpecialTokens", "Tokenizer.withSpecialTokens"));
    }
  }

  /**
   * Returns the token that ends an answer.
   *
   * @param tokenizer of the model
   * @return its id
   * @throws JambicException if the tokenizer lacks special tokens of the template
   */
  public int endToken(Tokenizer tokenizer) {
    requireTokens(tokenizer);
    return tokenizer.specialTokens().get(specialTokens.getLast());
  }

  /**
   * Returns the tokens after which an answer is whole: the one that ends it, and the end of a text,
   * which a model may write that has not learned better.
   *
   * @param tokenizer of the model
   * @return their ids
   * @throws JambicException if the tokenizer lacks special tokens of the template
   */
  public Set<Integer> stopTokens(Tokenizer tokenizer) {
    Set<Integer> stop = new LinkedHashSet<>();
    stop.add(endToken(tokenizer));
    tokenizer.endOfText().ifPresent(stop::add);
    return stop;
  }

  private List<Part> parts(List<Message> messages, boolean addGenerationPrompt) {
    List<Part> parts = new ArrayList<>();
    if (this == LLAMA3 && !messages.isEmpty()) {
      parts.add(special("<|begin_of_text|>", false));
    }
    for (Message message : messages) {
      boolean learned = message.isAnswer();
      addHeader(parts, message.role());
      String content = this == LLAMA3 ? trimmed(message.content()) : message.content();
      parts.add(new Part(content, false, learned));
      if (this != PLAIN || learned) {
        parts.add(special(specialTokens.getLast(), learned));
      }
      if (this != LLAMA3) {
        parts.add(text("\n"));
      }
    }
    if (addGenerationPrompt) {
      addHeader(parts, Message.ASSISTANT);
    }
    return parts;
  }

  /** What stands before a message. */
  private void addHeader(List<Part> parts, String role) {
    switch (this) {
      case CHATML -> {
        parts.add(special("<|im_start|>", false));
        parts.add(text(role + "\n"));
      }
      case LLAMA3 -> {
        parts.add(special("<|start_header_id|>", false));
        parts.add(text(role));
        parts.add(special("<|end_header_id|>", false));
        parts.add(text("\n\n"));
      }
      case ZEPHYR -> {
        parts.add(special("<|" + role + "|>", false));
        parts.add(text("\n"));
      }
      case PLAIN -> {}
    }
  }

  private static Part text(String text) {
    return new Part(text, false, false);
  }

  private static Part special(String token, boolean learned) {
    return new Part(token, true, learned);
  }

  /** Drops white space at both ends, and takes for it what Python does. */
  private static String trimmed(String text) {
    int begin = 0;
    int end = text.length();
    while (begin < end && isSpace(text.charAt(begin))) {
      begin++;
    }
    while (begin < end && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(begin, end);
  }

  private static boolean isSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }
}
