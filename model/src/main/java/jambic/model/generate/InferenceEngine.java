package jambic.model.generate;

import jambic.model.LanguageModel;
import jambic.model.nn.KvCache;
import jambic.model.text.Tokenizer;
import jambic.tensor.DecodeOps;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.spi.LinearKernels;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Serves many sequences with one model. They join and leave between steps (continuous batching; Yu
 * et al., 2022, "Orca"): a step reads the next token of every sequence that writes in one pass, and
 * some hundred tokens of prompts in another. Requests are admitted in the order in which they came.
 *
 * <p>Keys and values lie in pages. A request is admitted as soon as there are enough for its prompt
 * and one more, and takes more as it grows. When there are none left, the youngest request gives
 * its own back and waits again; later it reads what it had once more and goes on, without a trace
 * in the answer. A {@link Conversation} is different: its requests wait until there are enough
 * pages to their end, and it keeps them until it is closed. When nobody is in work and open
 * conversations hold too many pages for the request whose turn it is, {@link #run} and {@link
 * #complete} fail that request.
 *
 * <p>Prompts with the same beginning share its pages, also with prompts that ended, until their
 * room is needed (prefix caching). This is of prompts only, answers included that are part of a
 * later prompt: what is generated is computed token by token, and its last bits are other ones. If
 * the model's weights change, call {@link #forgetPrefixes}.
 *
 * <p>On the CPU, what a request gets is to the bit what it would get alone, whoever is or was
 * beside it: how a token is read depends on its sequence only. (With int8 weights that holds for up
 * to {@value LinearKernels#FEW_ROWS} tokens a step; a backend whose libraries choose by size keeps
 * it to the last bits of a score.)
 *
 * <p>Any thread submits and cancels; one thread at a time drives, by {@link #run} or step by step.
 * A listener, which that thread calls, may submit, cancel and {@link #close}, but neither drive nor
 * wait.
 */
public final class InferenceEngine implements AutoCloseable {
  private static final Runnable WAKE = () -> {};

  private final LanguageModel model;
  private final Optional<Tokenizer> tokenizer;
  private final Region memory;
  private final PagePool pool;
  private final EngineCounters counters;
  private final Scheduler scheduler;
  private final RequestRules rules;
  private final ModelRunner few; // of sequences with a token or a few to read
  private final ModelRunner many; // of prompts
  private final BlockingQueue<Runnable> commands = new LinkedBlockingQueue<>();
  private final AtomicBoolean driven = new AtomicBoolean(); // by run
  private volatile boolean closed;
  private boolean freed;

  /**
   * An engine.
   *
   * @param model whose weights are set; it stays the caller's to close, after the engine
   * @param tokenizer the model's, for text and stop strings
   * @param maxBatch how many requests are served at a time; the others wait
   * @param cacheTokens how many tokens of all sequences are remembered together, each {@code 8
   *     nLayer nEmbd} bytes; a session's stay until it is closed
   */
  public InferenceEngine(
      LanguageModel model, Optional<Tokenizer> tokenizer, int maxBatch, int cacheTokens) {
    if (maxBatch < 1) {
      throw new JambicException("a batch has at least 1 sequence, got " + maxBatch);
    }
    if (cacheTokens < 1) {
      throw new JambicException("a KV cache holds at least 1 token, got " + cacheTokens);
    }
    model.requireOpen();
    this.model = model;
    this.tokenizer = Objects.requireNonNull(tokenizer, "tokenizer");
    memory = model.backend().region();
    KvCache cache = model.cache(memory, cacheTokens);
    pool = new PagePool(cache);
    counters = new EngineCounters(pool.pages());
    scheduler = new Scheduler(pool, maxBatch, model.contextLength(), counters);
    rules = new RequestRules(model, tokenizer.isPresent(), cache.positions());
    few = new ModelRunner(model, cache, DecodeOps::new, DecodeOps::new);
    many = new ModelRunner(model, cache, InferenceOps::new, DecodeOps::new);
  }

  /**
   * Returns the longest context of the model.
   *
   * @return tokens that it reads at once
   */
  public int contextLength() {
    return model.contextLength();
  }

  /**
   * Returns the tokenizer.
   *
   * @return the model's, if the engine was given one
   */
  public Optional<Tokenizer> tokenizer() {
    return tokenizer;
  }

  /**
   * Begins a conversation.
   *
   * @return an empty session, to be closed by the caller
   * @throws JambicException if the engine or its model is closed
   */
  public Conversation session() {
    requireOpen();
    return session(true);
  }

  private Conversation session(boolean pinned) {
    return new Conversation(this, new CachedSequence(pool, model.contextLength(), pinned));
  }

  /**
   * Takes a request. Nothing comes of it before a thread drives the engine: {@link #run}, {@link
   * #step} or {@link #complete}.
   *
   * @param request what to continue
   * @return the answer, as it comes
   * @throws JambicException if the engine can never serve it: the prompt is empty, too long for the
   *     context or the cache, or holds an id that the model does not know
   */
  public Completion submit(GenerationRequest request) {
    return submit(request, token -> true);
  }

  /**
   * Takes a request, as {@link #submit(GenerationRequest)} does.
   *
   * @param request what to continue
   * @param listener receives what comes
   * @return the answer, as it comes
   * @throws JambicException as {@link #submit(GenerationRequest)}
   */
  public Completion submit(GenerationRequest request, Completion.Listener listener) {
    return submit(request, 0, candidates(), listener);
  }

  /** How many ids may be chosen: what a vocabulary was padded with has no text. */
  int candidates() {
    int vocabSize = model.vocabSize();
    return tokenizer.map(t -> Math.min(t.vocabSize(), vocabSize)).orElse(vocabSize);
  }

  /** As one row of a batch, which draws from a stream of its own, of the first ids only. */
  Completion submit(
      GenerationRequest request, int row, int candidates, Completion.Listener listener) {
    return submit(session(false), request, row, candidates, listener);
  }

  Completion submit(
      Conversation session,
      GenerationRequest request,
      int row,
      int candidates,
      Completion.Listener listener) {
    requireOpen();
    Objects.requireNonNull(listener, "listener"); // the driver would fail, not the caller
    if (!session.claim()) {
      throw new JambicException(
          session.isClosed()
              ? "the session is closed"
              : "the session's last request has not ended; wait for it or cancel it");
    }
    Set<Integer> endTokens;
    try {
      rules.require(request, session.sequence().length(), candidates);
      endTokens = request.ignoreEos() ? Set.of() : model.endTokens();
    } catch (JambicException e) {
      session.unclaim();
      throw e;
    }
    Completion completion = new Completion(this, tokenizer.isPresent());
    Set<Integer> ends = new HashSet<>(request.stopTokens());
    ends.addAll(endTokens);
    Optional<StopMatcher> text = tokenizer.map(t -> new StopMatcher(t.decoder(), request.stop()));
    Sampler sampler = new Sampler(request.sampling(), row, candidates, model.vocabSize());
    ActiveRequest generation =
        new ActiveRequest(request, ends, session, completion, listener, sampler, text, counters);
    counters.submitted();
    commands.add(() -> begin(generation));
    if (closed) {
      synchronized (this) {
        runCommands();
        endAll();
      }
      commands.add(WAKE); // perhaps just taken from a driver that waits
    }
    return completion;
  }

  private void requireOpen() {
    model.requireOpen();
    if (closed) {
      throw new JambicException("the engine is closed");
    }
  }

  private void begin(ActiveRequest generation) {
    try {
      generation.begin();
      scheduler.add(generation);
    } catch (Throwable e) { // of a listener
      counters.dequeued();
      fail(generation, e);
    }
  }

  /** Ends what a closed session has in work; its pages are free then. */
  void release(Conversation session) {
    commands.add(() -> {
      List<ActiveRequest> inUse = scheduler.matching(g -> g.session() == session);
      inUse.forEach(generation -> end(generation, FinishReason.CANCELLED));
      scheduler.release(session.sequence());
    });
  }

  /**
   * Drives the engine until it is closed, and waits while there is nothing to do. A request that
   * only the closing of a session could make room for fails: nobody may be about to close one.
   *
   * @throws JambicException if the thread is interrupted, another is in here, or it is in a
   *     listener
   */
  public void run() {
    requireNoListener("run");
    if (!driven.compareAndSet(false, true)) {
      throw new JambicException("another thread runs the engine already, and one is enough");
    }
    try {
      drive();
    } finally {
      driven.set(false);
    }
  }

  private void drive() {
    while (!closed) {
      if (!step() && !refuseStuck()) {
        try {
          Runnable command = commands.take();
          synchronized (this) {
            command.run();
            if (closed) { // between its queue and here
              endAll();
            }
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new JambicException("the thread that drives the engine was interrupted", e);
        }
      }
    }
  }

  /**
   * Drives the engine until a request is answered: submits it and serves everybody until its end.
   *
   * @param request what to continue
   * @param listener receives what comes
   * @return the answer, which has ended
   * @throws RuntimeException if the request cannot be served, fails, or waits for pages that only
   *     open sessions hold; or if this is called by a listener
   */
  public Completion complete(GenerationRequest request, Completion.Listener listener) {
    requireNoListener("complete");
    return complete(submit(request, listener));
  }

  Completion complete(
      Conversation session, GenerationRequest request, Completion.Listener listener) {
    requireNoListener("complete");
    return complete(submit(session, request, 0, candidates(), listener));
  }

  private Completion complete(Completion completion) {
    while (!completion.isDone() && step()) {}
    refuseIfStuck(completion);
    completion.await();
    return completion;
  }

  /** With nobody in work, only the owner of a session could make room: perhaps who waits here. */
  private synchronized void refuseIfStuck(Completion completion) {
    if (scheduler.isIdle()) {
      scheduler.matching(g -> g.completion() == completion).forEach(this::refuse);
    }
  }

  /** The same for the first who waits, before the driver does; whether there was one. */
  private synchronized boolean refuseStuck() {
    if (closed || !scheduler.isIdle() || !commands.isEmpty()) {
      return false;
    }
    Optional<ActiveRequest> stuck = scheduler.next();
    stuck.ifPresent(this::refuse);
    return stuck.isPresent();
  }

  private void refuse(ActiveRequest generation) {
    fail(
        generation,
        new JambicException(
            "open sessions hold so much of the KV cache that the request has no room; close one or give the engine more tokens"));
  }

  /**
   * Drives the engine by one step.
   *
   * @return whether there is more to do now
   * @throws JambicException if this is called by a listener
   */
  public boolean step() {
    requireNoListener("step");
    synchronized (this) {
      if (!closed) {
        advance();
        if (closed) { // by a listener, or by a thread that waits for this step to end
          free();
        }
      }
      return !closed && (!scheduler.isIdle() || !commands.isEmpty());
    }
  }

  /** The thread that drives has the monitor whenever it calls a listener. */
  private void requireNoListener(String method) {
    if (Thread.holdsLock(this)) {
      throw new JambicException(
          Text.format(
              "a listener cannot call %s: the engine is amid a step, which goes on when it returns",
              method));
    }
  }

  private void advance() {
    runCommands();
    for (ActiveRequest cancelled : scheduler.matching(g -> g.completion().isCancelled())) {
      end(cancelled, FinishReason.CANCELLED);
    }
    admit();
    Scheduler.Step step = scheduler.step();
    pass(few, step.small());
    pass(many, step.large());
    admit(); // whoever has left made room
    if (scheduler.isIdle() && isTrained()) {
      scheduler.forgetPrefixes(); // its weights may be others when the next request comes
    }
  }

  private boolean isTrained() {
    return model.parameters().trainedCount() > 0 || model.adapters().trainedCount() > 0;
  }

  private void admit() {
    scheduler.admit(empty -> end(empty, FinishReason.LENGTH), this::tellAdmitted);
  }

  private void tellAdmitted(ActiveRequest generation) {
    try {
      generation.admitted();
    } catch (Throwable e) { // of a listener: the others go on
      fail(generation, e);
    }
  }

  private void runCommands() {
    for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
      command.run();
    }
  }

  private void pass(ModelRunner pass, List<ActiveRequest> generations) {
    if (closed || generations.isEmpty()) {
      return;
    }
    int vocabSize = model.vocabSize();
    List<CachedSequence> sequences = generations.stream().map(ActiveRequest::sequence).toList();
    int[] counts = sequences.stream().mapToInt(CachedSequence::scored).toArray();
    float[] scores;
    try {
      scores = pass.run(sequences);
    } catch (Throwable e) { // whatever it is, nobody may wait for ever
      generations.forEach(generation -> fail(generation, e));
      return;
    }
    int row = 0;
    for (int i = 0; i < counts.length && !closed; i++) {
      ActiveRequest generation = generations.get(i);
      if (counts[i] > 0) {
        try {
          generation
              .take(scores, row, counts[i], vocabSize)
              .ifPresent(reason -> end(generation, reason));
        } catch (Throwable e) { // of a listener: the others go on
          fail(generation, e);
        }
      }
      row += counts[i];
    }
  }

  private void end(ActiveRequest generation, FinishReason reason) {
    leave(generation);
    try {
      generation.finish(reason);
    } catch (Throwable e) { // of a listener
      generation.fail(e);
    }
  }

  private void fail(ActiveRequest generation, Throwable why) {
    leave(generation);
    generation.fail(why);
  }

  private void leave(ActiveRequest generation) {
    scheduler.remove(generation);
    Conversation session = generation.session();
    if (session.isClosed()) {
      scheduler.release(session.sequence());
    }
    session.unclaim();
  }

  /** Cancels what is in work and frees the cache; called by a listener, when it has returned. */
  @Override
  public void close() {
    closed = true;
    if (!Thread.holdsLock(this)) {
      synchronized (this) {
        free();
      }
    }
    commands.add(WAKE); // for a driver that waits
  }

  private void free() {
    runCommands();
    endAll();
    if (!freed) {
      freed = true;
      few.close();
      many.close();
      memory.close();
    }
  }

  private void endAll() {
    scheduler.matching(any -> true).forEach(g -> end(g, FinishReason.CANCELLED));
  }

  /**
   * Forgets the prompts that were read. Whoever changes the model's weights calls it afterwards:
   * requests that are submitted from then on share nothing with those before. An engine of a model
   * that is being trained does so by itself whenever it has nothing to do.
   */
  public void forgetPrefixes() {
    commands.add(scheduler::forgetPrefixes);
  }

  /**
   * Tells what the engine does and has done. Any thread may ask at any time, a listener too, and
   * waits for no step: the numbers are of about the same moment.
   *
   * @return counts
   */
  public EngineStatistics statistics() {
    return counters.statistics();
  }

  /** How many pages nobody holds. */
  int freePages() {
    return counters.statistics().freePages();
  }
}
