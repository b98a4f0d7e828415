package jambic.model.gpt;

import jambic.model.nn.AttentionWeights;
import jambic.model.nn.Embedding;
import jambic.model.nn.FeedForward;
import jambic.model.nn.KvCache;
import jambic.model.nn.LayerFactory;
import jambic.model.nn.LayerNorm;
import jambic.model.nn.MultiHeadAttention;
import jambic.model.nn.PackedBatch;
import jambic.model.nn.TokenPacking;
import jambic.model.nn.TransformerBlock;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.ShapeException;
import jambic.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * A GPT without its head: embeddings, blocks and the final layer norm. {@link Gpt} puts a head for
 * the next token on it, a classifier one for labels. Shapes: B sequences, T tokens each, C = nEmbd,
 * V = vocabSize.
 */
public final class GptBody {
  private final GptConfig config;
  private final Embedding embedding; // wte (V, C), wpe (blockSize, C)
  private final List<TransformerBlock> blocks = new ArrayList<>();
  private final LayerNorm lnF;

  /**
   * A body with undefined weights.
   *
   * @param layers makes its layers, which get GPT-2's names
   * @param config its shape
   */
  public GptBody(LayerFactory layers, GptConfig config) {
    this.config = config;
    int c = config.nEmbd();
    boolean bias = config.bias();
    Tensor wte = layers.matrix("wte.weight", config.vocabSize(), c);
    Tensor wpe = layers.parameters().add("wpe.weight", config.blockSize(), c);
    embedding = new Embedding(wte, wpe, 1);
    for (int i = 0; i < config.nLayer(); i++) {
      String h = "h." + i + ".";
      blocks.add(
          new TransformerBlock(
              layers.layerNorm(h + "ln_1", c, bias, config.normEps()),
              new MultiHeadAttention(
                  layers.linear(h + "attn.c_attn", 3 * c, c, config.qkvBias()),
                  layers.linear(h + "attn.c_proj", c, c, bias),
                  config.nHead(),
                  config.attentionScale(i),
                  true,
                  config.attnDropout()),
              layers.layerNorm(h + "ln_2", c, bias, config.normEps()),
              new FeedForward(
                  layers.linear(h + "mlp.c_fc", config.nInner(), c, bias),
                  config.activation(),
                  layers.linear(h + "mlp.c_proj", c, config.nInner(), bias),
                  0),
              config.dropout()));
    }
    lnF = layers.layerNorm("ln_f", c, bias, config.normEps());
  }

  /**
   * Computes what a head reads, for every position of whole sequences.
   *
   * @param ops how to compute
   * @param ids I32 (B, T), T at most the context, each in [0, V)
   * @return (B, T, C)
   * @throws ShapeException if the ids are not (B, T)
   * @throws JambicException if T is too large
   */
  public Tensor hidden(Ops ops, Tensor ids) {
    requireSequences(ids);
    return normalized(ops, blocks(ops, ids, blocks.size()));
  }

  /**
   * Computes the same for the tokens alone that padded sequences have.
   *
   * @param ops how to compute
   * @param ids I32 (B, T), T at most the context, each in [0, V)
   * @param packing where R tokens lie in them
   * @return (R, C)
   * @throws ShapeException if the ids are not (B, T)
   * @throws JambicException if T is too large
   */
  public Tensor hidden(Ops ops, Tensor ids, TokenPacking packing) {
    requireSequences(ids);
    Tensor x = ops.rows(embedding.forward(ops, ids), packing.packed()); // (R, C)
    x = ops.dropout(x, config.embeddingDropout());
    for (TransformerBlock block : blocks) {
      x = block.forward(ops, x, packing); // (R, C)
    }
    return normalized(ops, x);
  }

  private void requireSequences(Tensor ids) {
    if (ids.shape().rank() != 2) {
      throw new ShapeException("hidden: ids must be I32 (B, T), got " + ids);
    }
    config.requireContext(ids.dim(1));
  }

  /** What the first blocks make. */
  private Tensor blocks(Ops ops, Tensor ids, int count) {
    Tensor x = embedding.forward(ops, ids); // (B, T, C)
    x = ops.dropout(x, config.embeddingDropout());
    for (TransformerBlock block : blocks.subList(0, count)) {
      x = block.forward(ops, x); // (B, T, C)
    }
    return x;
  }

  /**
   * Computes how much each token of one sequence attends to each in a layer.
   *
   * @param ops how to compute
   * @param ids I32 (1, T), T at most the context, each in [0, V)
   * @param layer which block, from 0
   * @return (H, T, T)
   */
  AttentionWeights attentionWeights(InferenceOps ops, Tensor ids, int layer) {
    TransformerBlock block = blocks.get(layer);
    return block.attn().weights(ops, block.ln1().forward(ops, blocks(ops, ids, layer)));
  }

  /**
   * Reads tokens into a cache: what {@link #hidden} computes before the final layer norm.
   *
   * @param ops how to look tokens up
   * @param layers how to compute each layer, asked in order
   * @param cache keys and values of earlier positions, extended
   * @param batch R tokens
   * @return (R, 1, C), the input of {@link #normalized}
   */
  public Tensor decode(
      InferenceOps ops, IntFunction<InferenceOps> layers, KvCache cache, PackedBatch batch) {
    Tensor x = embedding.forward(ops, batch); // (R, 1, C)
    for (int i = 0; i < blocks.size(); i++) {
      x = blocks.get(i).forward(layers.apply(i), x, cache, i, batch); // (R, 1, C)
    }
    return x;
  }

  /**
   * Computes the final layer norm.
   *
   * @param ops how to compute
   * @param x (..., C), what the blocks made
   * @return (..., C), what a head reads
   */
  public Tensor normalized(Ops ops, Tensor x) {
    return lnF.forward(ops, x);
  }

  /**
   * Returns the token embeddings, whose weight a head may share.
   *
   * @return (V, C)
   */
  public Tensor tokenEmbeddings() {
    return embedding.tokens();
  }
}
