package jambic.train.config;

import jambic.tensor.Activation;
import jambic.train.optim.OptimizerKind;
import jambic.train.optim.WeightDecayMode;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Complete configurations of translators with a name. */
public enum TranslationPreset {
  /** A model of about a million parameters, which learns dates, numbers and names in minutes. */
  TRANSLATE_SMALL(small()),
  /** The base model of Vaswani et al. (2017), and how they trained it. */
  TRANSFORMER_BASE(base());

  private final TranslationConfig config;

  TranslationPreset(TranslationConfig config) {
    this.config = config;
  }

  /**
   * Returns the preset's hyperparameters.
   *
   * @return all of them
   */
  public TranslationConfig config() {
    return config;
  }

  /**
   * Returns the name that flags use, for example {@code translate-small}.
   *
   * @return the name
   */
  public String presetName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Finds a preset.
   *
   * @param name its {@link #presetName}
   * @return the preset, empty if there is none
   */
  public static Optional<TranslationPreset> named(String name) {
    return Arrays.stream(values()).filter(preset -> preset.presetName().equals(name)).findFirst();
  }

  private static TranslationConfig small() {
    return new TranslationConfig(
        new TranslatorSettings(
            /* encoderLayers= */ 2,
            /* decoderLayers= */ 2,
            /* heads= */ 4,
            /* width= */ 128,
            /* inner= */ 512,
            /* maxLength= */ 64,
            /* dropout= */ 0.1,
            /* attentionDropout= */ 0,
            /* activationDropout= */ 0,
            Activation.RELU,
            /* preNorm= */ false),
        new PairSettings(
            /* batchTokens= */ 1024,
            /* gradientAccumulationSteps= */ 1,
            /* labelSmoothing= */ 0.1,
            /* vocabSize= */ 2000),
        new RunSettings(
            /* maxIters= */ 3000,
            /* evalInterval= */ 500,
            /* evalIters= */ 50,
            /* alwaysSaveCheckpoint= */ true,
            /* average= */ 0),
        adam(
            /* learningRate= */ 1.5e-3,
            new ScheduleSettings(
                /* decayLr= */ true,
                ScheduleSettings.Decay.COSINE,
                /* minLr= */ 1e-5,
                /* warmupIters= */ 400,
                /* lrDecayIters= */ 3000),
            /* gradClip= */ 1),
        /* seed= */ 1337);
  }

  private static TranslationConfig base() {
    int warmup = 4000;
    int width = 512;
    return new TranslationConfig(
        new TranslatorSettings(
            /* encoderLayers= */ 6,
            /* decoderLayers= */ 6,
            /* heads= */ 8,
            width,
            /* inner= */ 2048,
            /* maxLength= */ 256,
            /* dropout= */ 0.1,
            /* attentionDropout= */ 0,
            /* activationDropout= */ 0,
            Activation.RELU,
            /* preNorm= */ false),
        new PairSettings(
            /* batchTokens= */ 2048,
            /* gradientAccumulationSteps= */ 12, // the paper's 25,000 tokens
            /* labelSmoothing= */ 0.1,
            /* vocabSize= */ 37_000),
        new RunSettings(
            /* maxIters= */ 100_000,
            /* evalInterval= */ 1000,
            /* evalIters= */ 100,
            /* alwaysSaveCheckpoint= */ true,
            /* average= */ 0),
        adam(
            /* learningRate= */ 1 / Math.sqrt((double) width * warmup), // section 5.3
            new ScheduleSettings(
                /* decayLr= */ true,
                ScheduleSettings.Decay.INVERSE_SQRT,
                /* minLr= */ 0,
                warmup,
                /* lrDecayIters= */ 100_000),
            /* gradClip= */ 0),
        /* seed= */ 1337);
  }

  private static OptimizerSettings adam(
      double learningRate, ScheduleSettings schedule, double gradClip) {
    return new OptimizerSettings(
        OptimizerKind.ADAMW,
        learningRate,
        schedule,
        /* beta1= */ 0.9,
        /* beta2= */ 0.98,
        /* eps= */ 1e-9,
        /* weightDecay= */ 0,
        WeightDecayMode.MATRICES,
        gradClip,
        OptimizerSettings.MUON_LEARNING_RATE,
        OptimizerSettings.MUON_MOMENTUM);
  }
}
