package jambic.model.generate;

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
  private int added;

  ActiveRequest(
      GenerationRequest request,
      Set<Integer> ends,
      Conversation session,
      Completion completion,
      Completion.Listener listener,
      Sampler sampler,
      Optional<StopMatcher> text) {
    this.request = request;
    this.ends = ends;
    this.session = session;
    this.completion = completion;
    this.listener = listener;
    this.sampler = sampler;
    this.text = text;
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
    if (request.prompt().length > 0) {
      sequence.beginTurn();
    }
    if (request.pastContext() == ContextOverflow.DROP_OLDEST_TURNS) {
      int dropped = sequence.makeRoom((long) request.prompt().length + request.maxNewTokens());
      if (dropped > 0) {
        listener.onTurnsDropped(dropped);
      }
    }
    sequence.append(request.prompt());
    for (int i = 0; i < sequence.length(); i++) {
      sampler.see(sequence.token(i));
    }
    if (sequence.isPastContext()) {
      sequence.crop();
    }
  }

  /** How many positions of the cache it takes to the end. */
  int positions(int blockSize) {
    long all = (long) sequence().length() + request.maxNewTokens();
    return (int) Math.min(blockSize, all);
  }

  /** Whether nothing is to be added. */
  boolean isEmpty() {
    return request.maxNewTokens() == 0;
  }

  /**
   * Chooses the next token.
   *
   * @return why that was the last one, if it was
   */
  Optional<FinishReason> choose(float[] scores, int offset, int vocabSize) {
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
    sampler.see(chosen);
    sequence().append(chosen);
    added++;
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
  }

  private boolean tell(String piece) {
    if (piece.isEmpty()) {
      return true;
    }
    completion.add(piece);
    return listener.onText(piece);
  }
}
