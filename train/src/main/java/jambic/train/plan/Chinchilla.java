package jambic.train.plan;

/**
 * How many tokens a model should be trained on for the lowest loss that its compute can buy, by
 * Hoffmann et al., "Training Compute-Optimal Large Language Models", 2022 (arXiv:2203.15556).
 */
public final class Chinchilla {
  /** Tokens a parameter at the optimum, as the paper's approaches 1 and 2 have it, rounded. */
  public static final int TOKENS_PER_PARAMETER = 20;

  // The loss as E + A / N^alpha + B / D^beta, as Besiroglu et al., "Chinchilla Scaling: A
  // replication attempt", 2024 (arXiv:2404.10102) fit it to the paper's own data. The paper's
  // rounded constants contradict its other two approaches: they give over 100 tokens a parameter.
  private static final double A = 482.01;
  private static final double ALPHA = 0.3478;
  private static final double B = 2085.43;
  private static final double BETA = 0.3658;

  private Chinchilla() {}

  /**
   * The rule of thumb.
   *
   * @param parameters N, without the position table
   * @return 20 N
   */
  public static double tokens(long parameters) {
    return (double) TOKENS_PER_PARAMETER * parameters;
  }

  /**
   * The tokens for which this is the best size of a model, by the parametric loss {@code E + A /
   * N^alpha + B / D^beta} under the budget {@code C = 6 N D}: the minimum lies where {@code alpha A
   * / N^alpha = beta B / D^beta}. The constants are those of Besiroglu et al., 2024
   * (arXiv:2404.10102).
   *
   * @param parameters N, without the position table
   * @return D
   */
  public static double fittedTokens(long parameters) {
    return Math.pow(BETA * B * Math.pow(parameters, ALPHA) / (ALPHA * A), 1 / BETA);
  }
}
