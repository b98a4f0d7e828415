package jambic.model.gpt;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.ModelConfig;
import jambic.model.io.ErrorText;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * The shape of a {@code Gpt}: everything that decides which parameters a model has and what they
 * compute.
 *
 * <p>Two families share this record. nanoGPT's and GPT-2's: GELU, tied head, biases everywhere or
 * nowhere. The lecture's: ReLU, an untied head with a bias, no bias on queries, keys and values.
 *
 * @param vocabSize number of token ids, at least 1
 * @param blockSize longest context in tokens, at least 1
 * @param nLayer number of transformer blocks, at least 1
 * @param nHead attention heads of a block, a divisor of {@code nEmbd}
 * @param nEmbd width of the residual stream
 * @param dropout probability of zeroing a branch's output in training, 0 or more and below 1
 * @param embeddingDropout the same for the embeddings, which the lecture leaves whole
 * @param activation the MLP's nonlinearity
 * @param bias whether layer norms and linear layers other than q, k, v and the head have a bias
 * @param qkvBias whether the linear layer that makes queries, keys and values has a bias
 * @param tiedHead whether the head shares the token embedding's weights
 * @param headBias whether the head has a bias
 * @param normEps what layer norms add to the variance, above 0 and at most 1
 * @param attnDropout probability of zeroing an attention weight in training, 0 or more and below 1
 * @param nInner width of the MLP's hidden layer, at least 1
 * @param scaleAttn whether scores of attention are divided by the root of the head's width
 * @param scaleAttnByLayer whether they are divided by the number of the layer too, the first being
 *     1
 */
