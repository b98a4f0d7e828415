package jambic.train.config;

import jambic.tensor.Activation;
import jambic.train.optim.OptimizerKind;
import jambic.train.optim.WeightDecayMode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Complete configurations with a name: the lecture's two sizes, nanoGPT's two, and its fine-tuning.
 */
public enum Preset {
  /** The lecture's small model, 32 channels wide: seconds to train, a laptop's first try. */
  LECTURE_SMALL(lecture().withAll(lectureSmall())),
  /** The lecture's big model: 10.8 million parameters on 65 characters. */
  LECTURE(lecture()),
  /** nanoGPT's {@code config/train_shakespeare_char.py}. */
  SHAKESPEARE_CHAR(shakespeareChar()),
  /** The variant of it that nanoGPT's README gives for a machine without a GPU. */
  SHAKESPEARE_CHAR_CPU(shakespeareChar().withAll(onCpu())),
  /** nanoGPT's {@code config/finetune_shakespeare.py}: a few updates of a released GPT-2. */
  FINETUNE_SHAKESPEARE(finetuneShakespeare(), "gpt2-xl");

  private final TrainConfig config;
  private final Optional<String> init;

  Preset(TrainConfig config) {
    this.config = config;
    this.init = Optional.empty();
  }

  Preset(TrainConfig config, String init) {
    this.config = config;
    this.init = Optional.of(init);
  }

  /**
   * The released model that training begins with where no other is named.
   *
   * @return its name, empty if training begins with random weights
   */
  public Optional<String> init() {
    return init;
  }

  /**
   * The preset's hyperparameters.
   *
   * @return all of them
   */
  public TrainConfig config() {
    return config;
  }

  /**
   * The name that flags use, for example {@code shakespeare-char}.
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
   * @return the preset
   * @throws HyperparameterException if there is none, naming the nearest one
   */
  public static Preset named(String name) {
    List<String> names = Arrays.stream(values()).map(Preset::presetName).toList();
    int index = names.indexOf(name);
    if (index < 0) {
      throw new HyperparameterException(
          "there is no preset %s%s", name, NearestName.choice(name, names));
    }
    return values()[index];
  }

  private static TrainConfig lecture() {
    return new TrainConfig(
        new GptSettings(
            /* nLayer= */ 6,
            /* nHead= */ 6,
            /* nEmbd= */ 384,
            /* blockSize= */ 256,
            /* dropout= */ 0.2,
            /* embdDropout= */ false,
            Activation.RELU,
            /* bias= */ true,
            /* qkvBias= */ false,
            /* tiedHead= */ false,
            /* headBias= */ true,
            /* initStd= */ 0.02,
            /* scaledResidualInit= */ false),
        new BatchSettings(/* batchSize= */ 64, /* gradientAccumulationSteps= */ 1),
        new RunSettings(
            /* maxIters= */ 5000,
            /* evalInterval= */ 500,
            /* evalIters= */ 200,
            /* alwaysSaveCheckpoint= */ true,
            /* average= */ 0),
        new OptimizerSettings(
            OptimizerKind.ADAMW,
            /* learningRate= */ 3e-4,
            new ScheduleSettings(
                /* decayLr= */ false,
                ScheduleSettings.Decay.COSINE,
                /* minLr= */ 3e-5,
                /* warmupIters= */ 0,
                /* lrDecayIters= */ 5000),
            /* beta1= */ 0.9,
            /* beta2= */ 0.999,
            /* eps= */ 1e-8,
            /* weightDecay= */ 0.01,
            WeightDecayMode.ALL,
            /* gradClip= */ 0,
            OptimizerSettings.MUON_LEARNING_RATE,
            OptimizerSettings.MUON_MOMENTUM),
        TuningSettings.ALL,
        /* seed= */ 1337);
  }

