package jambic.train.policy;

import jambic.train.stage.AnswerTokens;
import jambic.train.stage.RowBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What an iteration of PPO learns from: answers by minibatches, with what each token gained.
 *
 * @param batches the minibatches
 * @param kl the mean over answers of the estimated divergence from the reference, in nats
 * @param numbers what a log shows, by TRL's names
 */
record Experience(List<MiniBatch> batches, double kl, Map<String, Double> numbers) {
  /**
   * A part of the answers that one update learns from; numbers are by token.
   *
   * @param logProbs under the policy that drew
   * @param values as the value model saw them then
   * @param reference log-probabilities under the reference
   * @param scores by answer
   */
  record MiniBatch(
      RowBatch batch,
      double[] logProbs,
      double[] values,
      double[] reference,
      double[] scores,
      double[] advantages,
      double[] returns) {
    MiniBatch(
        RowBatch batch, double[] logProbs, double[] values, double[] reference, double[] scores) {
      this(batch, logProbs, values, reference, scores, new double[0], new double[0]);
    }

    private MiniBatch with(double[] whitened, double[] estimated) {
      return new MiniBatch(batch, logProbs, values, reference, scores, whitened, estimated);
    }
  }

  /** Estimates advantages over all minibatches together. */
  static Experience of(
      List<MiniBatch> batches, PpoConfig config, double coefficient, List<Rollout> drawn) {
    AnswerTokens answers =
        AnswerTokens.ofLengths(drawn.stream().mapToInt(a -> a.answer().length).toArray());
    double[] logProbs = joined(batches, MiniBatch::logProbs);
    double[] reference = joined(batches, MiniBatch::reference);
    double[] values = joined(batches, MiniBatch::values);
    double[] scores = joined(batches, MiniBatch::scores);
    double[] penalty = config.klEstimator().of(logProbs, reference);
    double[] rewards = TokenRewards.of(answers, penalty, coefficient, scores);
    if (config.whitenRewards()) {
      rewards = Whitening.KEEP_MEAN.of(rewards);
    }
    Gae.Estimate estimate =
        new Gae(config.gamma(), config.lam()).estimate(answers, rewards, values);
    double[] advantages = Whitening.FULL.of(estimate.advantages());
    List<MiniBatch> estimated = new ArrayList<>();
    int from = 0;
    for (MiniBatch mini : batches) {
      int to = from + mini.batch().count();
      estimated.add(
          mini.with(
              Arrays.copyOfRange(advantages, from, to),
              Arrays.copyOfRange(estimate.returns(), from, to)));
      from = to;
    }
    double kl = perAnswer(KlEstimate.K1.of(logProbs, reference), answers);
    double lost = coefficient * perAnswer(penalty, answers);
    double score = Arrays.stream(scores).average().orElseThrow();
    Map<String, Double> numbers = new LinkedHashMap<>();
    numbers.put("objective/scores", score);
    numbers.put("objective/kl", kl);
    numbers.put("objective/entropy", -perAnswer(logProbs, answers));
    numbers.put("objective/non_score_reward", -lost);
    numbers.put("objective/rlhf_reward", score - lost);
    numbers.put("val/num_eos_tokens", (double) drawn.stream().filter(Rollout::ended).count());
    return new Experience(estimated, kl, numbers);
  }

  private static double[] joined(List<MiniBatch> batches, Function<MiniBatch, double[]> part) {
    return batches.stream().map(part).flatMapToDouble(Arrays::stream).toArray();
  }

  private static double perAnswer(double[] byToken, AnswerTokens answers) {
    return Arrays.stream(byToken).sum() / answers.count();
  }
}