public record GptConfig(
    int vocabSize,
    int blockSize,
    int nLayer,
    int nHead,
    int nEmbd,
    float dropout,
    float embeddingDropout,
    Activation activation,
    boolean bias,
    boolean qkvBias,
    boolean tiedHead,
    boolean headBias,
    float normEps,
    float attnDropout,
    int nInner,
    boolean scaleAttn,
    boolean scaleAttnByLayer)
    implements ModelConfig {

  /** The {@code normEps} of PyTorch, GPT-2 and nanoGPT. */
  public static final float DEFAULT_NORM_EPS = 1e-5f;

  /**
   * Checks every value.
   *
   * @throws JambicException if a value lies outside its range, or the model has more than 2^63
   *     parameters
   */
  public GptConfig {
    requirePositive("vocabSize", vocabSize);
    requirePositive("blockSize", blockSize);
    requirePositive("nLayer", nLayer);
    requirePositive("nHead", nHead);
    requirePositive("nEmbd", nEmbd);
    if (nEmbd > Integer.MAX_VALUE / 4) {
      throw new ConfigException("%s must be below 2^29, got %d", new Name("nEmbd"), nEmbd);
    }
    if (nEmbd % nHead != 0) {
      throw new ConfigException(
          "%s %d cannot be split over %d heads; use a multiple of %s",
          new Name("nEmbd"), nEmbd, nHead, new Name("nHead"));
    }
    requirePositive("nInner", nInner);
    requireProbability("dropout", dropout);
    requireProbability("attnDropout", attnDropout);
    requireProbability("embeddingDropout", embeddingDropout);
    if (!(normEps > 0 && normEps <= 1)) { // a larger one would level what is normalized
      throw new ConfigException(
          "%s must be above 0 and at most 1, got %s", new Name("normEps"), normEps);
    }
    countParameters(vocabSize, blockSize, nLayer, nEmbd, nInner, bias, qkvBias, tiedHead, headBias);
  }

  /**
   * A model as most are: attention weights are dropped as branches are, the MLP is four times as
   * wide as the residual stream, and scores are scaled by the head's width alone.
   *
   * @param vocabSize number of token ids
   * @param blockSize longest context
   * @param nLayer number of blocks
   * @param nHead attention heads of a block
   * @param nEmbd width of the residual stream
   * @param dropout of attention weights and branches
   * @param embeddingDropout of the embeddings
   * @param activation the MLP's nonlinearity
   * @param bias whether layer norms and most linear layers have a bias
   * @param qkvBias whether queries, keys and values have one
   * @param tiedHead whether the head shares the token embedding's weights
   * @param headBias whether the head has a bias
   * @param normEps what layer norms add to the variance
   * @throws JambicException as the canonical constructor
   */
  public GptConfig(
      int vocabSize,
      int blockSize,
      int nLayer,
      int nHead,
      int nEmbd,
      float dropout,
      float embeddingDropout,
      Activation activation,
      boolean bias,
      boolean qkvBias,
      boolean tiedHead,
      boolean headBias,
      float normEps) {
    this(
        vocabSize,
        blockSize,
        nLayer,
        nHead,
        nEmbd,
        dropout,
        embeddingDropout,
        activation,
        bias,
        qkvBias,
        tiedHead,
        headBias,
        normEps,
        dropout,
        usualInner(nEmbd),
        true,
        false);
  }

  /**
   * Returns how wide the MLP's hidden layer is where nothing is said of it.
   *
   * @param nEmbd width of the residual stream
   * @return four times that; 1 where that is out of range and will be refused
   */
  public static int usualInner(int nEmbd) {
    // A width out of range is refused as such.
    return nEmbd < 1 || nEmbd > Integer.MAX_VALUE / 4 ? 1 : 4 * nEmbd;
  }

  /**
   * Refuses token ids that the model does not know.
   *
   * @param ids the ids
   * @throws JambicException if one is not in [0, vocabSize)
   */
  public void requireIds(int... ids) {
    for (int id : ids) {
      if (id < 0 || id >= vocabSize) {
        throw new JambicException(
            "token id " + id + " is not in the model's vocabulary of " + vocabSize);
      }
    }
  }

  /**
   * Refuses more tokens than the model reads at once.
   *
   * @param length how many there are
   * @throws JambicException if that is more than {@code blockSize}
   */
  public void requireContext(int length) {
    if (length > blockSize) {
      throw new JambicException(
          Text.format(
              "the model's context is %s, got %d; give it the last %d",
              ErrorText.count(blockSize, "token"), length, blockSize));
    }
  }

  /**
   * Width of one attention head.
   *
   * @return {@code nEmbd / nHead}
   */
  public int headSize() {
    return nEmbd / nHead;
  }

  /**
   * What the products of queries and keys are multiplied by.
   *
   * @param layer the block, the first being 0
   * @return the scale, above 0
   */
  public float attentionScale(int layer) {
    double scale = scaleAttn ? 1 / Math.sqrt(headSize()) : 1;
    return (float) (scaleAttnByLayer ? scale / (layer + 1) : scale);
  }

  /**
   * Number of trainable scalars, position embeddings included, a tied head counted once.
   *
   * @return the count
   */
  public long parameterCount() {
    return countParameters(
        vocabSize, blockSize, nLayer, nEmbd, nInner, bias, qkvBias, tiedHead, headBias);
  }

  /**
   * This model with other dropouts.
   *
   * @param dropout the new probability for attention weights and branches
   * @param embeddingDropout the new probability for embeddings
   * @return a copy that differs in these only
   * @throws JambicException if a probability is out of range
   */
  public GptConfig withDropout(float dropout, float embeddingDropout) {
    return withDropout(dropout, dropout, embeddingDropout);
  }

  /**
   * This model with other dropouts.
   *
   * @param dropout the new probability for branches
   * @param attnDropout the new probability for attention weights
   * @param embeddingDropout the new probability for embeddings
   * @return a copy that differs in these only
   * @throws JambicException if a probability is out of range
   */
  public GptConfig withDropout(float dropout, float attnDropout, float embeddingDropout) {
    return with(
        vocabSize,
        blockSize,
        dropout,
        attnDropout,
        embeddingDropout,
        bias,
        qkvBias,
        tiedHead,
        normEps);
  }

  /**
   * This model with a head of its own, or without.
   *
   * @param tiedHead whether the head shares the token embedding's weights
   * @return a copy that differs in this only
   */
  public GptConfig withTiedHead(boolean tiedHead) {
    return with(
        vocabSize,
        blockSize,
        dropout,
        attnDropout,
        embeddingDropout,
        bias,
        qkvBias,
        tiedHead,
        normEps);
  }

  /**
   * This model as the body of another one, such as a classifier: its head for the next token adds
   * no weights.
   *
   * @return a copy whose head is tied and has no bias
   */
  public GptConfig withoutOwnHead() {
    return new GptConfig(
        vocabSize,
        blockSize,
        nLayer,
        nHead,
        nEmbd,
        dropout,
        embeddingDropout,
        activation,
        bias,
        qkvBias,
        true,
        false,
        normEps,
        attnDropout,
        nInner,
        scaleAttn,
        scaleAttnByLayer);
  }

  /**
   * This model with other biases.
   *
   * @param bias whether layer norms and most linear layers have a bias
   * @param qkvBias whether queries, keys and values have one
   * @return a copy that differs in these only
   */
  public GptConfig withBias(boolean bias, boolean qkvBias) {
    return with(
        vocabSize,
        blockSize,
        dropout,
        attnDropout,
        embeddingDropout,
        bias,
        qkvBias,
        tiedHead,
        normEps);
  }

  /**
   * This model with layer norms that add something else to the variance.
   *
   * @param normEps the new addend
   * @return a copy that differs in {@code normEps} only
   * @throws JambicException if it is out of range
   */
  public GptConfig withNormEps(float normEps) {
    return with(
        vocabSize,
        blockSize,
        dropout,
        attnDropout,
        embeddingDropout,
        bias,
        qkvBias,
        tiedHead,
        normEps);
  }

  /**
   * This model with another vocabulary.
   *
   * @param vocabSize the new number of token ids
   * @return a copy that differs in {@code vocabSize} only
   * @throws JambicException if the size is not positive
   */
  public GptConfig withVocabSize(int vocabSize) {
    return with(
        vocabSize,
        blockSize,
        dropout,
        attnDropout,
        embeddingDropout,
        bias,
        qkvBias,
        tiedHead,
        normEps);
  }

  /**
   * This model with another context length.
   *
   * @param blockSize the new longest context in tokens
   * @return a copy that differs in {@code blockSize} only
   * @throws JambicException if the length is not positive
   */
  public GptConfig withBlockSize(int blockSize) {
    return with(
        vocabSize,
        blockSize,
        dropout,
        attnDropout,
        embeddingDropout,
        bias,
        qkvBias,
        tiedHead,
        normEps);
  }

  private GptConfig with(
      int vocabSize,
      int blockSize,
      float dropout,
      float attnDropout,
      float embeddingDropout,
      boolean bias,
      boolean qkvBias,
      boolean tiedHead,
      float normEps) {
    return new GptConfig(
        vocabSize,
        blockSize,
        nLayer,
        nHead,
        nEmbd,
        dropout,
        embeddingDropout,
        activation,
        bias,
        qkvBias,
        tiedHead,
        headBias,
        normEps,
        attnDropout,
        nInner,
        scaleAttn,
        scaleAttnByLayer);
  }

  private static void requireProbability(String name, float value) {
    if (!(value >= 0 && value < 1)) {
      throw new ConfigException("%s must be 0 or more and below 1, got %s", new Name(name), value);
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new ConfigException("%s must be at least 1, got %d", new Name(name), value);
    }
  }

  private static long countParameters(
      long vocabSize,
      long blockSize,
      long nLayer,
      long nEmbd,
      long nInner,
      boolean bias,
      boolean qkvBias,
      boolean tiedHead,
      boolean headBias) {
    long norm = bias ? 2 * nEmbd : nEmbd;
    try {
      // qkv 3, proj 1; fc and mlp proj. Both below 2^62: nEmbd is below 2^29 and nInner an int.
      long matrices = Math.addExact(4 * nEmbd * nEmbd, 2 * nEmbd * nInner);
      long biases = (qkvBias ? 3 * nEmbd : 0) + (bias ? 2 * nEmbd + nInner : 0);
      long block = Math.addExact(matrices, 2 * norm + biases);
      long embeddings = (vocabSize + blockSize) * nEmbd;
      long head = (tiedHead ? 0 : vocabSize * nEmbd) + (headBias ? vocabSize : 0);
      long total = Math.multiplyExact(nLayer, block);
      return Math.addExact(total, Math.addExact(embeddings, Math.addExact(head, norm)));
    } catch (ArithmeticException overflow) {
      throw new ConfigException(
          "%s %d and %s %d make more than 2^63 parameters",
          new Name("nLayer"), nLayer, new Name("nEmbd"), nEmbd);
    }
  }
}
