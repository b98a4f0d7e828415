package jambic.model.generate;

import jambic.tensor.JambicException;
import java.util.Map;

/**
 * How a next token is chosen from its scores.
 *
 * @param temperature what scores are divided by; 0 takes the best token always
 * @param topK only the K best tokens are candidates; 0 for all
 * @param topP only the fewest best tokens whose probabilities reach P together are candidates
 *     (nucleus sampling, Holtzman et al., 2020); 1 for all
 * @param repetitionPenalty what the score of every token that the sequence holds already is divided
 *     by, or multiplied with where it is negative, before all else (CTRL, Keskar et al., 2019, as
 *     Hugging Face has it); 1 for none
 * @param seed of the random choice; sequences of a batch draw independently
 * @param presencePenalty what is subtracted from the score of every token that was generated
 *     already, as OpenAI's API has it; 0 for none
 * @param frequencyPenalty what is subtracted from it for each time that it was generated, as
 *     OpenAI's API has it; 0 for none
 * @param logitBias what is added to the scores of some tokens, by id, after all penalties
 */
public record SamplingParams(
    float temperature,
    int topK,
    float topP,
    float repetitionPenalty,
    long seed,
    float presencePenalty,
    float frequencyPenalty,
    Map<Integer, Float> logitBias) {
  /** Always the best token. */
  public static final SamplingParams GREEDY = new SamplingParams(0, 0, 1, 1, 0);

  /**
   * Checks the values.
   *
   * @throws JambicException if one is out of its range
   */
  public SamplingParams {
    if (!(temperature >= 0 && temperature < Float.POSITIVE_INFINITY)) {
      throw new JambicException("temperature must be 0 or more and finite, got " + temperature);
    }
    if (topK < 0) {
      throw new JambicException("top-k must be 0 (all tokens) or more, got " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new JambicException("top-p must be above 0 and at most 1, got " + topP);
    }
    if (!(repetitionPenalty > 0 && repetitionPenalty < Float.POSITIVE_INFINITY)) {
      throw new JambicException("repetition-penalty must be above 0, got " + repetitionPenalty);
    }
    requireFinite("presence-penalty", presencePenalty);
    requireFinite("frequency-penalty", frequencyPenalty);
    logitBias = Map.copyOf(logitBias);
    logitBias.forEach((id, bias) -> requireFinite("the logit bias of token id " + id, bias));
  }

  private static void requireFinite(String what, float value) {
    if (!Float.isFinite(value)) {
      throw new JambicException(what + " must be a finite number, got " + value);
    }
  }

  /**
   * Sampling with no penalty but one for repetition.
   *
   * @param temperature what scores are divided by
   * @param topK how many of the best tokens are candidates; 0 for all
   * @param topP the probability that the candidates reach together; 1 for all
   * @param repetitionPenalty above 1 to repeat less
   * @param seed of the random choice
   */
  public SamplingParams(
      float temperature, int topK, float topP, float repetitionPenalty, long seed) {
    this(temperature, topK, topP, repetitionPenalty, seed, 0, 0, Map.of());
  }

  /**
   * Sampling without a repetition penalty.
   *
   * @param temperature what scores are divided by
   * @param topK how many of the best tokens are candidates; 0 for all
   * @param topP the probability that the candidates reach together; 1 for all
   * @param seed of the random choice
   */
  public SamplingParams(float temperature, int topK, float topP, long seed) {
    this(temperature, topK, topP, 1, seed);
  }

  /**
   * The same with a repetition penalty.
   *
   * @param penalty above 1 to repeat less
   * @return the sampling
   */
  public SamplingParams withRepetitionPenalty(float penalty) {
    return new SamplingParams(
        temperature, topK, topP, penalty, seed, presencePenalty, frequencyPenalty, logitBias);
  }

  /**
   * The same with another seed.
   *
   * @param other the seed
   * @return the parameters
   */
  public SamplingParams withSeed(long other) {
    return new SamplingParams(
        temperature,
        topK,
        topP,
        repetitionPenalty,
        other,
        presencePenalty,
        frequencyPenalty,
        logitBias);
  }

  /**
   * The same with a presence penalty.
   *
   * @param penalty above 0 to take up new subjects
   * @return the sampling
   */
  public SamplingParams withPresencePenalty(float penalty) {
    return new SamplingParams(
        temperature, topK, topP, repetitionPenalty, seed, penalty, frequencyPenalty, logitBias);
  }

  /**
   * The same with a frequency penalty.
   *
   * @param penalty above 0 to repeat less
   * @return the sampling
   */
  public SamplingParams withFrequencyPenalty(float penalty) {
    return new SamplingParams(
        temperature, topK, topP, repetitionPenalty, seed, presencePenalty, penalty, logitBias);
  }

  /**
   * The same with other scores of some tokens.
   *
   * @param bias what is added to the score of a token, by its id
   * @return the sampling
   */
  public SamplingParams withLogitBias(Map<Integer, Float> bias) {
    return new SamplingParams(
        temperature, topK, topP, repetitionPenalty, seed, presencePenalty, frequencyPenalty, bias);
  }

  /**
   * Plain sampling at temperature 1, as in the lecture.
   *
   * @param seed of the random choice
   * @return all tokens, as probable as the model says
   */
  public static SamplingParams plain(long seed) {
    return new SamplingParams(1, 0, 1, 1, seed);
  }
}
