package jambic.train.policy;

import jambic.model.classifier.GptClassifier;
import jambic.model.text.Tokenizer;
import jambic.tensor.spi.Region;
import jambic.train.stage.RowPass;
import java.util.List;

/** Says how good answers are: a reward model, or a function of text. */
public interface AnswerScorer extends AutoCloseable {
  /**
   * Scores answers.
   *
   * @param answers what was drawn, with what it answers
   * @return a finite number for each
   */
  double[] score(List<Rollout> answers);

  /** Frees what it computes with. */
  @Override
  default void close() {}

  /**
   * Scores by a function of text.
   *
   * @param reward the function
   * @param tokenizer turns the answers' tokens into text
   * @return the scorer
   */
  static AnswerScorer of(Reward reward, Tokenizer tokenizer) {
    return answers ->
        reward.scores(
            answers.stream()
                .map(answer ->
                    new Completion(
                        tokenizer.decode(answer.prompt().ids()),
                        tokenizer.decode(answer.words()),
                        answer.ended(),
                        answer.prompt().row().answer()))
                .toList());
  }

  /**
   * Scores by a reward model: the score at the last token.
   *
   * @param model the reward model; closed with the scorer
   * @return the scorer
   * @throws jambic.tensor.JambicException if it has more labels than one
   */
  static AnswerScorer of(GptClassifier model) {
    RowPass.Head head = RowPass.Head.scores(model);
    Region region = model.backend().region();
    RowPass pass = new RowPass(model.backend(), region, head, false);
    int context = model.config().body().blockSize();
    return new AnswerScorer() {
      @Override
      public double[] score(List<Rollout> answers) {
        return pass.ends(answers.stream().map(Rollout::ids).toList(), context);
      }

      @Override
      public void close() {
        region.close();
        model.close();
      }
    };
  }
}
