package jambic.train.preference;

import jambic.model.LanguageModel;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.TokenExample;
import jambic.train.example.TokenJudged;
import jambic.train.parallel.DataParallel;
import jambic.train.stage.AnswerTokens;
import jambic.train.stage.RowBatch;
import jambic.train.stage.RowLossWork;
import jambic.train.stage.RowObjective;
import jambic.train.stage.RowPass;
import jambic.train.stage.StageWork;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Kahneman-Tversky optimization (Ethayarajh et al., 2024): learns from answers that are each judged
 * good or bad on their own. How far the policy has moved is measured on mismatched rows, each
 * prompt with the answer to another one, as TRL's KTOTrainer does; nothing is learned from these.
 * What the reference thinks of all rows is computed once, before training.
 */
public final class Kto implements RowObjective<Kto.ScoredAnswer> {
  /**
   * A judged answer with what the reference thinks of it.
   *
   * @param judged the answer
   * @param other an answer to another prompt
   * @param reference the reference's log-probability of the answer, in nats
   * @param otherReference that of the other answer to this prompt
   */
  public record ScoredAnswer(
      TokenJudged judged, int[] other, double reference, double otherReference) {}

  private final KtoLoss loss;
  private final int context;

  private Kto(KtoConfig config, int context) {
    loss = new KtoLoss(config.beta(), config.desirableWeight(), config.undesirableWeight());
    this.context = context;
  }

  /**
   * Prepares the training of a policy.
   *
   * @param policy what is trained; without dropout
   * @param reference what it is held to; used here only
   * @param config every hyperparameter
   * @param train answers to learn from, to two prompts at least
   * @param valid answers to measure with
   * @param context the longest prompt with its answer, in tokens
   * @return the work of a run
   * @throws JambicException if a prompt has no other prompt's answer that fits behind it
   */
  public static StageWork work(
      LanguageModel policy,
      LanguageModel reference,
      KtoConfig config,
      List<TokenJudged> train,
      List<TokenJudged> valid,
      int context) {
    return work(policy, reference, config, train, valid, context, DataParallel.alone());
  }

  /**
   * Prepares a rank's part of the training of a policy.
   *
   * @param policy what is trained; without dropout
   * @param reference what it is held to; used here only
   * @param config every hyperparameter
   * @param train answers to learn from, to two prompts at least
   * @param valid answers to measure with
   * @param context the longest prompt with its answer, in tokens
   * @param ranks that train together
   * @return the work of a run
   * @throws JambicException if a prompt has no other prompt's answer that fits behind it
   */
  public static StageWork work(
      LanguageModel policy,
      LanguageModel reference,
      KtoConfig config,
      List<TokenJudged> train,
      List<TokenJudged> valid,
      int context,
      DataParallel ranks) {
    Kto objective = new Kto(config, context);
    return new RowLossWork<>(
        policy,
        config,
        RowPass.Head.logProbs(policy, 1),
        objective,
        objective.scored(reference, train, train),
        objective.scored(reference, valid, train),
        ranks);
  }

  private List<ScoredAnswer> scored(
      LanguageModel reference, List<TokenJudged> rows, List<TokenJudged> others) {
    List<ScoredAnswer> unscored =
        IntStream.range(0, rows.size())
            .mapToObj(i -> new ScoredAnswer(rows.get(i), mismatched(rows, i, others), 0, 0))
            .toList();
    return ReferenceSums.score(
        reference,
        unscored,
        this::batch,
        (row, own, other) -> new ScoredAnswer(row.judged(), row.other(), own, other));
  }

  /** The first answer from this row on that is to another prompt and fits. */
  private int[] mismatched(List<TokenJudged> rows, int at, List<TokenJudged> others) {
    int[] prompt = rows.get(at).prompt();
    for (int i = 0; i < others.size(); i++) {
      TokenJudged other = others.get((at + i) % others.size());
      if (!Arrays.equals(other.prompt(), prompt)
          && prompt.length + other.answer().length <= context + 1) {
        return other.answer();
      }
    }
    throw new JambicException(
        Text.format(
            "KTO measures on answers to other prompts, and no other prompt's answer fits behind the prompt of row %d of %d; give answers to two prompts or more",
            at + 1, rows.size()));
  }

  /** The judged answers, then the mismatched ones. */
  @Override
  public RowBatch batch(List<ScoredAnswer> things) {
    List<int[]> answers =
        Stream.concat(
                things.stream().map(row -> row.judged().answer()),
                things.stream().map(ScoredAnswer::other))
            .toList();
    List<int[]> sequences =
        IntStream.range(0, answers.size())
            .mapToObj(i ->
                TokenExample.of(things.get(i % things.size()).judged().prompt(), answers.get(i))
                    .ids())
            .toList();
    int[] lengths = answers.stream().mapToInt(answer -> answer.length).toArray();
    return RowBatch.answers(sequences, lengths, context);
  }

  @Override
  public Outcome loss(
      List<ScoredAnswer> things, RowBatch batch, double[] outputs, double[] gradient) {
    AnswerTokens rows = batch.rows();
    int n = things.size();
    double[] sums = batch.sums(outputs);
    double[] policy = Arrays.copyOf(sums, n);
    double[] reference = things.stream().mapToDouble(ScoredAnswer::reference).toArray();
    double kl =
        KtoLoss.kl(
            Arrays.copyOfRange(sums, n, 2 * n),
            things.stream().mapToDouble(ScoredAnswer::otherReference).toArray());
    boolean[] good = new boolean[n];
    for (int i = 0; i < n; i++) {
      good[i] = things.get(i).judged().good();
    }
    double[] bySum = new double[n];
    KtoLoss.Result result = loss.loss(policy, reference, good, kl, bySum);
    Arrays.fill(gradient, 0); // also of the mismatched rows
    for (int i = 0; i < n; i++) {
      Arrays.fill(gradient, rows.start(i), rows.end(i), bySum[i]);
    }
    Map<String, Double> numbers = new LinkedHashMap<>();
    result.goodReward().ifPresent(reward -> numbers.put("rewards/chosen", reward));
    result.badReward().ifPresent(reward -> numbers.put("rewards/rejected", reward));
    numbers.put("kl", kl);
    return new Outcome(result.loss(), numbers);
  }
}
