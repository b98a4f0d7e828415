package jambic.model;

import jambic.model.nn.AttentionWeights;
import jambic.model.nn.KvCache;
import jambic.model.nn.Linear;
import jambic.model.nn.PackedBatch;
import jambic.model.nn.TokenPacking;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * A model that scores the token to come next: what training and generation know of it. Shapes: B
 * sequences, T tokens each, C channels, V tokens of the vocabulary.
 */
public interface LanguageModel extends Model {
  /**
   * Returns the longest context.
   *
   * @return tokens that the model reads at once
   */
  int contextLength();

  /**
   * Returns the tokens that end a text, after which generation stops.
   *
   * @return their ids, as its checkpoint says; none where it was made without one
   * @throws JambicException if the checkpoint says it in a way that cannot be understood
   */
  Set<Integer> endTokens();

  /**
   * Computes what the head reads, for every position of whole sequences.
   *
   * @param ops how to compute
   * @param ids I32 (B, T), T at most {@link #contextLength}, each in [0, V)
   * @return (B, T, C)
   * @throws jambic.tensor.ShapeException if the ids are not (B, T)
   * @throws JambicException if T is too large, an id is not of the vocabulary (thrown here if the
   *     backend can), or the model is closed
   */
  Tensor hidden(Ops ops, Tensor ids);

  /**
   * Computes what the head reads, for the tokens alone that padded sequences have: the same numbers
   * as for each sequence by itself, without computing padding.
   *
   * @param ops how to compute
   * @param ids I32 (B, T), as above; any in [0, V) where there is padding
   * @param packing where R tokens lie in them
   * @return (R, C)
   * @throws jambic.tensor.ShapeException if the ids are not (B, T)
   * @throws JambicException as above
   */
  Tensor hidden(Ops ops, Tensor ids, TokenPacking packing);

  /**
   * Returns the layer that makes scores of hidden states.
   *
   * @return (V, C)
   */
  Linear head();

  /**
   * Makes room for keys and values.
   *
   * @param region where they live
   * @param tokens positions to have room for, or a few more
   * @return an empty cache
   */
  KvCache cache(Region region, int tokens);

  /**
   * Reads tokens into a cache: what {@link #hidden} computes before the final layer norm, for
   * positions that follow the cached ones.
   *
   * @param ops how to look tokens up
   * @param layers how to compute each layer, asked in order; a layer needs what the one before made
   * @param cache keys and values of earlier positions, extended
   * @param batch R tokens
   * @return (R, 1, C), the input of {@link #decodeLogits}
   */
  Tensor decode(
      InferenceOps ops, IntFunction<InferenceOps> layers, KvCache cache, PackedBatch batch);

  /**
   * Computes the logits of the next token from what {@link #decode} returned: the final layer norm,
   * then the head.
   *
   * @param ops how to compute
   * @param x (R, 1, C)
   * @return (R, 1, V)
   */
  Tensor decodeLogits(InferenceOps ops, Tensor x);

  /**
   * Computes how much each token of a text attends to each in one layer, as PyTorch's {@code
   * output_attentions} tells it.
   *
   * @param ids the text, at least one token and at most {@link #contextLength}
   * @param layer which layer, from 0
   * @return (H, T, T): a token attends to itself and those before it
   * @throws JambicException if there is no such layer or the text cannot be read
   */
  AttentionWeights attentionWeights(int[] ids, int layer);

  /**
   * Refuses token ids that the model does not know.
   *
   * @param ids the ids
   * @throws JambicException if one is not in [0, V)
   */
  void requireIds(int... ids);

  /**
   * Computes the scores of every token to come next, at every position.
   *
   * @param ops how to compute
   * @param ids as {@link #hidden} takes them
   * @return (B, T, V)
   */
  default Tensor logits(Ops ops, Tensor ids) {
    return head().forward(ops, hidden(ops, ids));
  }

  /**
   * Computes the mean cross-entropy of predicting each target.
   *
   * @param ops how to compute
   * @param ids as {@link #hidden} takes them
   * @param targets I32 (B, T): the token after each, or -1 not to count it
   * @return (1), in nats a token
   */
  default Tensor loss(Ops ops, Tensor ids, Tensor targets) {
    Tensor x = hidden(ops, ids);
    return ops.linearCrossEntropy(x, head().weight(), head().bias(), targets, 0);
  }
}
