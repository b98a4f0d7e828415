package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.model.nn.SinusoidalPositions;
import jambic.model.text.TranslationTokens;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.Activation;

/**
 * The shape of a translator.
 *
 * @param encoderLayers blocks of the encoder
 * @param decoderLayers blocks of the decoder
 * @param heads attention heads of a block, a divisor of {@code width}
 * @param width of the residual stream
 * @param inner width of the feed-forward layers
 * @param maxLength longest source or target in tokens
 * @param dropout of branches and embeddings
 * @param attentionDropout of attention weights
 * @param activationDropout inside feed-forward layers
 * @param activation the nonlinearity
 * @param preNorm whether layer norms come before their branch
 */
public record TranslatorSettings(
    @Hyperparameter("blocks of the encoder") int encoderLayers,
    @Hyperparameter("blocks of the decoder") int decoderLayers,
    @Hyperparameter("attention heads of a block") int heads,
    @Hyperparameter("width of the residual stream") int width,
    @Hyperparameter("width of the feed-forward layers") int inner,
    @Hyperparameter("longest source or target in tokens; longer pairs are left out") int maxLength,
    @Hyperparameter("probability to drop elements of branches and embeddings") double dropout,
    @Hyperparameter("probability to drop attention weights") double attentionDropout,
    @Hyperparameter("probability to drop elements inside feed-forward layers")
        double activationDropout,
    @Hyperparameter("the nonlinearity: relu, gelu-erf, gelu-tanh or silu") Activation activation,
    @Hyperparameter("whether layer norms come before their branch") boolean preNorm) {

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range
   */
  public TranslatorSettings {
    Bounds.atLeast("encoderLayers", encoderLayers, 1);
    Bounds.atLeast("decoderLayers", decoderLayers, 1);
    Bounds.atLeast("heads", heads, 1);
    Bounds.atLeast("width", width, 1);
    Bounds.atLeast("inner", inner, 1);
    Bounds.atLeast("maxLength", maxLength, 2);
    Bounds.inUnitInterval("dropout", dropout);
    Bounds.inUnitInterval("attentionDropout", attentionDropout);
    Bounds.inUnitInterval("activationDropout", activationDropout);
    Bounds.check(
        width % heads == 0,
        "%s (%d) must be a multiple of %s (%d)",
        new Name("width"),
        width,
        new Name("heads"),
        heads);
  }

  /**
   * Returns the model's shape.
   *
   * @param vocabSize the number of token ids
   * @return the shape
   * @throws jambic.model.ConfigException if the vocabulary is too small
   */
  public TranslatorConfig translator(int vocabSize) {
    return new TranslatorConfig(
        vocabSize,
        maxLength,
        encoderLayers,
        decoderLayers,
        heads,
        heads,
        width,
        inner,
        inner,
        activation,
        (float) dropout,
        (float) attentionDropout,
        (float) activationDropout,
        preNorm,
        /* scaleEmbedding= */ true,
        /* logitsBias= */ false,
        SinusoidalPositions.MARIAN,
        TranslationTokens.ALL.indexOf(TranslationTokens.PAD),
        TranslationTokens.ALL.indexOf(TranslationTokens.START),
        TranslationTokens.ALL.indexOf(TranslationTokens.END));
  }
}
