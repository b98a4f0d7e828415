package jambic.serve.model;

import jambic.model.translator.Translation;
import jambic.model.translator.TranslationPipeline;
import jambic.model.translator.TranslationSettings;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** Serves a translator: some texts at a time, in the order in which requests come. */
public final class TranslatorHost {
  private static final int AT_ONCE = 16; // texts: between them others have their turn

  /** Whoever waits for translations. */
  @FunctionalInterface
  public interface Waiter {
    /**
     * Does what has to be done once a second at least.
     *
     * @throws IOException if nobody waits any more
     */
    void look() throws IOException;
  }

  private final ServedTranslator served;
  private final int most;
  private final ReentrantLock turn = new ReentrantLock(true);
  private final AtomicInteger inWork = new AtomicInteger();

  /** For a translator; as many texts may wait as for a model. */
  public TranslatorHost(ServedTranslator served, EngineOptions options) {
    this.served = served;
    most = (int) Math.min(Integer.MAX_VALUE, (long) options.batch() + options.queue());
  }

  /** The translator. */
  public ServedTranslator served() {
    return served;
  }

  /** How many texts are translated or wait. */
  public int inWork() {
    return inWork.get();
  }

  /**
   * Takes a place for some texts, to be given back.
   *
   * @return whether there was room
   */
  public boolean enter(int texts) {
    int before = inWork.getAndUpdate(n -> n == 0 || n + texts <= most ? n + texts : n);
    return before == 0 || before + texts <= most;
  }

  /** Gives the place back. */
  public void leave(int texts) {
    inWork.addAndGet(-texts);
  }

  /**
   * Translates, some texts at a time, each time after all who came before.
   *
   * @param settings how to search
   * @param texts the texts
   * @param waiter is asked while others have their turn, and between texts
   * @return the best translations of each
   * @throws IOException if nobody waits any more
   */
  public List<List<Translation>> translate(
      TranslationSettings settings, List<String> texts, Waiter waiter) throws IOException {
    TranslationPipeline pipeline = served.pipeline().with(settings);
    if (texts.size() == 1) {
      return inTurn(() -> List.of(pipeline.best(texts.getFirst())), waiter);
    }
    List<List<Translation>> all = new ArrayList<>();
    for (int from = 0; from < texts.size(); from += AT_ONCE) {
      List<String> some = texts.subList(from, Math.min(texts.size(), from + AT_ONCE));
      all.addAll(inTurn(() -> pipeline.best(some), waiter));
    }
    return all;
  }

  private <T> T inTurn(Supplier<T> work, Waiter waiter) throws IOException {
    waiter.look();
    try {
      while (!turn.tryLock(1, TimeUnit.SECONDS)) {
        waiter.look();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("the server ends");
    }
    try {
      return work.get();
    } finally {
      turn.unlock();
    }
  }
}
