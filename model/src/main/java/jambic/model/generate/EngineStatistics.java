package jambic.model.generate;

/**
 * What an {@link InferenceEngine} does at a moment, and what it has done since it was made.
 *
 * @param waiting requests that were submitted and are not being served yet
 * @param running requests that are being served
 * @param pages pages of the KV cache
 * @param freePages pages that neither a request nor an open session holds
 * @param promptTokens tokens of the prompts that were admitted
 * @param cachedPromptTokens how many of these did not have to be read, because the cache had them
 *     from earlier prompts
 * @param generatedTokens tokens that were chosen
 * @param preemptions how often a request had to give its pages to an older one and wait again
 */
public record EngineStatistics(
    int waiting,
    int running,
    int pages,
    int freePages,
    long promptTokens,
    long cachedPromptTokens,
    long generatedTokens,
    long preemptions) {
  /**
   * Leaves out what was done before.
   *
   * @param earlier what the same engine told then
   * @return this moment, with the counts since then
   */
  public EngineStatistics since(EngineStatistics earlier) {
    return new EngineStatistics(
        waiting,
        running,
        pages,
        freePages,
        promptTokens - earlier.promptTokens,
        cachedPromptTokens - earlier.cachedPromptTokens,
        generatedTokens - earlier.generatedTokens,
        preemptions - earlier.preemptions);
  }
}
