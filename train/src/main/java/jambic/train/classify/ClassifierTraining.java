package jambic.train.classify;

import jambic.model.classifier.GptClassifier;
import jambic.model.classifier.TextClassifier;
import jambic.tensor.JambicException;
import jambic.train.data.Dataset.Split;
import jambic.train.metric.ClassificationScores;
import jambic.train.parallel.DataParallel;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.stage.LossWork;
import jambic.train.stage.StageWork;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Trains a classifier: a new head on the body of a language model, and the body with it (Radford et
 * al., 2018). Evaluations say accuracy and macro F1 of the texts that they estimate the loss with;
 * the best checkpoint is that of the best accuracy.
 */
public final class ClassifierTraining {
  /** The names of what evaluations measure. */
  public static final String ACCURACY = "eval_accuracy";

  /** Macro F1: the mean over the labels. */
  public static final String F1 = "eval_f1";

  private static final double EQUAL = 1e-9; // far less than one text of any number

  private ClassifierTraining() {}

  /**
   * Prepares the training of a classifier.
   *
   * @param model what is trained, with two labels or more
   * @param config every hyperparameter
   * @param train texts to learn from
   * @param valid texts to measure with
   * @return the work of a run
   * @throws JambicException if there are no texts to learn from or to measure with
   */
  public static StageWork work(
      GptClassifier model,
      ClassifyConfig config,
      List<LabelledTokens> train,
      List<LabelledTokens> valid) {
    return work(model, config, train, valid, DataParallel.alone());
  }

  /**
   * Prepares a rank's part of the training of a classifier.
   *
   * @param model what is trained, with two labels or more
   * @param config every hyperparameter
   * @param train texts to learn from
   * @param valid texts to measure with
   * @param ranks that train together
   * @return the work of a run
   * @throws JambicException if there are no texts to learn from or to measure with
   */
  public static StageWork work(
      GptClassifier model,
      ClassifyConfig config,
      List<LabelledTokens> train,
      List<LabelledTokens> valid,
      DataParallel ranks) {
    LabelPrediction objective = new LabelPrediction(model, config, train, valid);
    List<LabelledTokens> measured = objective.estimated(Split.VAL, config.run().evalIters());
    return new LossWork(
        model,
        config,
        objective,
        objective::tokens,
        Double.MAX_VALUE,
        new Quality(model, measured),
        ranks);
  }

  private record Quality(GptClassifier model, List<LabelledTokens> texts)
      implements LossWork.Quality {
    @Override
    public Map<String, Double> measure(RunListener listener) {
      ClassificationScores scores = ClassifierTraining.measure(model, texts);
      Map<String, Double> numbers = new LinkedHashMap<>();
      numbers.put(ACCURACY, scores.accuracy());
      numbers.put(F1, scores.macroF1());
      return numbers;
    }

    @Override
    public double criterion(Metrics.Evaluation measured) {
      return ClassifierTraining.criterion(measured);
    }
  }

  /**
   * Tells which of two evaluations is of the better model: the share of wrong labels, for with few
   * texts the loss grows again long before that does. Of equal ones the loss decides.
   *
   * @param measured an evaluation
   * @return what the better one has less of
   */
  public static double criterion(Metrics.Evaluation measured) {
    return 1 - measured.others().getOrDefault(ACCURACY, 0.0) + EQUAL * measured.valLoss();
  }

  /**
   * Measures how well a classifier tells labels.
   *
   * @param model the classifier
   * @param texts texts of known labels
   * @return its scores
   * @throws JambicException if there are no texts, or the model cannot read one
   */
  public static ClassificationScores measure(GptClassifier model, List<LabelledTokens> texts) {
    float[][] logits =
        TextClassifier.logits(model, texts.stream().map(LabelledTokens::ids).toList());
    int[] told = new int[logits.length];
    for (int i = 0; i < told.length; i++) {
      told[i] = best(logits[i]);
    }
    return ClassificationScores.of(
        model.config().labels(), texts.stream().mapToInt(LabelledTokens::label).toArray(), told);
  }

  private static int best(float... logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }
}
