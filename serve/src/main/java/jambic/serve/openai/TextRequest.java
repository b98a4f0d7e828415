package jambic.serve.openai;

import jambic.model.generate.GenerationRequest;
import jambic.serve.model.ModelHost;
import java.util.List;
import java.util.Set;

/**
 * What a client wants written.
 *
 * @param host the model
 * @param chat whether it is the answer of a conversation
 * @param prompts what is continued, each {@code n} times
 * @param requests for the engine: n of the first prompt, then of the next
 * @param endTokens that end a text and are no part of it
 * @param stream whether it comes as events
 * @param includeUsage whether a last event says how many tokens it took
 * @param logProbs whether log-probabilities are told
 * @param echo whether the prompt stands before the text
 */
record TextRequest(
    ModelHost host,
    boolean chat,
    List<int[]> prompts,
    List<GenerationRequest> requests,
    Set<Integer> endTokens,
    boolean stream,
    boolean includeUsage,
    boolean logProbs,
    boolean echo) {

  int[] promptOf(int choice) {
    return prompts.get(choice / (requests.size() / prompts.size()));
  }

  int promptTokens() {
    return prompts.stream().mapToInt(prompt -> prompt.length).sum();
  }
}
