package jambic.train.plan;

import jambic.model.gpt.GptConfig;

/**
 * The floating-point operations of a GPT's forward pass for one token of a full context, product by
 * product, as nanoGPT's {@code transformer_sizing} counts them: a product of (n, k) and (k, m) is
 * {@code 2 n k m}; norms, softmax and nonlinearities count nothing; attention counts the whole T by
 * T square, though a causal one needs only half of it.
 *
 * @param nLayer blocks
 * @param qkv the queries, keys and values of a block
 * @param scores the products of queries and keys in a block
 * @param reduce the weighted sum of the values in a block
 * @param attentionProjection the projection behind a block's attention
 * @param fc the MLP's first layer in a block
 * @param mlpProjection the MLP's second layer in a block
 * @param head the scores of all token ids
 */
public record ForwardFlops(
    int nLayer,
    double qkv,
    double scores,
    double reduce,
    double attentionProjection,
    double fc,
    double mlpProjection,
    double head) {

  /**
   * Counts a model's operations.
   *
   * @param config its shape
   * @return the counts, of one token
   */
  public static ForwardFlops of(GptConfig config) {
    double width = config.nEmbd();
    double square = width * width;
    double attention = 2 * width * config.blockSize();
    return new ForwardFlops(
        config.nLayer(),
        6 * square,
        attention,
        attention,
        2 * square,
        2 * width * config.nInner(),
        2 * width * config.nInner(),
        2 * width * config.vocabSize());
  }

  /**
   * The operations of one block.
   *
   * @return FLOPs a token
   */
  public double block() {
    return qkv + scores + reduce + attentionProjection + fc + mlpProjection;
  }

  /**
   * The operations of the forward pass.
   *
   * @return FLOPs a token
   */
  public double total() {
    return nLayer * block() + head;
  }

  /**
   * The operations of training: the backward pass costs twice the forward pass.
   *
   * @return FLOPs a token
   */
  public double training() {
    return 3 * total();
  }
}
