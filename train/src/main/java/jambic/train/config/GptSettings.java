package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;

/**
 * A GPT that is trained, but for its vocabulary, which its data decides.
 *
 * @param nLayer transformer blocks
 * @param nHead attention heads of a block; divides {@code nEmbd}
 * @param nEmbd channels
 * @param blockSize tokens of context
 * @param dropout probability of zeroing an activation, in [0, 1)
 * @param embdDropout whether dropout falls on the embeddings too
 * @param activation nonlinearity of the feed-forward layers
 * @param bias whether LayerNorms, and linear layers other than q, k, v and the head, have a bias
 * @param qkvBias whether the query, key and value projections have a bias
 * @param tiedHead whether the head shares the token embedding's weights
 * @param headBias whether the head has a bias
 * @param initStd standard deviation of the initial weights
 * @param scaledResidualInit whether projections onto the residual stream start at {@code initStd /
 *     sqrt(2 nLayer)}, as in GPT-2
 */
public record GptSettings(
    @Hyperparameter("Transformer blocks") int nLayer,
    @Hyperparameter("attention heads of a block; divides the channels") int nHead,
    @Hyperparameter("channels") int nEmbd,
    @Hyperparameter("tokens of context") int blockSize,
    @Hyperparameter("probability of zeroing an activation while training") double dropout,
    @Hyperparameter("whether dropout falls on the embeddings too") boolean embdDropout,
    @Hyperparameter("nonlinearity of the MLP: relu, gelu-erf, gelu-tanh or silu")
        Activation activation,
    @Hyperparameter("whether layer norms and linear layers have a bias") boolean bias,
    @Hyperparameter("whether queries, keys and values have a bias") boolean qkvBias,
    @Hyperparameter("whether the head shares the token embedding's weights") boolean tiedHead,
    @Hyperparameter("whether the head has a bias") boolean headBias,
    @Hyperparameter("standard deviation of the initial weights") double initStd,
    @Hyperparameter("whether residual projections start smaller, as in GPT-2")
        boolean scaledResidualInit) {

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range, naming it and its range
   */
  public GptSettings {
    Bounds.atLeast("nLayer", nLayer, 1);
    Bounds.atLeast("nHead", nHead, 1);
    Bounds.atLeast("nEmbd", nEmbd, 1);
    Bounds.atLeast("blockSize", blockSize, 1);
    Bounds.check(
        nEmbd % nHead == 0,
        "%s (%d) must be divisible by %s (%d), so that every head is equally wide",
        new Name("nEmbd"),
        nEmbd,
        new Name("nHead"),
        nHead);
    Bounds.check(
        nEmbd <= Integer.MAX_VALUE / 4, "%s must be below 2^29, not %d", new Name("nEmbd"), nEmbd);
    Bounds.inUnitInterval("dropout", dropout);
    Bounds.finiteAndPositive("initStd", initStd);
  }

  /**
   * The model to train.
   *
   * @param vocabSize the number of token ids of the data
   * @return its shape
   * @throws JambicException if it would have more parameters than can be counted
   */
  public GptConfig gpt(int vocabSize) {
    return new GptConfig(
        vocabSize,
        blockSize,
        nLayer,
        nHead,
        nEmbd,
        (float) dropout,
        embdDropout ? (float) dropout : 0,
        activation,
        bias,
        qkvBias,
        tiedHead,
        headBias,
        GptConfig.DEFAULT_NORM_EPS);
  }

  /**
   * The model to train where it is a stored one: what has no hyperparameter is as it is there.
   *
   * @param stored the stored model
   * @return its shape in this run
   */
  public GptConfig gpt(GptConfig stored) {
    GptConfig own = gpt(stored.vocabSize());
    return new GptConfig(
        own.vocabSize(),
        own.blockSize(),
        own.nLayer(),
        own.nHead(),
        own.nEmbd(),
        own.dropout(),
        own.embeddingDropout(),
        own.activation(),
        own.bias(),
        own.qkvBias(),
        own.tiedHead(),
        own.headBias(),
        stored.normEps(),
        own.attnDropout(),
        stored.nInner(),
        stored.scaleAttn(),
        stored.scaleAttnByLayer());
  }

  /**
   * How its weights start.
   *
   * @param seed what makes them these and no others
   * @return the initialization
   */
  public Initializer init(long seed) {
    return new Initializer((float) initStd, scaledResidualInit, seed);
  }
}
