package jambic.model.generate;

import jambic.model.LanguageModel;
import jambic.tensor.JambicException;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What to continue, and how.
 *
 * @param prompt the tokens to read first; at least one, unless a session goes on that has some
 * @param maxNewTokens the most tokens to add
 * @param sampling how each is chosen
 * @param stop texts that end the completion and are not part of its text
 * @param stopTokens tokens that end the completion beside the model's own; their text is not part
 *     of it
 * @param ignoreEos whether the completion goes on past the model's end tokens ({@link
 *     LanguageModel#endTokens}), as past any other, which else end it as stop tokens do
 * @param logProbs how many of the likeliest tokens to tell beside the chosen one, with the
 *     logarithms of their probabilities; empty for none of it
 * @param pastContext what to do when the context is full
 * @param promptLogProbs how many of the likeliest tokens to tell at each place of the prompt,
 *     beside the one that is there; empty for none of it
 */
public record GenerationRequest(
    int[] prompt,
    int maxNewTokens,
    SamplingParams sampling,
    List<String> stop,
    Set<Integer> stopTokens,
    boolean ignoreEos,
    OptionalInt logProbs,
    ContextOverflow pastContext,
    OptionalInt promptLogProbs) {

  /**
   * Checks and copies the values.
   *
   * @throws JambicException if one is out of its range
   */
  public GenerationRequest {
    prompt = prompt.clone();
    stop = List.copyOf(stop);
    stopTokens = Set.copyOf(stopTokens);
    if (maxNewTokens < 0) {
      throw new JambicException("cannot generate " + maxNewTokens + " tokens");
    }
    if (stop.contains("")) {
      throw new JambicException("stop needs at least one character, got an empty text");
    }
    requireCount("logprobs must be 0 (the chosen token alone)", logProbs);
    requireCount("prompt logprobs must be 0 (the prompt's tokens alone)", promptLogProbs);
  }

  private static void requireCount(String rule, OptionalInt count) {
    if (count.isPresent() && count.getAsInt() < 0) {
      throw new JambicException(rule + " or more, got " + count.getAsInt());
    }
  }

  /**
   * A request for the likeliest tokens, up to one of the model's end tokens.
   *
   * @param prompt the tokens to read first
   * @param maxNewTokens the most tokens to add
   * @return a request to refine
   */
  public static GenerationRequest of(int[] prompt, int maxNewTokens) {
    return new GenerationRequest(
        prompt,
        maxNewTokens,
        SamplingParams.GREEDY,
        List.of(),
        Set.of(),
        false,
        OptionalInt.empty(),
        ContextOverflow.FINISH,
        OptionalInt.empty());
  }

  /**
   * The same with another choice of tokens.
   *
   * @param other how each token is chosen
   * @return the request
   */
  public GenerationRequest withSampling(SamplingParams other) {
    return new GenerationRequest(
        prompt,
        maxNewTokens,
        other,
        stop,
        stopTokens,
        ignoreEos,
        logProbs,
        pastContext,
        promptLogProbs);
  }

  /**
   * The same with stop strings.
   *
   * @param texts that end the completion
   * @return the request
   */
  public GenerationRequest withStop(List<String> texts) {
    return new GenerationRequest(
        prompt,
        maxNewTokens,
        sampling,
        texts,
        stopTokens,
        ignoreEos,
        logProbs,
        pastContext,
        promptLogProbs);
  }

  /**
   * The same with stop tokens.
   *
   * @param tokens that end the completion
   * @return the request
   */
  public GenerationRequest withStopTokens(Set<Integer> tokens) {
    return new GenerationRequest(
        prompt,
        maxNewTokens,
        sampling,
        stop,
        tokens,
        ignoreEos,
        logProbs,
        pastContext,
        promptLogProbs);
  }

  /**
   * The same with or without an end at the model's end tokens.
   *
   * @param ignore whether the completion goes on past them
   * @return the request
   */
  public GenerationRequest withIgnoreEos(boolean ignore) {
    return new GenerationRequest(
        prompt,
        maxNewTokens,
        sampling,
        stop,
        stopTokens,
        ignore,
        logProbs,
        pastContext,
        promptLogProbs);
  }

  /**
   * The same with log-probabilities.
   *
   * @param count how many of the likeliest tokens to tell beside the chosen one
   * @return the request
   */
  public GenerationRequest withLogProbs(int count) {
    return new GenerationRequest(
        prompt,
        maxNewTokens,
        sampling,
        stop,
        stopTokens,
        ignoreEos,
        OptionalInt.of(count),
        pastContext,
        promptLogProbs);
  }

  /**
   * The same with another end.
   *
   * @param other what to do when the context is full
   * @return the request
   */
  public GenerationRequest withPastContext(ContextOverflow other) {
    return new GenerationRequest(
        prompt,
        maxNewTokens,
        sampling,
        stop,
        stopTokens,
        ignoreEos,
        logProbs,
        other,
        promptLogProbs);
  }

  /**
   * The same with log-probabilities of the prompt ({@link Completion#promptLogProbs}). With {@code
   * maxNewTokens} 0 the prompt is scored and nothing added.
   *
   * @param count how many of the likeliest tokens to tell at each place of the prompt
   * @return the request
   */
  public GenerationRequest withPromptLogProbs(int count) {
    return new GenerationRequest(
        prompt,
        maxNewTokens,
        sampling,
        stop,
        stopTokens,
        ignoreEos,
        logProbs,
        pastContext,
        OptionalInt.of(count));
  }

  /**
   * The tokens to read first.
   *
   * @return a copy
   */
  @Override
  public int[] prompt() {
    return prompt.clone();
  }
}
