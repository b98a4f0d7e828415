package jambic.model.generate;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts what an engine does. One thread at a time drives it, and any thread may look. */
final class EngineCounters {
  private final int pages;
  private final AtomicInteger waiting = new AtomicInteger(); // any thread submits
  private volatile int running;
  private volatile int freePages;
  private volatile long promptTokens;
  private volatile long cachedPromptTokens;
  private volatile long generatedTokens;
  private volatile long preemptions;

  EngineCounters(int pages) {
    this.pages = pages;
    freePages = pages;
  }

  void submitted() {
    waiting.incrementAndGet();
  }

  /** A request leaves the queue, for whatever reason. */
  void dequeued() {
    waiting.decrementAndGet();
  }

  void running(int count) {
    running = count;
  }

  void freePages(int count) {
    freePages = count;
  }

  void admitted(int prompt) {
    promptTokens += prompt;
  }

  void cached(int prompt) {
    cachedPromptTokens += prompt;
  }

  void generated() {
    generatedTokens++;
  }

  void preempted() {
    preemptions++;
    waiting.incrementAndGet();
  }

  EngineStatistics statistics() {
    return new EngineStatistics(
        waiting.get(),
        running,
        pages,
        freePages,
        promptTokens,
        cachedPromptTokens,
        generatedTokens,
        preemptions);
  }
}
