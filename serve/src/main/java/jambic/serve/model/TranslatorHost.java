package jambic.serve.model;

import jambic.model.translator.Translation;
import jambic.model.translator.TranslationPipeline;
import jambic.model.translator.TranslationSettings;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
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
  private final Places places;
  private final ReentrantLock turn = new ReentrantLock(true);

  /** For a translator; as many texts may wait as for a model. */
  public TranslatorHost(ServedTranslator served, EngineOptions options) {
    this.served = served;
    places = new Places(options);
  }

  /** The translator. */
  public ServedTranslator served() {
    return served;
  }

  /** How many texts are translated or wait. */
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
