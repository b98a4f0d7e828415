package jambic.train.run;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
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
   * @param others numbers of one kind of training, by TRL's names where it has them
   */
  record Step(
      int iter,
      double loss,
      double lr,
      double gradNorm,
      double ms,
      double tokensPerSecond,
      OptionalDouble mfu,
      Map<String, Double> others)
      implements Metrics {
    /** Copies the map. */
    public Step {
      others = Collections.unmodifiableMap(new LinkedHashMap<>(others));
    }

    /**
     * What an iteration measured that has no numbers of its own kind.
     *
     * @param iter the iteration, from 0
     * @param loss the mean training loss of its batch, before the update, in nats a token
     * @param lr the learning rate of its update
     * @param gradNorm the global L2 norm of the gradient, before clipping
     * @param ms wall-clock milliseconds the iteration took
     * @param tokensPerSecond tokens trained on in a second
     * @param mfu model FLOPs utilization, as above
     */
    public Step(
        int iter,
        double loss,
        double lr,
        double gradNorm,
        double ms,
        double tokensPerSecond,
        OptionalDouble mfu) {
      this(iter, loss, lr, gradNorm, ms, tokensPerSecond, mfu, Map.of());
    }
  }

  /**
   * What an evaluation measured. The one of iteration k sees the model after k updates.
   *
   * @param iter the number of updates behind the model
   * @param trainLoss the estimated loss on the training part, in nats a token
   * @param valLoss the estimated loss on the validation part, in nats a token
   * @param bleu BLEU of held-out translations, from 0 to 100, of a translator
   * @param chrF the same for chrF
   * @param others numbers of one kind of training, their names beginning with {@link #EVALUATED}
   */
  record Evaluation(
      int iter,
      double trainLoss,
      double valLoss,
      OptionalDouble bleu,
      OptionalDouble chrF,
      Map<String, Double> others)
      implements Metrics {
    /** How the names of an evaluation's numbers begin. */
    public static final String EVALUATED = "eval_";

    /** Copies the map. */
    public Evaluation {
      others = Collections.unmodifiableMap(new LinkedHashMap<>(others));
    }

    /**
     * What an evaluation measured that has no numbers of its own kind.
     *
     * @param iter the number of updates behind the model
     * @param trainLoss the estimated loss on the training part, in nats a token
     * @param valLoss the estimated loss on the validation part, in nats a token
     * @param bleu BLEU of held-out translations
     * @param chrF the same for chrF
     */
    public Evaluation(
        int iter, double trainLoss, double valLoss, OptionalDouble bleu, OptionalDouble chrF) {
      this(iter, trainLoss, valLoss, bleu, chrF, Map.of());
    }

    /**
     * What an evaluation without a loss measured.
     *
     * @param iter the number of updates behind the model
     * @param others what it measured, by name
     * @return the evaluation, whose losses are no numbers
     */
    public static Evaluation of(int iter, Map<String, Double> others) {
      return new Evaluation(
          iter, Double.NaN, Double.NaN, OptionalDouble.empty(), OptionalDouble.empty(), others);
    }

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
