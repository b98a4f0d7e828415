package jambic.train.policy;

import jambic.model.ConfigMessage;
import jambic.model.ConfigMessage.Name;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.run.RunListener.Sample;
import jambic.train.stage.RowBatch;
import jambic.train.stage.RowPass;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * Measures a policy on the same prompts every time: an answer is drawn to each, scored, and its
 * distance from the reference taken; and the likeliest answer is compared with the right one where
 * that is known.
 */
final class PolicyEvaluation {
  private static final int AT_ONCE = 64;
  private static final int SHOWN = 5;
  private static final int SEED = 0x45_56_41_4C;
  private static final double FAR_BELOW_ZERO = -0.5;
  private static final double FAR = 3; // nats an answer
  private static final double CERTAIN = 0.05; // nats a token
  private static final double MOST = 0.9;

  private final Rollouts rollouts;
  private final AnswerScorer scorer;
  private final PolicyData data;
  private final SamplingSettings sampling;
  private final RowPass policy;
  private final RowPass reference;
  private final Set<Warning> warned = EnumSet.noneOf(Warning.class); // each is said once a run

  private enum Warning {
    BELOW_ZERO,
    FAR,
    ENDLESS,
    CERTAIN
  }

  /**
   * @param policy log-probabilities of the policy
   * @param reference the same of what it began as
   */
  PolicyEvaluation(
      Rollouts rollouts,
      AnswerScorer scorer,
      PolicyData data,
      SamplingSettings sampling,
      RowPass policy,
      RowPass reference) {
    this.rollouts = rollouts;
    this.scorer = scorer;
    this.data = data;
    this.sampling = sampling;
    this.policy = policy;
    this.reference = reference;
  }

  /** Measures; empty if it was stopped. */
  Optional<Metrics.Evaluation> measure(int iteration, RunListener listener, BooleanSupplier stop) {
    listener.onEvaluationBatch(iteration, 0, 2);
    Optional<List<Rollout>> drawn =
        rollouts.draw(data.valid(), (float) sampling.temperature(), SEED, 0, stop);
    listener.onEvaluationBatch(iteration, 1, 2);
    Optional<List<Rollout>> greedy =
        drawn.flatMap(_ -> rollouts.draw(data.valid(), 0, SEED, 0, stop));
    if (greedy.isEmpty()) {
      return Optional.empty();
    }
    List<Rollout> answers = drawn.orElseThrow();
    double[] scores = scores(scorer, answers);
    double[] kl = new double[answers.size()];
    OptionalDouble entropy = distances(answers, kl);
    Map<String, Double> numbers = new LinkedHashMap<>();
    put(numbers, "score", Arrays.stream(scores).average());
    put(numbers, "kl", Arrays.stream(kl).average());
    put(numbers, "entropy", entropy);
    put(numbers, "ended", answers.stream().mapToInt(a -> a.ended() ? 1 : 0).average());
    put(numbers, "length", answers.stream().mapToInt(a -> a.answer().length).average());
    put(numbers, "exact_match", exact(greedy.get()));
    put(numbers, "sampled_exact_match", exact(answers));
    listener.onSamples(iteration, samples(answers, scores, kl));
    warn(iteration, numbers, listener);
    return Optional.of(Metrics.Evaluation.of(iteration, numbers));
  }

  /**
   * Estimates the KL divergence from the reference by answer, and returns the mean entropy of a
   * token in nats: drawn tokens have that surprise on average.
   */
  private OptionalDouble distances(List<Rollout> answers, double[] kl) {
    double surprise = 0;
    int tokens = 0;
    for (int from = 0; from < kl.length; from += AT_ONCE) {
      List<Rollout> part = answers.subList(from, Math.min(kl.length, from + AT_ONCE));
      RowBatch batch = Rollout.batch(part, data.context());
      double[] own = policy.forward(batch);
      double[] other = reference.forward(batch);
      double[] sums = batch.sums(KlEstimate.K1.of(own, other));
      System.arraycopy(sums, 0, kl, from, sums.length);
      surprise -= Arrays.stream(own).sum();
      tokens += own.length;
    }
    return tokens == 0 ? OptionalDouble.empty() : OptionalDouble.of(surprise / tokens);
  }

