package jambic.train.preference;

import jambic.model.LanguageModel;
import jambic.train.example.TokenExample;
import jambic.train.example.TokenPair;
import jambic.train.parallel.DataParallel;
import jambic.train.stage.AnswerTokens;
import jambic.train.stage.RowBatch;
import jambic.train.stage.RowLossWork;
import jambic.train.stage.RowObjective;
import jambic.train.stage.RowPass;
import jambic.train.stage.StageWork;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Direct preference optimization (Rafailov et al., 2023): learns from pairs of answers without a
 * reward model. What the reference thinks of the answers is computed once, before training.
 */
public final class Dpo implements RowObjective<Dpo.ScoredPair> {
  /**
   * A pair with what the reference thinks of it.
   *
   * @param pair the pair
   * @param chosen the reference's log-probability of the better answer, in nats
   * @param rejected that of the other
   */
  public record ScoredPair(TokenPair pair, double chosen, double rejected) {}

  private final PreferenceLoss loss;
  private final int context;

  private Dpo(DpoConfig config, int context) {
    loss = new PreferenceLoss(config.lossType(), config.beta(), config.labelSmoothing());
    this.context = context;
  }

  /**
   * Prepares the training of a policy.
   *
   * @param policy what is trained; without dropout
   * @param reference what it is held to; used here only
   * @param config every hyperparameter
   * @param train pairs to learn from
   * @param valid pairs to measure with
   * @param context the longest prompt with its answer, in tokens
   * @return the work of a run
   */
  public static StageWork work(
      LanguageModel policy,
      LanguageModel reference,
      DpoConfig config,
      List<TokenPair> train,
      List<TokenPair> valid,
      int context) {
    return work(policy, reference, config, train, valid, context, DataParallel.alone());
  }

  /**
   * Prepares a rank's part of the training of a policy.
   *
   * @param policy what is trained; without dropout
   * @param reference what it is held to; used here only
   * @param config every hyperparameter
   * @param train pairs to learn from
   * @param valid pairs to measure with
   * @param context the longest prompt with its answer, in tokens
   * @param ranks that train together
   * @return the work of a run
   */
  public static StageWork work(
      LanguageModel policy,
      LanguageModel reference,
      DpoConfig config,
      List<TokenPair> train,
      List<TokenPair> valid,
      int context,
      DataParallel ranks) {
    Dpo objective = new Dpo(config, context);
    return new RowLossWork<>(
        policy,
        config,
        RowPass.Head.logProbs(policy, 1),
        objective,
        objective.scored(reference, train),
        objective.scored(reference, valid),
        ranks);
  }

  private List<ScoredPair> scored(LanguageModel reference, List<TokenPair> pairs) {
    return ReferenceSums.score(reference, pairs, this::laidOut, ScoredPair::new);
  }

  /** The chosen answers, then the rejected ones. */
  private RowBatch laidOut(List<TokenPair> pairs) {
    List<int[]> sequences =
        Stream.concat(
                pairs.stream().map(pair -> TokenExample.of(pair.prompt(), pair.chosen())),
                pairs.stream().map(pair -> TokenExample.of(pair.prompt(), pair.rejected())))
            .map(TokenExample::ids)
            .toList();
    int[] lengths =
        IntStream.concat(
                pairs.stream().mapToInt(pair -> pair.chosen().length),
                pairs.stream().mapToInt(pair -> pair.rejected().length))
            .toArray();
    return RowBatch.answers(sequences, lengths, context);
  }

  @Override
  public RowBatch batch(List<ScoredPair> things) {
    return laidOut(things.stream().map(ScoredPair::pair).toList());
  }

  @Override
  public Outcome loss(
      List<ScoredPair> things, RowBatch batch, double[] outputs, double[] gradient) {
    AnswerTokens rows = batch.rows();
    double[] policy = batch.sums(outputs);
    int n = things.size();
    double[] reference = new double[2 * n];
    int[] tokens = new int[2 * n];
    for (int i = 0; i < n; i++) {
      reference[i] = things.get(i).chosen();
      reference[n + i] = things.get(i).rejected();
    }
    for (int i = 0; i < 2 * n; i++) {
      tokens[i] = rows.length(i);
    }
    double[] bySum = new double[2 * n];
    PreferenceLoss.Result result = loss.loss(policy, reference, tokens, bySum);
    for (int i = 0; i < 2 * n; i++) {
      for (int t = rows.start(i); t < rows.end(i); t++) {
        gradient[t] = bySum[i];
      }
    }
    Map<String, Double> numbers = new LinkedHashMap<>();
    numbers.put("rewards/accuracies", result.accuracy());
    numbers.put("rewards/margins", result.margin());
    numbers.put("rewards/chosen", result.chosenReward());
    numbers.put("rewards/rejected", result.rejectedReward());
    numbers.put("logps/chosen", mean(policy, 0, n));
    numbers.put("logps/rejected", mean(policy, n, 2 * n));
    return new Outcome(result.loss(), numbers);
  }

  private static double mean(double[] values, int from, int to) {
    return IntStream.range(from, to).mapToDouble(i -> values[i]).sum() / (to - from);
  }
}
