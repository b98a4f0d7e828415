package jambic.train.policy;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.stage.AnswerTokens;

/**
 * Estimates advantages from rewards and values (generalized advantage estimation; Schulman et al.,
 * 2016). Within an answer, from its last token backwards: delta[t] = reward[t] + gamma value[t + 1]
 * - value[t], advantage[t] = delta[t] + gamma lambda advantage[t + 1]. What follows the last token
 * is worth 0.
 *
 * @param gamma by how much a later reward counts less, 1 for not at all
 * @param lambda from 0, which trusts the values, to 1, which trusts the rewards
 */
public record Gae(double gamma, double lambda) {
  /**
   * What the estimate gives.
   *
   * @param advantages by token
   * @param returns by token: advantage + value, what the value model should have said
   */
  public record Estimate(double[] advantages, double[] returns) {}

  /**
   * Checks the bounds.
   *
   * @throws JambicException if one is not from 0 to 1
   */
  public Gae {
    if (!(gamma >= 0 && gamma <= 1 && lambda >= 0 && lambda <= 1)) {
      throw new JambicException(
          Text.format("gamma and lambda must be from 0 to 1, got %s and %s", gamma, lambda));
    }
  }

  /**
   * Estimates the advantages of all answers.
   *
   * @param answers where each lies
   * @param rewards by token
   * @param values by token: the value of the state in which the token was drawn
   * @return advantages and returns
   */
  public Estimate estimate(AnswerTokens answers, double[] rewards, double[] values) {
    answers.require(rewards, values);
    double[] advantages = new double[rewards.length];
    double[] returns = new double[rewards.length];
    for (int answer = 0; answer < answers.count(); answer++) {
      double advantage = 0;
      double next = 0;
      for (int t = answers.end(answer) - 1; t >= answers.start(answer); t--) {
        advantage = rewards[t] + gamma * next - values[t] + gamma * lambda * advantage;
        next = values[t];
        advantages[t] = advantage;
        returns[t] = advantage + values[t];
      }
    }
    return new Estimate(advantages, returns);
  }
}