  /** A finite score for each answer: a reward is anybody's code, and its mistake is named. */
  static double[] scores(AnswerScorer scorer, List<Rollout> answers) {
    double[] scores = scorer.score(answers);
    if (scores.length != answers.size()) {
      throw new JambicException(
          Text.format(
              "the reward gave %d scores for %d answers; it must give one for each",
              scores.length, answers.size()));
    }
    for (int i = 0; i < scores.length; i++) {
      if (!Double.isFinite(scores[i])) {
        throw new JambicException(
            Text.format(
                "the reward of answer %d of %d is %s; a reward must be a finite number",
                i + 1, scores.length, scores[i]));
      }
    }
    return scores;
  }

  /** The same, less a penalty for answers that do not end. */
  static double[] scores(AnswerScorer scorer, List<Rollout> answers, double missingEosPenalty) {
    boolean[] ended = new boolean[answers.size()];
    for (int i = 0; i < ended.length; i++) {
      ended[i] = answers.get(i).ended();
    }
    return TokenRewards.penalized(scores(scorer, answers), ended, missingEosPenalty);
  }

  private OptionalDouble exact(List<Rollout> answers) {
    return answers.stream()
        .filter(a -> a.prompt().row().answer().isPresent())
        .mapToInt(a -> data.isRight(a) ? 1 : 0)
        .average();
  }

  private List<Sample> samples(List<Rollout> answers, double[] scores, double[] kl) {
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < Math.min(SHOWN, answers.size()); i++) {
      Rollout answer = answers.get(i);
      samples.add(
          Sample.scored(
              data.tokenizer().decode(answer.prompt().ids()),
              data.text(answer),
              scores[i],
              kl[i],
              answer.ended()));
    }
    return samples;
  }

  private void warn(int iteration, Map<String, Double> numbers, RunListener listener) {
    double kl = numbers.getOrDefault(Metrics.Evaluation.EVALUATED + "kl", 0.0);
    if (kl < FAR_BELOW_ZERO && warned.add(Warning.BELOW_ZERO)) {
      listener.onNotice(
          "the answers are likelier under the reference than under the policy that drew them: a"
              + " distance below 0 means that they are not drawn as training believes");
    }
    if (kl > FAR && warned.add(Warning.FAR)) {
      listener.onNotice(
          new ConfigMessage(
              "the policy is %s nats from the model it began as: what scores well now may not be good any more; read its samples, and keep it nearer with a higher %s (or %s, of GRPO)",
              Text.format("%.1f", kl), new Name("klCoef"), new Name("beta")));
    }
    double entropy = numbers.getOrDefault(Metrics.Evaluation.EVALUATED + "entropy", 1.0);
    if (entropy < CERTAIN && warned.add(Warning.CERTAIN)) {
      listener.onNotice(
          new ConfigMessage(
              "the policy is all but certain of each token (entropy %s nats): drawn answers are alike, and little is left to learn from; a smaller %s helps, or a higher %s",
              Text.format("%.3f", entropy), new Name("learningRate"), new Name("temperature")));
    }
    double ended = numbers.getOrDefault(Metrics.Evaluation.EVALUATED + "ended", 1.0);
    if (ended < MOST && iteration > 0 && warned.add(Warning.ENDLESS)) {
      listener.onNotice(
          new ConfigMessage(
              "fewer than nine tenths of the answers end by themselves; raise %s or %s",
              new Name("missingEosPenalty"), new Name("responseLength")));
    }
  }

  private static void put(Map<String, Double> numbers, String name, OptionalDouble value) {
    value.ifPresent(v -> numbers.put(Metrics.Evaluation.EVALUATED + name, v));
  }
}
