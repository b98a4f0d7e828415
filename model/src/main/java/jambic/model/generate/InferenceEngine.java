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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
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
 * up to {@value #PREFILL} tokens of prompts in another. Keys and values lie in pages; a request
 * waits until there are enough for all of it, so that none is ever thrown out, and requests are
 * admitted in the order in which they came. When nobody is in work and open sessions hold too many
 * pages for the request whose turn it is, {@link #run} and {@link #complete} fail that request.
 *
 * <p>On the CPU, what a request gets is to the bit what it would get alone, whoever is beside it:
 * how a token is read depends on its sequence only. (With int8 weights that holds for up to {@value
 * LinearKernels#FEW_ROWS} tokens a step; a backend whose libraries choose by size keeps it to the
 * last bits of a score.)
 *
 * <p>Any thread submits and cancels; one thread at a time drives, by {@link #run} or step by step.
 * A listener, which that thread calls, may submit, cancel and {@link #close}, but neither drive nor
 * wait.
 */
public final class InferenceEngine implements AutoCloseable {
  /** Tokens of prompts that are read in one step. */
  private static final int PREFILL = CachedSequence.CHUNK;

  private static final Runnable WAKE = () -> {};

  private final LanguageModel model;
  private final Optional<Tokenizer> tokenizer;
  private final int maxBatch;
  private final Region memory;
  private final KvCache cache;
  private final ModelRunner few; // of sequences with a token or a few to read
  private final ModelRunner many; // of prompts
  private final BlockingQueue<Runnable> commands = new LinkedBlockingQueue<>();
  private final Deque<ActiveRequest> waiting = new ArrayDeque<>();
  private final List<ActiveRequest> running = new ArrayList<>();
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
    this.maxBatch = maxBatch;
    memory = model.backend().region();
    cache = model.cache(memory, cacheTokens);
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
    return new Conversation(this, new CachedSequence(cache, model.contextLength()));
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
    Conversation session = session();
    Completion completion = submit(session, request, row, candidates, listener);
    session.close(); // after this request
    return completion;
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
      check(session.sequence(), request);
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
        new ActiveRequest(request, ends, session, completion, listener, sampler, text);
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

  private void check(CachedSequence sequence, GenerationRequest request) {
    int[] prompt = request.prompt();
    int blockSize = model.contextLength();
    int length = sequence.length() + prompt.length;
    if (request.pastContext() == ContextOverflow.DROP_OLDEST_TURNS
        && prompt.length > 0
        && length > blockSize) {
      length = prompt.length; // all that has to stay
    }
    if (length == 0) {
      throw new JambicException("a prompt needs at least one token, got an empty one");
    }
    if (request.pastContext() != ContextOverflow.CROP && length > blockSize) {
      throw new JambicException(
          Text.format(
              "the prompt has %d tokens%s and the model's context %d; %s",
              prompt.length,
              length > prompt.length ? " after " + sequence.length() + " of the session" : "",
              blockSize,
              length > prompt.length
                  ? "use withPastContext(ContextOverflow.DROP_OLDEST_TURNS), or begin a new conversation"
                  : "shorten it"));
    }
    model.requireIds(prompt);
    if (!request.stop().isEmpty() && tokenizer.isEmpty()) {
      throw new JambicException("stop strings need a tokenizer, and the engine has none");
    }
    long needed = Math.min(blockSize, (long) length + request.maxNewTokens());
    if (needed > cache.positions()) {
      throw new JambicException(
          Text.format(
              "the request needs room for %d tokens and the KV cache has %d in all; ask for fewer new tokens or give the engine more",
              needed, cache.positions()));
    }
  }

  private void begin(ActiveRequest generation) {
    try {
      generation.begin();
      waiting.add(generation);
    } catch (RuntimeException e) {
      generation.completion().fail(e);
      leave(generation);
    }
  }

  /** A closed session's pages are free as soon as no request uses them. */
  void release(Conversation session) {
    commands.add(() -> {
      boolean inUse =
          running.stream().anyMatch(g -> g.session() == session)
              || waiting.stream().anyMatch(g -> g.session() == session);
      if (!inUse) {
        session.sequence().release();
      }
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
    if (running.isEmpty()) {
      waiting.stream()
          .filter(generation -> generation.completion() == completion)
          .findFirst()
          .ifPresent(this::refuse);
    }
  }

  /** The same for the first who waits, before the driver does; whether there was one. */
  private synchronized boolean refuseStuck() {
    boolean stuck = !closed && running.isEmpty() && commands.isEmpty() && !waiting.isEmpty();
    if (stuck) {
      refuse(waiting.peek());
    }
    return stuck;
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
      return !closed && (!running.isEmpty() || !commands.isEmpty());
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
    dropCancelled();
    admit();
    List<ActiveRequest> small = new ArrayList<>();
    List<ActiveRequest> large = new ArrayList<>();
    int rows = 0;
    for (ActiveRequest generation : running) {
      int chunk = generation.sequence().chunk();
      if (chunk <= LinearKernels.FEW_ROWS) {
        small.add(generation);
      } else if (large.isEmpty() || rows + chunk <= PREFILL) {
        large.add(generation);
        rows += chunk;
      }
    }
    pass(few, small);
    pass(many, large);
    admit(); // whoever has left made room
  }

  private void runCommands() {
    for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
      command.run();
    }
  }

  private void dropCancelled() {
    List<ActiveRequest> cancelled = new ArrayList<>();
    running.stream().filter(g -> g.completion().isCancelled()).forEach(cancelled::add);
    waiting.stream().filter(g -> g.completion().isCancelled()).forEach(cancelled::add);
    cancelled.forEach(generation -> end(generation, FinishReason.CANCELLED));
  }

  /** Lets in whom there is room for, in the order in which they came. */
  private void admit() {
    int blockSize = model.contextLength();
    while (!waiting.isEmpty() && running.size() < maxBatch) {
      ActiveRequest next = waiting.peek();
      if (next.isEmpty()) {
        end(next, FinishReason.LENGTH);
      } else if (next.sequence().reserve(next.positions(blockSize))) {
        running.add(waiting.remove());
      } else {
        return;
      }
    }
  }

  private void pass(ModelRunner pass, List<ActiveRequest> generations) {
    if (closed || generations.isEmpty()) {
      return;
    }
    int vocabSize = model.vocabSize();
    List<CachedSequence> sequences = generations.stream().map(ActiveRequest::sequence).toList();
    List<ActiveRequest> scored =
        generations.stream().filter(g -> g.sequence().endsWithChunk()).toList();
    float[] scores;
    try {
      scores = pass.run(sequences);
    } catch (Throwable e) { // whatever it is, nobody may wait for ever
      generations.forEach(generation -> fail(generation, e));
      return;
    }
    for (int i = 0; i < scored.size() && !closed; i++) {
      ActiveRequest generation = scored.get(i);
      try {
        generation
            .choose(scores, i * vocabSize, vocabSize)
            .ifPresent(reason -> end(generation, reason));
      } catch (Throwable e) { // of a listener: the others go on
        fail(generation, e);
      }
    }
  }

  private void end(ActiveRequest generation, FinishReason reason) {
    leave(generation);
    try {
      generation.finish(reason);
    } catch (Throwable e) { // of a listener
      generation.completion().fail(unchecked(e));
    }
  }

  private void fail(ActiveRequest generation, Throwable why) {
    leave(generation);
    generation.completion().fail(unchecked(why));
  }

  private static RuntimeException unchecked(Throwable e) {
    return e instanceof RuntimeException unchecked
        ? unchecked
        : new JambicException("the request failed: " + e, e);
  }

  private void leave(ActiveRequest generation) {
    running.remove(generation);
    waiting.remove(generation);
    Conversation session = generation.session();
    if (session.isClosed()) {
      session.sequence().release();
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
    List<ActiveRequest> all = new ArrayList<>(running);
    all.addAll(waiting);
    all.forEach(generation -> end(generation, FinishReason.CANCELLED));
  }

  /** How many pages nobody holds. */
  synchronized int freePages() {
    return cache.freePages();
  }
}
