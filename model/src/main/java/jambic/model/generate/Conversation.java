package jambic.model.generate;

/**
 * A conversation: what its requests read and wrote stays in the cache, so that the next one costs
 * only its own tokens. One request at a time; for any number of threads.
 */
public final class Conversation implements AutoCloseable {
  private final InferenceEngine engine;
  private final CachedSequence sequence;
  private boolean busy;
  private boolean closed;

  Conversation(InferenceEngine engine, CachedSequence sequence) {
    this.engine = engine;
    this.sequence = sequence;
  }

  /**
   * Continues the conversation.
   *
   * @param request whose prompt follows everything read and written before, the last token included
   * @return the answer, as it comes
   * @throws jambic.tensor.JambicException if the request before has not ended, or the engine can
   *     never serve this one
   */
  public Completion submit(GenerationRequest request) {
    return submit(request, token -> true);
  }

  /**
   * Continues the conversation.
   *
   * @param request whose prompt follows everything read and written before
   * @param listener receives what comes
   * @return the answer, as it comes
   * @throws jambic.tensor.JambicException as above
   */
  public Completion submit(GenerationRequest request, Completion.Listener listener) {
    return engine.submit(this, request, 0, engine.candidates(), listener);
  }

  /**
   * Continues the conversation and drives the engine until the answer has ended, as {@link
   * InferenceEngine#complete} does.
   *
   * @param request whose prompt follows everything read and written before
   * @param listener receives what comes
   * @return the answer, which has ended
   * @throws RuntimeException if the request cannot be served, or fails
   */
  public Completion complete(GenerationRequest request, Completion.Listener listener) {
    return engine.complete(this, request, listener);
  }

  /** Gives the pages back; a request in work is cancelled. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    engine.release(this);
  }

  CachedSequence sequence() {
    return sequence;
  }

  /** Takes the session for a request; false if it has one. */
  synchronized boolean claim() {
    boolean free = !busy && !closed;
    busy |= free;
    return free;
  }

  synchronized void unclaim() {
    busy = false;
  }

  synchronized boolean isClosed() {
    return closed;
  }
}
