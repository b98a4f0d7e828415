package jambic.model.generate;

import jambic.tensor.JambicException;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/** A request in work. All of it belongs to the thread that drives the engine. */
final class ActiveRequest {
  private final GenerationRequest request;
  private final Set<Integer> ends;
  private final Conversation session;
  private final Completion completion;
  private final Completion.Listener listener;
  private final Sampler sampler;
  private final Optional<StopMatcher> text;
  private final EngineCounters counters;
  private int added;
  private int promptScored; // tokens of the prompt
  private int promptStart;
  private long arrival;
  private boolean preempted;

  ActiveRequest(
      GenerationRequest request,
      Set<Integer> ends,
      Conversation session,
      Completion completion,
      Completion.Listener listener,
      Sampler sampler,
      Optional<StopMatcher> text,
      EngineCounters counters) {
    this.request = request;
    this.ends = ends;
    this.session = session;
    this.completion = completion;
    this.listener = listener;
    this.sampler = sampler;
    this.text = text;
    this.counters = counters;
  }

  Conversation session() {
    return session;
  }

  Completion completion() {
    return completion;
  }

  CachedSequence sequence() {
    return session.sequence();
  }

  /** Appends the prompt to what the session holds. */
  void begin() {
    CachedSequence sequence = sequence();
    sequence.unreadLast(); // its scores belong to what comes now
    if (request.prompt().length > 0) {
      sequence.beginTurn();
    }
    if (request.pastContext() == ContextOverflow.DROP_OLDEST_TURNS) {
      int dropped = sequence.makeRoom((long) request.prompt().length + request.maxNewTokens());
      if (dropped > 0) {
        listener.onTurnsDropped(dropped);
      }
    }
    promptStart = sequence.length();
    sequence.appendPrompt(request.prompt());
    for (int i = 0; i < sequence.length(); i++) {
      sampler.see(sequence.token(i));
    }
    if (sequence.isPastContext()) {
      sequence.crop();
    }
    beginScoring();
  }

  private void beginScoring() {
    if (request.promptLogProbs().isEmpty() || request.prompt().length == 0) {
      return;
    }
    if (promptStart == 0) { // nothing predicts the first token
      completion.addPrompt(Optional.empty());
      promptScored = 1;
    }
    sequence().scoreFrom(promptStart + promptScored - 1);
  }

  /** Takes its place among all. */
  void arrive(long number) {
    arrival = number;
  }

  /** Its number: who has a lower one came before. */
  long arrival() {
    return arrival;
  }

  /** Gives up its pages, and nothing else: what they held is read again. */
  void preempt() {
    sequence().release();
    preempted = true;
  }

  boolean wasPreempted() {
    return preempted;
  }

  /** Tells that it waits no longer; one that was preempted has been told. */
  void admitted() {
    if (!preempted) {
      listener.onAdmitted();
    }
  }

  /** How many positions of the cache it takes to the end. */
  int positions(int blockSize) {
    long all = (long) sequence().length() + request.maxNewTokens() - added;
    return (int) Math.min(blockSize, all);
  }

  int promptLength() {
    return request.prompt().length;
  }

  /** Whether nothing is to be added. */
  boolean isEmpty() {
    return request.maxNewTokens() == 0 && request.promptLogProbs().isEmpty();
  }

  /**
   * Takes the scores after the last {@code count} tokens that were read. Those of the prompt are
   * told; if the sequence ends with them, the next token is chosen.
   *
   * @return why that was the last one, if it was
   */
  Optional<FinishReason> take(float[] scores, int first, int count, int vocabSize) {
    CachedSequence sequence = sequence();
    for (int i = 0; i < count && isScoringPrompt(); i++) {
      if (sequence.cached() - count + i + 1 == promptStart + promptScored) {
        tellPrompt(scores, (first + i) * vocabSize, vocabSize);
      }
    }
    if (!isScoringPrompt()) {
      sequence.scoreLast();
    }
    if (sequence.cached() < sequence.length()) {
      return Optional.empty();
    }
    return request.maxNewTokens() == 0
        ? Optional.of(FinishReason.LENGTH)
        : choose(scores, (first + count - 1) * vocabSize, vocabSize);
  }

  private boolean isScoringPrompt() {
    return request.promptLogProbs().isPresent() && promptScored < request.prompt().length;
  }

  private void tellPrompt(float[] scores, int offset, int vocabSize) {
    int token = sequence().token(promptStart + promptScored);
    int top = request.promptLogProbs().orElseThrow();
    completion.addPrompt(Optional.of(TokenLogProbs.of(scores, offset, vocabSize, token, top)));
    promptScored++;
  }

  private Optional<FinishReason> choose(float[] scores, int offset, int vocabSize) {
    Optional<TokenLogProbs> logProbs = Optional.empty();
    float[] own = scores;
    int at = offset;
    if (request.logProbs().isPresent()) {
      own = Arrays.copyOfRange(scores, offset, offset + vocabSize); // the sampler penalizes
      at = 0;
    }
    int chosen = sampler.next(own, at);
    if (request.logProbs().isPresent()) {
      int count = request.logProbs().getAsInt();
      logProbs = Optional.of(TokenLogProbs.of(scores, offset, vocabSize, chosen, count));
    }
    sampler.write(chosen);
    sequence().append(chosen);
    added++;
    counters.generated();
    GeneratedToken token = new GeneratedToken(chosen, logProbs);
    completion.add(token);
    boolean going = listener.onToken(token);
    boolean stops = ends.contains(chosen);
    if (text.isPresent() && !stops) {
      going &= tell(text.get().next(chosen));
      stops = text.get().isStopped();
    }
    if (stops) {
      return Optional.of(FinishReason.STOP);
    }
    if (!going) {
      return Optional.of(FinishReason.CANCELLED);
    }
    if (added == request.maxNewTokens()) {
      return Optional.of(FinishReason.LENGTH);
    }
    if (sequence().isPastContext()) {
      if (request.pastContext() != ContextOverflow.CROP) {
        return Optional.of(FinishReason.LENGTH);
      }
      sequence().crop();
    }
    return Optional.empty();
  }

  /** Hands out the rest of the text and ends the completion. */
  void finish(FinishReason reason) {
    FinishReason why = reason;
    if (text.isPresent() && !completion.isDone()) {
      boolean before = text.get().isStopped();
      tell(text.get().end());
      if (text.get().isStopped() && !before) {
        why = FinishReason.STOP;
      }
    }
    completion.finish(why);
    listener.onEnd(why);
  }

  /** Ends the completion because of what was thrown. */
  void fail(Throwable thrown) {
    RuntimeException why =
        thrown instanceof RuntimeException unchecked
            ? unchecked
            : new JambicException("the request failed: " + thrown, thrown);
    boolean told = completion.isDone();
    completion.fail(why);
    if (!told) {
      try {
        listener.onFailure(why);
      } catch (Throwable second) {
        if (second != why) {
          why.addSuppressed(second);
        }
      }
    }
  }

  private boolean tell(String piece) {
    if (piece.isEmpty()) {
      return true;
    }
    completion.add(piece);
    return listener.onText(piece);
  }
}