  private static Map<String, Object> lectureSmall() {
    return Map.of(
        "nLayer", 3,
        "nHead", 4,
        "nEmbd", 32,
        "blockSize", 8,
        "dropout", 0.0,
        "batchSize", 32,
        "learningRate", 1e-3);
  }

  private static TrainConfig shakespeareChar() {
    return new TrainConfig(
        new GptSettings(
            /* nLayer= */ 6,
            /* nHead= */ 6,
            /* nEmbd= */ 384,
            /* blockSize= */ 256,
            /* dropout= */ 0.2,
            /* embdDropout= */ true,
            Activation.GELU_ERF,
            /* bias= */ false,
            /* qkvBias= */ false,
            /* tiedHead= */ true,
            /* headBias= */ false,
            /* initStd= */ 0.02,
            /* scaledResidualInit= */ true),
        new BatchSettings(/* batchSize= */ 64, /* gradientAccumulationSteps= */ 1),
        new RunSettings(
            /* maxIters= */ 5000,
            /* evalInterval= */ 250,
            /* evalIters= */ 200,
            /* alwaysSaveCheckpoint= */ true,
            /* average= */ 0),
        new OptimizerSettings(
            OptimizerKind.ADAMW,
            /* learningRate= */ 1e-3,
            new ScheduleSettings(
                /* decayLr= */ true,
                ScheduleSettings.Decay.COSINE,
                /* minLr= */ 1e-4,
                /* warmupIters= */ 100,
                /* lrDecayIters= */ 5000),
            /* beta1= */ 0.9,
            /* beta2= */ 0.99,
            /* eps= */ 1e-8,
            /* weightDecay= */ 0.1,
            WeightDecayMode.MATRICES,
            /* gradClip= */ 1,
            OptimizerSettings.MUON_LEARNING_RATE,
            OptimizerSettings.MUON_MOMENTUM),
        TuningSettings.ALL,
        /* seed= */ 1337);
  }

  private static Map<String, Object> onCpu() {
    return Map.of(
        "nLayer", 4,
        "nHead", 4,
        "nEmbd", 128,
        "blockSize", 64,
        "dropout", 0.0,
        "batchSize", 12,
        "evalIters", 20,
        "maxIters", 2000,
        "lrDecayIters", 2000);
  }

  /** What that file leaves out is from nanoGPT's {@code train.py} and the shape of GPT-2 XL. */
  private static TrainConfig finetuneShakespeare() {
    return new TrainConfig(
        new GptSettings(
            /* nLayer= */ 48,
            /* nHead= */ 25,
            /* nEmbd= */ 1600,
            /* blockSize= */ 1024,
            /* dropout= */ 0,
            /* embdDropout= */ true,
            Activation.GELU_TANH,
            /* bias= */ true,
            /* qkvBias= */ true,
            /* tiedHead= */ true,
            /* headBias= */ false,
            /* initStd= */ 0.02,
            /* scaledResidualInit= */ true),
        new BatchSettings(/* batchSize= */ 1, /* gradientAccumulationSteps= */ 32),
        new RunSettings(
            /* maxIters= */ 20,
            /* evalInterval= */ 5,
            /* evalIters= */ 40,
            /* alwaysSaveCheckpoint= */ false,
            /* average= */ 0),
        new OptimizerSettings(
            OptimizerKind.ADAMW,
            /* learningRate= */ 3e-5,
            new ScheduleSettings(
                /* decayLr= */ false,
                ScheduleSettings.Decay.COSINE,
                /* minLr= */ 6e-5,
                /* warmupIters= */ 2000,
                /* lrDecayIters= */ 600_000),
            /* beta1= */ 0.9,
            /* beta2= */ 0.95,
            /* eps= */ 1e-8,
            /* weightDecay= */ 0.1,
            WeightDecayMode.MATRICES,
            /* gradClip= */ 1,
            OptimizerSettings.MUON_LEARNING_RATE,
            OptimizerSettings.MUON_MOMENTUM),
        TuningSettings.ALL,
        /* seed= */ 1337);
  }
}
