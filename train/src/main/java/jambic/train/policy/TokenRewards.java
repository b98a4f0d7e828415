package jambic.train.policy;

import jambic.train.stage.AnswerTokens;

/**
 * Spreads the score of an answer over its tokens, as InstructGPT does (Ouyang et al., 2022): each
 * token has -coefficient * kl, and the last one the score too. Where the answer has ended, the last
 * token is the one that ends it; TRL's PPOTrainer put the score on the padding behind it.
 */
public final class TokenRewards {
  private TokenRewards() {}

  /**
   * The rewards by token.
   *
   * @param answers where each lies
   * @param kl by token: {@link KlEstimate} of the policy that drew the answers
   * @param coefficient by how much divergence counts
   * @param scores by answer
   * @return the rewards
   */
  public static double[] of(
      AnswerTokens answers, double[] kl, double coefficient, double[] scores) {
    answers.require(kl);
    AnswerTokens.requireSame(answers.count(), scores);
    double[] rewards = new double[kl.length];
    for (int i = 0; i < kl.length; i++) {
      rewards[i] = -coefficient * kl[i];
    }
    for (int answer = 0; answer < scores.length; answer++) {
      rewards[answers.end(answer) - 1] += scores[answer];
    }
    return rewards;
  }

  /**
   * The scores, less a penalty for those answers that have not ended (TRL's {@code
   * missing_eos_penalty}).
   *
   * @param scores by answer
   * @param ended by answer: whether its last token is the one that ends it
   * @param penalty what is taken off
   * @return the scores
   */
  public static double[] penalized(double[] scores, boolean[] ended, double penalty) {
    double[] penalized = scores.clone();
    for (int answer = 0; answer < scores.length; answer++) {
      penalized[answer] -= ended[answer] ? 0 : penalty;
    }
    return penalized;
  }
}
