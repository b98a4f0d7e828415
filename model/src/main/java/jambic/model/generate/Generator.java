package jambic.model.generate;

import jambic.model.LanguageModel;
import jambic.model.io.ErrorText;
import jambic.model.nn.KvCache;
import jambic.model.text.TokenDecoder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;

/**
 * Continues token sequences with a model and a KV cache.
 *
 * <p>Up to the context length a new token costs one pass over itself. Beyond it the context is the
 * last blockSize tokens and positions shift with every token, as in nanoGPT, so each costs a pass
 * over the whole context.
 *
 * <p>A sequence ends where the model chooses one of its end tokens ({@link
 * LanguageModel#endTokens}), the token included, unless the generator was given others or none.
 *
 * <p>A generator serves one thread at a time. Threads that each have a generator of their own may
 * share the model and its backend, which computes for them in turn.
 */
public final class Generator implements AutoCloseable {
  private static final int LONGEST = 1 << 30; // an array holds little more

  /** Receives tokens as they are chosen. */
  @FunctionalInterface
  public interface Listener {
    /**
     * A token was chosen.
     *
     * @param row which sequence of the batch
     * @param token the new token
     * @return whether to go on
     */
    boolean onToken(int row, int token);
  }

  private final LanguageModel model;
  private final int batch;
  private final Set<Integer> stopTokens;
  private final InferenceEngine engine;
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile boolean closed;

  /**
   * A generator for batches of one size that stops at the model's end tokens.
   *
   * @param model whose weights are set; it stays the caller's to close
   * @param batch how many sequences grow together
   * @throws JambicException if the model's checkpoint says them in a way that cannot be understood
   */
  public Generator(LanguageModel model, int batch) {
    this(model, batch, model.endTokens());
  }

  /**
   * A generator that stops at certain tokens instead of the model's end tokens.
   *
   * @param model whose weights are set; it stays the caller's to close
   * @param batch how many sequences grow together
   * @param stopTokens tokens that end a sequence; none to go on past all of them
   */
  public Generator(LanguageModel model, int batch, Set<Integer> stopTokens) {
    if (batch < 1) {
      throw new JambicException("a batch has at least 1 sequence, got " + batch);
    }
    model.requireOpen();
    this.model = model;
    this.batch = batch;
    this.stopTokens = Set.copyOf(stopTokens);
    int tokens = KvCache.tokensFor(model.contextLength(), batch);
    engine = new InferenceEngine(model, Optional.empty(), batch, tokens);
  }

  /**
   * Continues one sequence.
   *
   * @param prompt at least one token
   * @param count how many tokens to add
   * @param sampling how to choose them
   * @param listener receives each as it is chosen, and may stop
   * @return the new tokens
   * @throws JambicException if the prompt is empty or holds an id that the model does not know, the
   *     generator is at work for another thread, or it or the model is closed
   */
  public int[] generate(int[] prompt, int count, SamplingParams sampling, Listener listener) {
    return generate(new int[][] {prompt}, count, sampling, listener)[0];
  }

  /**
   * Continues a text, piece by piece.
   *
   * @param tokenizer the model's; ids that it lacks are never chosen, as in a padded vocabulary
   * @param prompt at least one token
   * @param count how many tokens to add
   * @param sampling how to choose them
   * @param listener receives the new text as it comes; whether to go on is its answer
   * @throws JambicException if the prompt is empty, or the tokenizer cannot express it
   */
  public void stream(
      Tokenizer tokenizer,
      String prompt,
      int count,
      SamplingParams sampling,
      Predicate<String> listener) {
    TokenDecoder decoder = tokenizer.decoder();
    Listener decoding =
        (row, token) -> {
          String piece = stopTokens.contains(token) ? "" : decoder.next(token);
          return piece.isEmpty() || listener.test(piece);
        };
    int[][] prompts = {tokenizer.encodePrompt(prompt, false)};
    // Models are often padded to a rounder vocabulary; what is beyond the tokenizer's has no text.
    int candidates = Math.min(tokenizer.vocabSize(), model.vocabSize());
    generate(prompts, count, sampling, candidates, decoding);
    String rest = decoder.end();
    if (!rest.isEmpty()) {
      listener.test(rest);
    }
  }

  /**
   * Continues a batch of sequences, which may differ in length.
   *
   * @param prompts one for each row, at least one token each
   * @param count how many tokens to add to each
   * @param sampling how to choose them; each row draws from its own stream
   * @param listener receives each as it is chosen; when it declines for a row, generation stops for
   *     all
   * @return the new tokens, a row for each prompt; one that came to its end is shorter
   * @throws JambicException if the number of prompts is not the batch size, or a prompt is empty or
   *     holds an id that the model does not know
   */
  public int[][] generate(int[][] prompts, int count, SamplingParams sampling, Listener listener) {
    return generate(prompts, count, sampling, model.vocabSize(), listener);
  }

  /** The same, choosing only among the first {@code candidates} ids. */
  private int[][] generate(
      int[][] prompts, int count, SamplingParams sampling, int candidates, Listener listener) {
    check(prompts, count);
    if (!busy.compareAndSet(false, true)) {
      throw new JambicException(
          "the generator is at work on another text; make one for each thread");
    }
    try {
      return grow(prompts, count, sampling, candidates, listener);
    } finally {
      busy.set(false);
    }
  }

  private int[][] grow(
      int[][] prompts, int count, SamplingParams sampling, int candidates, Listener listener) {
    engine.forgetPrefixes(); // the weights may have changed
    List<Completion> rows = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      int row = i;
      Completion.Listener one =
          token -> {
            boolean going = listener.onToken(row, token.id());
            if (!going) {
              rows.forEach(Completion::cancel);
            }
            return going;
          };
      GenerationRequest request =
          GenerationRequest.of(prompts[row], count)
              .withSampling(sampling)
              .withStopTokens(stopTokens)
              .withIgnoreEos(true)
              .withPastContext(ContextOverflow.CROP);
      rows.add(engine.submit(request, row, candidates, one));
    }
    try {
      while (engine.step()) {}
      rows.forEach(Completion::await);
    } catch (RuntimeException e) {
      rows.forEach(Completion::cancel);
      while (engine.step()) {}
      throw e;
    }
    int[][] added = new int[batch][];
    for (int row = 0; row < batch; row++) {
      added[row] = rows.get(row).ids();
    }
    return added;
  }

  private void check(int[][] prompts, int count) {
    model.requireOpen();
    if (closed) {
      throw new JambicException("the generator is closed; make another");
    }
    if (prompts.length != batch) {
      throw new JambicException(
          Text.format(
              "the generator was made for %s, got %s",
              ErrorText.count(batch, "sequence"), ErrorText.count(prompts.length, "prompt")));
    }
    if (count < 0) {
      throw new JambicException("cannot generate " + count + " tokens");
    }
    for (int[] prompt : prompts) {
      if (count > LONGEST - prompt.length) {
        throw new JambicException(
            Text.format(
                "cannot generate %d tokens at once; a text has at most %d", count, LONGEST));
      }
      if (prompt.length == 0) {
        throw new JambicException("a prompt needs at least one token, got an empty one");
      }
      model.requireIds(prompt);
    }
  }

  /** Frees the cache. */
  @Override
  public void close() {
    closed = true;
    engine.close();
  }
}
