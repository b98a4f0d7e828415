package jambic.train.policy;

import jambic.train.stage.AnswerTokens;

/**
 * Estimates the KL divergence of the policy from the reference by the sampled tokens alone
 * (Schulman, 2020, "Approximating KL divergence"). With r = log(reference / policy) of a token that
 * the policy drew, each is a number by token whose mean is near KL(policy || reference).
 */
public enum KlEstimate {
  /** -r: without bias, of high variance, negative for single tokens; what PPO is penalized by. */
  K1,
  /** r^2 / 2: never negative, of low variance, biased. */
  K2,
  /** exp(r) - 1 - r: never negative and without bias; what GRPO adds to its loss. */
  K3;

  /**
   * The estimate of one token.
   *
   * @param logProb of the token under the policy
   * @param reference of the token under the reference
   * @return the estimate in nats
   */
  public double of(double logProb, double reference) {
    double r = reference - logProb;
    return switch (this) {
      case K1 -> -r;
      case K2 -> r * r / 2;
      case K3 -> Math.expm1(r) - r;
    };
  }

  /**
   * The estimate's derivative with respect to the policy's log-probability.
   *
   * @param logProb of the token under the policy
   * @param reference of the token under the reference
   * @return the derivative
   */
  public double derivative(double logProb, double reference) {
    double r = reference - logProb;
    return switch (this) {
      case K1 -> 1;
      case K2 -> -r;
      case K3 -> -Math.expm1(r);
    };
  }

  /**
   * The estimates of many tokens.
   *
   * @param logProbs under the policy
   * @param reference under the reference
   * @return the estimates in nats
   */
  public double[] of(double[] logProbs, double[] reference) {
    AnswerTokens.requireSame(logProbs.length, reference);
    double[] estimates = new double[logProbs.length];
    for (int i = 0; i < estimates.length; i++) {
      estimates[i] = of(logProbs[i], reference[i]);
    }
    return estimates;
  }
}
