package jambic.train.preference;

import jambic.model.classifier.GptClassifier;
import jambic.train.parallel.DataParallel;
import jambic.train.stage.RowBatch;
import jambic.train.stage.RowLossWork;
import jambic.train.stage.RowObjective;
import jambic.train.stage.RowPass;
import jambic.train.stage.StageWork;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Trains a reward model on rankings: all pairs of a prompt's answers are one element, and each
 * answer is read once however many pairs it is in (Ouyang et al., 2022).
 */
public final class RewardModeling implements RowObjective<Ranking> {
  private final BradleyTerry loss;
  private final int context;

  /**
   * Makes the objective.
   *
   * @param centring weight of what keeps scores around 0
   * @param context the longest prompt with its answer, in tokens
   */
  public RewardModeling(double centring, int context) {
    loss = new BradleyTerry(centring);
    this.context = context;
  }

  /**
   * Prepares the training of a reward model.
   *
   * @param model what is trained, with one label; without dropout
   * @param config every hyperparameter
   * @param train rankings to learn from
   * @param valid rankings to measure with
   * @param context the longest prompt with its answer, in tokens
   * @return the work of a run
   */
  public static StageWork work(
      GptClassifier model,
      RewardConfig config,
      List<Ranking> train,
      List<Ranking> valid,
      int context) {
    return work(model, config, train, valid, context, DataParallel.alone());
  }

  /**
   * Prepares a rank's part of the training of a reward model.
   *
   * @param model what is trained, with one label; without dropout
   * @param config every hyperparameter
   * @param train rankings to learn from
   * @param valid rankings to measure with
   * @param context the longest prompt with its answer, in tokens
   * @param ranks that train together
   * @return the work of a run
   */
  public static StageWork work(
      GptClassifier model,
      RewardConfig config,
      List<Ranking> train,
      List<Ranking> valid,
      int context,
      DataParallel ranks) {
    return new RowLossWork<>(
        model,
        config,
        RowPass.Head.scores(model),
        new RewardModeling(config.centerRewardsCoefficient(), context),
        train,
        valid,
        ranks);
  }

  @Override
  public RowBatch batch(List<Ranking> things) {
    return RowBatch.ends(
        things.stream().flatMap(ranking -> ranking.sequences().stream()).toList(), context);
  }

  @Override
  public Outcome loss(List<Ranking> things, RowBatch batch, double[] outputs, double[] gradient) {
    List<BradleyTerry.Pair> pairs = new ArrayList<>();
    int first = 0;
    for (int i = 0; i < things.size(); i++) {
      for (Ranking.Pair pair : things.get(i).pairs()) {
        pairs.add(
            new BradleyTerry.Pair(
                i, first + pair.chosen(), first + pair.rejected(), pair.margin()));
      }
      first += things.get(i).answers().size();
    }
    BradleyTerry.Result result = loss.loss(pairs, outputs, gradient);
    Map<String, Double> numbers = new LinkedHashMap<>();
    numbers.put("accuracy", result.accuracy());
    numbers.put("margin", result.margin());
    numbers.put("mean_reward", Arrays.stream(outputs).average().orElseThrow());
    numbers.put("min_reward", Arrays.stream(outputs).min().orElseThrow());
    numbers.put("max_reward", Arrays.stream(outputs).max().orElseThrow());
    return new Outcome(result.loss(), numbers);
  }
}
