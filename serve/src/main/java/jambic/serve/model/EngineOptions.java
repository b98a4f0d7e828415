package jambic.serve.model;

import jambic.tensor.JambicException;
import java.util.OptionalInt;

/**
 * How much is computed at a time.
 *
 * @param batch texts that are written at a time
 * @param cacheTokens tokens that are remembered of all of them; empty for a whole context each, as
 *     far as 1 GiB holds that
 * @param queue texts that may wait; more are refused
 */
public record EngineOptions(int batch, OptionalInt cacheTokens, int queue) {
  /** 16 at a time, 256 that wait. */
  public static final EngineOptions DEFAULT = new EngineOptions(16, OptionalInt.empty(), 256);

  /**
   * Checks the values.
   *
   * @throws JambicException if one is out of its range
   */
  public EngineOptions {
    if (batch < 1) {
      throw new JambicException("batch must be at least 1, not " + batch);
    }
    if (cacheTokens.isPresent() && cacheTokens.getAsInt() < 1) {
      throw new JambicException("cache-tokens must be at least 1, not " + cacheTokens.getAsInt());
    }
    if (queue < 0) {
      throw new JambicException("queue must be 0 (nobody waits) or more, not " + queue);
    }
  }

  /**
   * The same with another batch.
   *
   * @param texts that are written at a time
   * @return the options
   */
  public EngineOptions withBatch(int texts) {
    return new EngineOptions(texts, cacheTokens, queue);
  }

  /**
   * The same with another queue.
   *
   * @param texts that may wait
   * @return the options
   */
  public EngineOptions withQueue(int texts) {
    return new EngineOptions(batch, cacheTokens, texts);
  }
}
