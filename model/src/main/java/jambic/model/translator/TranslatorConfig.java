package jambic.model.translator;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.ModelConfig;
import jambic.model.io.ErrorText;
import jambic.model.nn.SinusoidalPositions;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * The shape of a {@code Translator}, and the tokens that it cannot do without. The paper's base
 * model (Vaswani et al., 2017) has 6 layers on either side, 8 heads, a width of 512, 2048 inside,
 * ReLU and {@code preNorm} false.
 *
 * @param vocabSize number of token ids, which both languages share, at least 1
 * @param maxLength longest source or target in tokens, at least 1
 * @param encoderLayers blocks of the encoder, at least 1
 * @param decoderLayers blocks of the decoder, at least 1
 * @param encoderHeads attention heads of a block of the encoder, a divisor of {@code width}
 * @param decoderHeads the same of the decoder
 * @param width of the residual stream
 * @param encoderInner width of the feed-forward layers of the encoder, at least 1
 * @param decoderInner the same of the decoder
 * @param activation the nonlinearity of feed-forward layers
 * @param dropout probability of zeroing a branch's output, or an element of the embeddings, in
 *     training, 0 or more and below 1
 * @param attentionDropout the same for attention weights
 * @param activationDropout the same inside feed-forward layers
 * @param preNorm whether layer norms come before their branch, and one behind either side
 * @param scaleEmbedding whether token embeddings are multiplied by the root of the width
 * @param logitsBias whether a bias is added to logits, which is not trained
 * @param positions how positions are computed
 * @param padToken fills sequences up; never chosen
 * @param startToken begins a target
 * @param endToken ends a source and a target
 */
public record TranslatorConfig(
    int vocabSize,
    int maxLength,
    int encoderLayers,
    int decoderLayers,
    int encoderHeads,
    int decoderHeads,
    int width,
    int encoderInner,
    int decoderInner,
    Activation activation,
    float dropout,
    float attentionDropout,
    float activationDropout,
    boolean preNorm,
    boolean scaleEmbedding,
    boolean logitsBias,
    SinusoidalPositions positions,
    int padToken,
    int startToken,
    int endToken)
    implements ModelConfig {
  /** What layer norms add to the variance. */
  static final float NORM_EPS = 1e-5f;

  /**
   * Checks every value.
   *
   * @throws JambicException if a value lies outside its range
   */
  public TranslatorConfig {
    requirePositive("vocabSize", vocabSize);
    requirePositive("maxLength", maxLength);
    requirePositive("encoderLayers", encoderLayers);
    requirePositive("decoderLayers", decoderLayers);
    requirePositive("encoderHeads", encoderHeads);
    requirePositive("decoderHeads", decoderHeads);
    requirePositive("width", width);
    requirePositive("encoderInner", encoderInner);
    requirePositive("decoderInner", decoderInner);
    if (width > Integer.MAX_VALUE / 4) {
      throw new ConfigException("%s must be below 2^29, got %d", new Name("width"), width);
    }
    requireDivisor("encoderHeads", encoderHeads, width);
    requireDivisor("decoderHeads", decoderHeads, width);
    requireProbability("dropout", dropout);
    requireProbability("attentionDropout", attentionDropout);
    requireProbability("activationDropout", activationDropout);
    requireToken("padToken", padToken, vocabSize);
    requireToken("startToken", startToken, vocabSize);
    requireToken("endToken", endToken, vocabSize);
    if (endToken == startToken || endToken == padToken) {
      throw new ConfigException(
          "%s is %d, which also starts or fills sequences; it needs an id of its own",
          new Name("endToken"), endToken);
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new ConfigException("%s must be at least 1, got %d", new Name(name), value);
    }
  }

  private static void requireDivisor(String name, int heads, int width) {
    if (width % heads != 0) {
      throw new ConfigException(
          "%s %d cannot be split over %d heads; use a multiple of %s",
          new Name("width"), width, heads, new Name(name));
    }
  }

  private static void requireProbability(String name, float value) {
    if (!(value >= 0 && value < 1)) {
      throw new ConfigException("%s must be at least 0 and below 1, got %s", new Name(name), value);
    }
  }

  private static void requireToken(String name, int id, int vocabSize) {
    if (id < 0 || id >= vocabSize) {
      throw new ConfigException(
          "%s is %d, which the vocabulary of %d tokens does not have",
          new Name(name), id, vocabSize);
    }
  }

  /**
   * Counts the weights that are trained. Positions are computed, and the bias of the logits stays
   * what it is.
   *
   * @return how many numbers they are
   */
  public long parameterCount() {
    long c = width;
    long attention = 4 * (c * c + c);
    long norm = 2 * c;
    long encoder = attention + feedForward(encoderInner) + 2 * norm;
    long decoder = 2 * attention + feedForward(decoderInner) + 3 * norm;
    return vocabSize * c
        + encoderLayers * encoder
        + decoderLayers * decoder
        + (preNorm ? 2 * norm : 0);
  }

  private long feedForward(long inner) {
    return 2L * width * inner + inner + width;
  }

  /**
   * Refuses more tokens than the model reads or writes at once.
   *
   * @param length how many there are
   * @throws JambicException if that is more than {@code maxLength}
   */
  public void requireLength(int length) {
    if (length > maxLength) {
      throw new JambicException(
          Text.format(
              "the model reads at most %s, got %d; split the text",
              ErrorText.count(maxLength, "token"), length));
    }
  }

  /**
   * Returns this model with other dropouts.
   *
   * @param dropout the new probability for branches and embeddings
   * @param attentionDropout the new probability for attention weights
   * @param activationDropout the new probability inside feed-forward layers
   * @return a copy that differs in these only
   * @throws JambicException if a probability is out of range
   */
  public TranslatorConfig withDropout(
      float dropout, float attentionDropout, float activationDropout) {
    return with(dropout, attentionDropout, activationDropout, logitsBias);
  }

  /**
   * Returns this model with or without a bias of its logits.
   *
   * @param logitsBias whether it has one
   * @return a copy that differs in this only
   */
  public TranslatorConfig withLogitsBias(boolean logitsBias) {
    return with(dropout, attentionDropout, activationDropout, logitsBias);
  }

  private TranslatorConfig with(
      float dropout, float attentionDropout, float activationDropout, boolean logitsBias) {
    return new TranslatorConfig(
        vocabSize,
        maxLength,
        encoderLayers,
        decoderLayers,
        encoderHeads,
        decoderHeads,
        width,
        encoderInner,
        decoderInner,
        activation,
        dropout,
        attentionDropout,
        activationDropout,
        preNorm,
        scaleEmbedding,
        logitsBias,
        positions,
        padToken,
        startToken,
        endToken);
  }
}
