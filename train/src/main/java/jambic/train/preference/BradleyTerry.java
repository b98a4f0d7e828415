package jambic.train.preference;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The loss of reward models (Bradley and Terry, 1952): of a pair, -log sigmoid(chosen - rejected -
 * margin) + centring (chosen + rejected)^2. All pairs of a prompt are one element (InstructGPT;
 * Ouyang et al., 2022): the loss is the mean over prompts of the mean over a prompt's pairs, so a
 * prompt with many ranked answers weighs no more than one with two. With one pair a prompt it is
 * the loss of TRL's RewardTrainer.
 *
 * @param centring keeps scores near 0, which pairs alone do not (TRL's {@code
 *     center_rewards_coefficient}; 0.01 is usual), 0 for not at all
 */
public record BradleyTerry(double centring) {
  /**
   * Two answers to a prompt, of which one is better.
   *
   * @param prompt tells prompts apart: pairs with the same number share one element
   * @param chosen row of the better answer's score
   * @param rejected row of the other one's score
   * @param margin by how much the better one should be ahead, 0 where nothing is said
   */
  public record Pair(int prompt, int chosen, int rejected, double margin) {}

  /**
   * What became of the scores.
   *
   * @param loss the loss
   * @param accuracy share of all pairs whose better answer has the higher score
   * @param margin mean over all pairs of the difference of scores
   */
  public record Result(double loss, double accuracy, double margin) {}

  /**
   * Checks the bounds.
   *
   * @throws JambicException if the coefficient is negative
   */
  public BradleyTerry {
    if (!(centring >= 0 && Double.isFinite(centring))) {
      throw new JambicException(
          Text.format("the centring coefficient must be 0 or more, got %s", centring));
    }
  }

  /**
   * All pairs of a ranking.
   *
   * @param prompt tells prompts apart
   * @param first row of the best answer's score; the others follow, from better to worse
   * @param answers how many there are
   * @return answers (answers - 1) / 2 pairs
   */
  public static List<Pair> ranking(int prompt, int first, int answers) {
    List<Pair> pairs = new ArrayList<>();
    for (int i = first; i < first + answers; i++) {
      for (int j = i + 1; j < first + answers; j++) {
        pairs.add(new Pair(prompt, i, j, 0));
      }
    }
    return pairs;
  }

  /**
   * The loss.
   *
   * @param pairs one or more
   * @param scores by row
   * @param gradient is overwritten with the derivative with respect to each score
   * @return the loss and what a log shows
   */
  public Result loss(List<Pair> pairs, double[] scores, double[] gradient) {
    Sigmoid.require(scores.length, gradient.length);
    if (pairs.isEmpty()) {
      throw new JambicException("there are no pairs to learn from; give one or more");
    }
    Map<Integer, Integer> counts = new HashMap<>(); // pairs of each prompt
    pairs.forEach(pair -> counts.merge(pair.prompt(), 1, Integer::sum));
    Arrays.fill(gradient, 0);
    double loss = 0;
    double differences = 0;
    int right = 0;
    for (Pair pair : pairs) {
      double weight = 1.0 / counts.size() / counts.get(pair.prompt());
      double difference = scores[pair.chosen()] - scores[pair.rejected()];
      double sum = scores[pair.chosen()] + scores[pair.rejected()];
      double ahead = difference - pair.margin();
      double slope = -Sigmoid.of(-ahead);
      loss += weight * (-Sigmoid.log(ahead) + centring * sum * sum);
      gradient[pair.chosen()] += weight * (slope + 2 * centring * sum);
      gradient[pair.rejected()] += weight * (-slope + 2 * centring * sum);
      differences += difference;
      right += difference > 0 ? 1 : 0;
    }
    return new Result(loss, (double) right / pairs.size(), differences / pairs.size());
  }
}
