package jambic.train.preference;

import jambic.model.classifier.GptClassifier;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.train.stage.RowPass;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The mean and the spread of a reward model's scores. Training on pairs leaves both open; a policy
 * that learns from scores needs them fixed (Ziegler et al., 2019; Ouyang et al., 2022).
 *
 * @param mean of the scores that are to be 0 on average
 * @param std standard deviation of the scores that are to have 1
 */
public record RewardScale(double mean, double std) {
  private static final double LEAST_STD = 1e-6;

  /**
   * Measures a reward model.
   *
   * @param model the reward model
   * @param centred prompts with answers, as tokens, whose scores are to be 0 on average
   * @param spread prompts with the policy's own answers, whose scores are to have a standard
   *     deviation of 1
   * @return the scale
   * @throws JambicException if there are no answers to measure with, the model has other labels
   *     than one, or a score is no finite number
   */
  public static RewardScale of(GptClassifier model, List<int[]> centred, List<int[]> spread) {
    if (centred.isEmpty() || spread.isEmpty()) {
      throw new JambicException("there are no answers to measure a reward model's scores with");
    }
    int context = model.config().body().blockSize();
    double[] scores;
    double[] others;
    try (Region region = model.backend().region()) {
      RowPass pass = new RowPass(model.backend(), region, RowPass.Head.scores(model), false);
      scores = pass.ends(spread, context);
      others = centred == spread ? scores : pass.ends(centred, context);
    }
    double mean = Arrays.stream(scores).average().orElseThrow();
    double variance = Arrays.stream(scores).map(s -> (s - mean) * (s - mean)).sum() / scores.length;
    double center = Arrays.stream(others).average().orElseThrow();
    if (!Double.isFinite(center + variance)) {
      throw new JambicException(
          "the reward model's scores are no finite numbers; train it again at a lower learning rate");
    }
    return new RewardScale(center, Math.max(LEAST_STD, Math.sqrt(variance)));
  }

  /**
   * Makes the model's scores (score - mean) / std, by its weights alone, so that any program that
   * opens it gets these: the head w is divided by std, and the last layer norm's bias moves by
   * -mean w / |w|^2, which every score sees as -mean.
   *
   * @param model the model, changed
   * @return whether the mean is 0 now; a model without biases, or with a head of zeros, keeps it
   */
  public boolean foldInto(GptClassifier model) {
    Tensor head = model.score().weight();
    float[] w = head.toFloats();
    Map<String, Tensor> parameters = model.parameters().byName();
    Tensor bias = parameters.getOrDefault("ln_f.bias", Tensor.NONE);
    double square = 0;
    for (float value : w) {
      square += (double) value * value;
    }
    boolean moves = !bias.isNone() && square > 0;
    if (moves) {
      float[] b = bias.toFloats();
      for (int i = 0; i < b.length; i++) {
        b[i] -= (float) (mean * w[i] / square);
      }
      bias.set(b);
    }
    for (int i = 0; i < w.length; i++) {
      w[i] /= (float) std;
    }
    head.set(w);
    return moves;
  }
}
