package jambic.train.run;

import java.util.OptionalDouble;

/** One line of a run's log. */
public sealed interface Metrics {
  /**
   * The iteration that this line is about.
   *
   * @return the iteration, from 0
   */
  int iter();

  /**
   * What one training iteration measured.
   *
   * @param iter the iteration, from 0
   * @param loss the mean training loss of its batch, before the update, in nats a token
   * @param lr the learning rate of its update
   * @param gradNorm the global L2 norm of the gradient, before clipping
   * @param ms wall-clock milliseconds the iteration took
   * @param tokensPerSecond tokens trained on in a second
   * @param mfu model FLOPs utilization in [0, 1], absent where the machine's peak is not known
   */
  record Step(
      int iter,
      double loss,
      double lr,
      double gradNorm,
      double ms,
      double tokensPerSecond,
      OptionalDouble mfu)
      implements Metrics {}

  /**
   * What an evaluation measured. The one of iteration k sees the model after k updates.
   *
   * @param iter the number of updates behind the model
   * @param trainLoss the estimated loss on the training part, in nats a token
   * @param valLoss the estimated loss on the validation part, in nats a token
   * @param bleu BLEU of held-out translations, from 0 to 100, of a translator
   * @param chrF the same for chrF
   */
  record Evaluation(
      int iter, double trainLoss, double valLoss, OptionalDouble bleu, OptionalDouble chrF)
      implements Metrics {
    /**
     * What an evaluation without translations measured.
     *
     * @param iter the number of updates behind the model
     * @param trainLoss the estimated loss on the training part, in nats a token
     * @param valLoss the estimated loss on the validation part, in nats a token
     */
    public Evaluation(int iter, double trainLoss, double valLoss) {
      this(iter, trainLoss, valLoss, OptionalDouble.empty(), OptionalDouble.empty());
    }
  }
}
