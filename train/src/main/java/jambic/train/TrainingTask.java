package jambic.train;

import jambic.model.LanguageModel;
import jambic.tensor.JambicException;
import jambic.train.config.TrainConfig;
import jambic.train.data.BatchSampler;
import jambic.train.data.Dataset;
import jambic.train.data.WindowSource;
import jambic.train.objective.NextTokenPrediction;
import jambic.train.objective.Objective;

/** What a run trains on, and what it learns from that. */
public interface TrainingTask {
  /**
   * Makes the objective of a model.
   *
   * @param model what is trained
   * @param config the size of batches, and the seed that draws them
   * @return batches and loss
   */
  Objective objective(LanguageModel model, TrainConfig config);

  /**
   * Identifies the data: a run resumes with what has the same fingerprint only.
   *
   * @return a text without line breaks
   */
  String fingerprint();

  /**
   * Refuses data with token ids that a tokenizer does not have.
   *
   * @param vocabSize the number of its ids
   * @throws JambicException if there is such an id
   */
  void requireIds(int vocabSize);

  /**
   * The next token at every position of windows of a text.
   *
   * @param data the text
   * @return the task of pre-training
   */
  static TrainingTask nextTokens(Dataset data) {
    return new TrainingTask() {
      @Override
      public Objective objective(LanguageModel model, TrainConfig config) {
        int batchSize = config.batch().batchSize();
        int blockSize = config.model().blockSize();
        WindowSource windows = new BatchSampler(data, batchSize, blockSize, config.seed());
        return new NextTokenPrediction(model, windows, batchSize, blockSize);
      }

      @Override
      public String fingerprint() {
        return data.fingerprint();
      }

      @Override
      public void requireIds(int vocabSize) {
        data.requireIds(vocabSize);
      }
    };
  }
}
