package jambic.train.stage;

import jambic.model.LanguageModel;
import jambic.model.classifier.GptClassifier;
import jambic.model.nn.Parameters;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;

/**
 * Estimates at each token what an answer is still worth: the critic of PPO. It is a model of its
 * own, or a head on the policy's body, whose loss then trains that body too.
 */
public interface ValueModel extends AutoCloseable {
  /**
   * Returns how a value is computed at each counted position.
   *
   * @return the head, for a pass that is trained
   */
  RowPass.Head head();

  /**
   * Gives gradients to what is trained besides the policy's own parameters.
   *
   * @param gradients holds them
   * @return these parameters, all of them, by name
   */
  Parameters train(Region gradients);

  /** Frees it; of a shared body the head alone. */
  @Override
  void close();

  /**
   * A model of its own.
   *
   * @param model with one label and without dropout; closed with the result
   * @return the value model
   */
  static ValueModel of(GptClassifier model) {
    RowPass.Head head = RowPass.Head.scores(model);
    ParameterUpdate.requireWithoutDropout(model);
    return new ValueModel() {
      @Override
      public RowPass.Head head() {
        return head;
      }

      @Override
      public Parameters train(Region gradients) {
        model.parameters().train(gradients);
        return model.parameters();
      }

      @Override
      public void close() {
        model.close();
      }
    };
  }

  /**
   * A head of zeros on the body of the policy.
   *
   * @param policy the policy, which stays the caller's to close, after the result
   * @return the value model
   */
  static ValueModel sharing(LanguageModel policy) {
    int width = Math.toIntExact(policy.head().weight().shape().dim(1));
    Region region = policy.backend().region();
    Parameters parameters = new Parameters(region);
    Tensor weight = parameters.add("score.weight", 1, width);
    weight.set(new float[width]);
    Tensor noBias = Tensor.NONE;
    return new ValueModel() {
      @Override
      public RowPass.Head head() {
        return (ops, ids, index, targets) ->
            ops.linear(ops.rows(policy.hidden(ops, ids), index), weight, noBias);
      }

      @Override
      public Parameters train(Region gradients) {
        parameters.train(gradients);
        return parameters;
      }

      @Override
      public void close() {
        region.close();
      }
    };
  }
}
