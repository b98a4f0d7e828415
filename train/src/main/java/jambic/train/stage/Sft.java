package jambic.train.stage;

import jambic.model.LanguageModel;
import jambic.train.example.TokenExample;
import jambic.train.objective.AnswerBatches;
import jambic.train.objective.AnswerPrediction;
import jambic.train.parallel.DataParallel;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Supervised fine-tuning: learns to answer by demonstrations, on the answers alone (Ouyang et al.,
 * 2022).
 */
public final class Sft {
  private static final double WORST = 4; // times the loss of guessing

  private Sft() {}

  /**
   * Prepares the fine-tuning of a model.
   *
   * @param model what is trained
   * @param config every hyperparameter
   * @param train examples to learn from
   * @param valid examples to measure with
   * @param context the longest prompt with its answer, in tokens
   * @return the work of a run
   */
  public static StageWork work(
      LanguageModel model,
      SftConfig config,
      List<TokenExample> train,
      List<TokenExample> valid,
      int context) {
    return work(model, config, train, valid, context, DataParallel.alone());
  }

  /**
   * Prepares a rank's part of the fine-tuning of a model.
   *
   * @param model what is trained
   * @param config every hyperparameter
   * @param train examples to learn from
   * @param valid examples to measure with
   * @param context the longest prompt with its answer, in tokens
   * @param ranks that train together
   * @return the work of a run
   */
  public static StageWork work(
      LanguageModel model,
      SftConfig config,
      List<TokenExample> train,
      List<TokenExample> valid,
      int context,
      DataParallel ranks) {
    int micros = config.gradientAccumulationSteps();
    AnswerBatches batches = batches(config, train, context);
    AnswerBatches held = batches(config, valid, context);
    return new LossWork(
        model,
        config,
        new AnswerPrediction(model, batches, held, micros),
        iteration ->
            IntStream.range(0, micros)
                .mapToLong(i -> batches.batch((long) iteration * micros + i).targets())
                .sum(),
        WORST * (Math.log(model.vocabSize()) + 1),
        listener -> Map.of(),
        ranks);
  }

  /**
   * Puts examples into batches, as a run of the configuration does.
   *
   * @param config its batch size, its seed, and whether it packs
   * @param examples at least one
   * @param context the longest prompt with its answer, in tokens
   * @return the batches
   */
  public static AnswerBatches batches(SftConfig config, List<TokenExample> examples, int context) {
    int size = config.common().batch().batchSize();
    return config.packing()
        ? AnswerBatches.packed(examples, size, context, config.seed())
        : new AnswerBatches(examples, size, context, config.seed());
  }
}
