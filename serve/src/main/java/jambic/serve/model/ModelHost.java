package jambic.serve.model;

import jambic.model.generate.Completion;
import jambic.model.generate.EngineStatistics;
import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.InferenceEngine;
import jambic.model.gpt.Gpt;
import jambic.tensor.JambicException;
import java.lang.System.Logger.Level;
import java.util.Optional;

/** Serves a model: one thread drives its engine. For any number of threads. */
public final class ModelHost implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("jambic.serve");
  private static final long CACHE_BYTES = 1L << 30;
  private static final int WARM_UP_TOKENS = 8;

  private final ServedModel served;
  private final InferenceEngine engine;
  private final EngineStatistics unused;
  private final RequestMetrics metrics = new RequestMetrics();
  private final Places places;
  private final Thread driver;
  private volatile Optional<EngineStatistics> warmedUp = Optional.empty();
  private volatile boolean failed;

  /** An engine of its own for a model, which begins to get warm. */
  public ModelHost(ServedModel served, EngineOptions options) {
    this.served = served;
    places = new Places(options);
    int tokens = options.cacheTokens().orElseGet(() -> cacheTokens(served, options.batch()));
    engine =
        new InferenceEngine(
            served.model(), Optional.of(served.tokenizer()), options.batch(), tokens);
    unused = engine.statistics();
    driver = Thread.ofPlatform().name("jambic-engine " + served.id()).start(this::drive);
    warmUp();
  }

  /** A whole context for each text, or as much as fits, but for one at least. */
  private static int cacheTokens(ServedModel served, int batch) {
    int context = served.model().contextLength();
    long wanted = (long) batch * context;
    if (served.model() instanceof Gpt gpt) {
      long bytes = 8L * gpt.config().nLayer() * gpt.config().nEmbd();
      wanted = Math.min(wanted, CACHE_BYTES / bytes);
    }
    return Math.clamp(wanted, context, Integer.MAX_VALUE);
  }

  private void drive() {
    try {
      engine.run();
    } catch (Throwable defect) { // memory that ran out, too: nobody may wait for ever
      failed = true;
      LOG.log(Level.ERROR, "the engine of " + served.id() + " failed", defect);
      engine.close();
    }
  }

  private void warmUp() {
    GenerationRequest request = GenerationRequest.of(new int[] {0}, WARM_UP_TOKENS);
    engine.submit(
        request.withIgnoreEos(true),
        new Completion.Listener() {
          @Override
          public boolean onToken(GeneratedToken token) {
            return true;
          }

          @Override
          public void onEnd(FinishReason reason) {
            warmedUp = Optional.of(engine.statistics());
          }

          @Override
          public void onFailure(RuntimeException why) {
            failed = true;
            LOG.log(Level.ERROR, "the engine of " + served.id() + " failed", why);
          }
        });
  }

  /** The model. */
  public ServedModel served() {
    return served;
  }

  /** What has become of its requests. */
  RequestMetrics metrics() {
    return metrics;
  }

  /** Begins to take the times of a request that comes now. */
  public RequestTimer timer(int promptTokens) {
    return new RequestTimer(metrics, served.id(), promptTokens);
  }

  /** What its engine does for clients: what it did to get warm does not count. */
  public EngineStatistics statistics() {
    return warmedUp.map(before -> engine.statistics().since(before)).orElse(unused);
  }

  /** Whether it has written its first tokens. */
  public boolean isWarm() {
    return warmedUp.isPresent();
  }

  /** Whether it can serve nobody any more. */
  public boolean isFailed() {
    return failed;
  }

  /** How many texts are written or wait. */
  public int inWork() {
    return places.taken();
  }

  /**
   * Takes a place for some texts, to be given back.
   *
   * @return whether there was room
   */
  public boolean enter(int texts) {
    return places.enter(texts);
  }

  /** Gives the place back. */
  public void leave(int texts) {
    places.leave(texts);
  }

  /**
   * Takes a request.
   *
   * @throws JambicException if the model can never serve it
   */
  public Completion submit(GenerationRequest request, Completion.Listener listener) {
    return engine.submit(request, listener);
  }

  /** Cancels what is in work. */
  @Override
  public void close() {
    engine.close();
    try {
      driver.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
