package jambic.model.chat;

import jambic.model.generate.Completion;
import jambic.model.generate.Conversation;
import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.InferenceEngine;
import jambic.model.generate.SamplingParams;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Talks to a model that was fine-tuned with a chat template. What was said stays in the cache, so
 * that a question costs only its own tokens. What the model reads are the tokens of {@link
 * ChatTemplate#encode} of the whole conversation; where the model wrote an answer, the tokens that
 * it chose.
 *
 * {@snippet :
 * try (var backend = Backends.open();
 *     var model = Gpt.load(folder, backend);
 *     var engine =
 *         new InferenceEngine(
 *             model, Optional.of(Tokenizer.load(folder)), 1, model.contextLength());
 *     var chat =
 *         new ChatSession(
 *             engine, ChatTemplate.find(folder).orElseThrow(), 200, SamplingParams.plain(1))) {
 *   chat.instruct("Be brief.");
 *   chat.ask("What is a tensor?", System.out::print);
 * }
 * }
 *
 * <p>Where the conversation becomes too long for the model, its oldest questions are forgotten with
 * their answers, and the rest is read once more; what {@link #instruct} said stays. A quarter of
 * the context is kept for an answer at least, if so many tokens are allowed.
 *
 * <p>For one thread at a time, which drives the engine while it asks.
 */
public final class ChatSession implements AutoCloseable {
  private static final int ANSWERS_SHARE = 4; // a quarter of the context

  private final InferenceEngine engine;
  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final int maxNewTokens;
  private final SamplingParams sampling;
  private final List<Message> messages = new ArrayList<>(); // questions and answers in turn
  private Optional<Message> system = Optional.empty();
  private Conversation conversation;
  private int[] tokens = {}; // of the conversation; none if it has to be read anew
  private long asked;

  /**
   * Begins a conversation.
   *
   * @param engine with a tokenizer; it stays the caller's to close, after the session
   * @param template which the model was fine-tuned with
   * @param maxNewTokens the most tokens of an answer
   * @param sampling how each is chosen; the answer with the number i, from 0, has the seed plus i
   * @throws JambicException if the engine has no tokenizer, that lacks a special token of the
   *     template, or an answer may have no token
   */
  public ChatSession(
      InferenceEngine engine, ChatTemplate template, int maxNewTokens, SamplingParams sampling) {
    tokenizer =
        engine
            .tokenizer()
            .orElseThrow(() ->
                new JambicException(
                    "a conversation needs the model's tokenizer; give it to the engine"));
    template.requireTokens(tokenizer);
    if (maxNewTokens < 1) {
      throw new JambicException("an answer may have 1 token or more, got " + maxNewTokens);
    }
    this.engine = engine;
    this.template = template;
    this.maxNewTokens = maxNewTokens;
    this.sampling = sampling;
    conversation = engine.session();
  }

  /**
   * Says how the model is to behave. The conversation goes on and is read once more.
   *
   * @param text the system message, in place of the one before; blank for none
   * @throws JambicException if the vocabulary cannot express it
   */
  public void instruct(String text) {
    tokenizer.encode(text);
    system = text.isBlank() ? Optional.empty() : Optional.of(new Message(Message.SYSTEM, text));
    tokens = new int[0];
  }

  /** Forgets all questions and answers. What {@link #instruct} said stays. */
  public void reset() {
    messages.clear();
    tokens = new int[0];
    asked = 0;
  }

  /**
   * Returns the conversation as far as the model knows it.
   *
   * @return the system message, if there is one, and questions and answers in turn
   */
  public List<Message> messages() {
    return with(messages);
  }

  /**
   * Asks, and waits for the answer.
   *
   * @param question what the user says; texts of special tokens in it are text
   * @param pieces receives the answer in pieces, as it comes
   * @return the answer
   * @throws RuntimeException as {@link #complete}
   */
  public ChatAnswer ask(String question, Consumer<String> pieces) {
    return complete(
        question,
        new Completion.Listener() {
          @Override
          public boolean onToken(GeneratedToken token) {
            return true;
          }

          @Override
          public boolean onText(String piece) {
            pieces.accept(piece);
            return true;
          }
        });
  }

  /**
   * Asks, and waits for the answer.
   *
   * @param question what the user says; texts of special tokens in it are text
   * @param listener receives the answer as it comes, and may end it; {@code onTurnsDropped} says
   *     how many questions were forgotten with their answers
   * @return the answer; one that the listener ended stays in the conversation as it is
   * @throws JambicException if the vocabulary cannot express the question, or the context has no
   *     room for it: the conversation is what it was
   * @throws RuntimeException what the listener throws: the question is forgotten
   */
  public ChatAnswer complete(String question, Completion.Listener listener) {
    int context = engine.contextLength();
    int room = Math.min(maxNewTokens, Math.max(1, context / ANSWERS_SHARE));
    List<Message> said = new ArrayList<>(messages);
    said.add(new Message(Message.USER, question));
    boolean anew = tokens.length == 0;
    int[] prompt = anew ? encode(said) : continuation(question);
    if (tokens.length + prompt.length + room > context) {
      anew = true;
      prompt = encode(said);
      while (prompt.length + room > context && said.size() > 1) {
        said.subList(0, 2).clear();
        prompt = encode(said);
      }
    }
    if (anew && prompt.length >= context) {
      throw new JambicException(
          Text.format(
              "the question has %d tokens with what the template adds%s and the model's context %d; shorten it",
              prompt.length, system.isPresent() ? " and the system message" : "", context));
    }
    if (anew) {
      conversation.close();
      conversation = engine.session();
      tokens = new int[0];
    }
    int dropped = (messages.size() + 1 - said.size()) / 2;
    if (dropped > 0) {
      listener.onTurnsDropped(dropped);
    }
    return answer(said, prompt, listener);
  }

  private ChatAnswer answer(List<Message> said, int[] prompt, Completion.Listener listener) {
    int[] before = tokens;
    tokens = new int[0]; // if this fails, the cache holds what nobody said
    int free = engine.contextLength() - before.length - prompt.length;
    Completion completion =
        conversation.complete(
            GenerationRequest.of(prompt, Math.min(maxNewTokens, free))
                .withSampling(sampling.withSeed(sampling.seed() + asked))
                .withStopTokens(template.stopTokens(tokenizer)),
            listener);
    List<GeneratedToken> chosen = new ArrayList<>();
    completion.tokens().forEach(chosen::add);
    ChatAnswer answer = new ChatAnswer(String.join("", completion.text()), completion.await());
    int[] ids = chosen.stream().mapToInt(GeneratedToken::id).toArray();
    messages.clear();
    messages.addAll(said);
    messages.add(new Message(Message.ASSISTANT, answer.text()));
    asked++;
    if (isAsRendered(answer, ids)) {
      tokens = concat(concat(before, prompt), ids);
    }
    return answer;
  }

  /**
   * Whether the template makes of an answer what the model wrote. It may have ended the answer with
   * another token, or with white space that the template drops: then all is read anew.
   */
  private boolean isAsRendered(ChatAnswer answer, int[] ids) {
    Message message = new Message(Message.ASSISTANT, answer.text());
    boolean ended = answer.reason() != FinishReason.STOP || isEnd(ids);
    return ended && template.render(List.of(message), false).contains(answer.text());
  }

  private boolean isEnd(int[] ids) {
    return ids.length > 0 && ids[ids.length - 1] == template.endToken(tokenizer);
  }

  /**
   * What follows an answer that the cache holds: what ends it, if the model did not, and the
   * question. It does not depend on what the answer is, nor on what was said before.
   */
  private int[] continuation(String question) {
    Message any = new Message(Message.USER, "");
    Message answer = new Message(Message.ASSISTANT, "");
    Message next = new Message(Message.USER, question);
    int begin = template.encode(tokenizer, List.of(any), true).ids().length;
    int[] all = template.encode(tokenizer, List.of(any, answer, next), true).ids();
    return Arrays.copyOfRange(all, isEnd(tokens) ? begin + 1 : begin, all.length);
  }

  private int[] encode(List<Message> said) {
    return template.encode(tokenizer, with(said), true).ids();
  }

  private List<Message> with(List<Message> said) {
    List<Message> all = new ArrayList<>(said);
    system.ifPresent(all::addFirst);
    return List.copyOf(all);
  }

  private static int[] concat(int[] first, int[] second) {
    return IntStream.concat(Arrays.stream(first), Arrays.stream(second)).toArray();
  }

  /** The tokens that the model has read or written, if they are still those of the conversation. */
  int[] tokens() {
    return tokens.clone();
  }

  /** Gives the cache back. */
  @Override
  public void close() {
    conversation.close();
  }
}
