package jambic.model.generate;

import jambic.tensor.JambicException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * A request's answer, as it comes. For any number of threads. It comes only while some thread
 * drives the engine, by {@link InferenceEngine#run} or {@link InferenceEngine#step}: who waits for
 * it on the thread that should drive waits for ever.
 */
public final class Completion {
  /**
   * Receives what comes, on the thread that drives the engine: it had better be quick, and can wait
   * for no completion of that engine.
   */
  @FunctionalInterface
  public interface Listener {
    /**
     * A token was chosen.
     *
     * @param token the token
     * @return whether to go on
     */
    boolean onToken(GeneratedToken token);

    /**
     * Some text is certain. One token may give none, and another that of several.
     *
     * @param piece what follows the text before; not empty
     * @return whether to go on
     */
    default boolean onText(String piece) {
      return true;
    }

    /**
     * The request waits no longer: the engine has room for it and begins to read its prompt. Comes
     * before its tokens, once; a request that ends in the queue does not get it.
     */
    default void onAdmitted() {}

    /**
     * The conversation was too long, and its oldest turns are gone ({@link
     * ContextOverflow#DROP_OLDEST_TURNS}). Comes before all else, once for a request at most.
     *
     * @param count how many
     */
    default void onTurnsDropped(int count) {}

    /**
     * The completion has ended, cancelled or not: nothing more will come. Every request that was
     * taken gets either this or {@link #onFailure}, once. Whoever waits for the completion may be
     * told before. What this throws fails the completion; nobody is told again.
     *
     * @param reason why it ended
     */
    default void onEnd(FinishReason reason) {}

    /**
     * The request failed, by the engine or by what another method of this listener threw: nothing
     * more will come.
     *
     * @param why what {@link Completion#await} throws
     */
    default void onFailure(RuntimeException why) {}
  }

  private final boolean hasText;
  private final List<GeneratedToken> tokens = new ArrayList<>();
  private final List<String> pieces = new ArrayList<>();
  private final List<Optional<TokenLogProbs>> promptLogProbs = new ArrayList<>();
  private Optional<FinishReason> reason = Optional.empty();
  private Optional<RuntimeException> failure = Optional.empty();
  private final Object engine;
  private volatile boolean cancelled;

  /**
   * A request's.
   *
   * @param engine the monitor of which belongs to the thread that drives it
   * @param hasText whether there is a tokenizer to turn tokens into text
   */
  Completion(Object engine, boolean hasText) {
    this.engine = engine;
    this.hasText = hasText;
  }

  /**
   * The tokens, those to come included. Asking for one that is not there yet waits for it.
   *
   * @return each in its turn, for as many readers as there are
   */
  public Iterable<GeneratedToken> tokens() {
    return () -> stream(tokens);
  }

  /**
   * The text in pieces, those to come included. Asking for one that is not there yet waits for it.
   *
   * @return each in its turn, for as many readers as there are
   * @throws JambicException if the engine has no tokenizer
   */
  public Iterable<String> text() {
    if (!hasText) {
      throw new JambicException(
          "the engine has no tokenizer, so the answer has tokens and no text; give it the model's");
    }
    return () -> stream(pieces);
  }

  /**
   * Waits for the end, which another thread must drive the engine to.
   *
   * @return why it ended
   * @throws RuntimeException if it failed: whatever the engine or a listener threw; or if it has
   *     not ended and a listener waits here
   */
  public synchronized FinishReason await() {
    while (!isDone()) {
      waitForMore(0);
    }
    return ended().orElseThrow();
  }

  /**
   * Waits for the end, but no longer than some time.
   *
   * @param timeout how long; 0 or less to look without waiting
   * @return why it ended; empty if it has not
   * @throws RuntimeException as {@link #await()}
   */
  public synchronized Optional<FinishReason> await(Duration timeout) {
    long start = System.nanoTime();
    Duration left = timeout;
    while (!isDone() && left.isPositive()) {
      waitForMore(milliseconds(left));
      left = timeout.minusNanos(System.nanoTime() - start);
    }
    return ended();
  }

  /** At least 1, as 0 waits for ever. */
  private static long milliseconds(Duration time) {
    return time.compareTo(Duration.ofDays(1)) < 0 ? time.toMillis() + 1 : 86_400_000;
  }

  private Optional<FinishReason> ended() {
    if (failure.isPresent()) {
      throw failure.get();
    }
    return reason;
  }

  /**
   * Returns the log-probabilities of the prompt's tokens, each given those before it ({@link
   * GenerationRequest#withPromptLogProbs}).
   *
   * @return one for each token of the prompt that has been scored, in order: all of them as soon as
   *     the first token or the end has come; empty for a token with none before it
   */
  public synchronized List<Optional<TokenLogProbs>> promptLogProbs() {
    return List.copyOf(promptLogProbs);
  }

  /**
   * Whether it has ended.
   *
   * @return whether nothing more will come
   */
  public synchronized boolean isDone() {
    return reason.isPresent() || failure.isPresent();
  }

  /** Asks the engine to stop with the next step. What has come stays. */
  public void cancel() {
    cancelled = true;
  }

  /** The tokens that have come. */
  synchronized int[] ids() {
    return tokens.stream().mapToInt(GeneratedToken::id).toArray();
  }

  boolean isCancelled() {
    return cancelled;
  }

  synchronized void add(GeneratedToken token) {
    tokens.add(token);
    notifyAll();
  }

  synchronized void add(String piece) {
    pieces.add(piece);
    notifyAll();
  }

  synchronized void addPrompt(Optional<TokenLogProbs> logProbs) {
    promptLogProbs.add(logProbs);
  }

  synchronized void finish(FinishReason why) {
    reason = Optional.of(why);
    notifyAll();
  }

  synchronized void fail(RuntimeException why) {
    failure = Optional.of(why);
    notifyAll();
  }

  private void waitForMore(long milliseconds) {
    if (Thread.holdsLock(engine)) {
      throw new JambicException(
          "a listener cannot wait for a completion: it is called by the thread that has to make it");
    }
    try {
      wait(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new JambicException("interrupted while waiting for a completion", e);
    }
  }

  private <T> Iterator<T> stream(List<T> parts) {
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        synchronized (Completion.this) {
          while (next == parts.size() && !isDone()) {
            waitForMore(0);
          }
          if (next == parts.size() && failure.isPresent()) {
            throw failure.get();
          }
          return next < parts.size();
        }
      }

      @Override
      public T next() {
        if (!hasNext()) {
          throw new NoSuchElementException("the completion has ended");
        }
        synchronized (Completion.this) {
          return parts.get(next++);
        }
      }
    };
  }
}
