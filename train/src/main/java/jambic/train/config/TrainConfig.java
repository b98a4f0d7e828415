package jambic.train.config;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.ErrorText;
import jambic.model.nn.Initializer;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.Parameters;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.optim.AdamW;
import jambic.train.optim.GradientClip;
import jambic.train.optim.LearningRateSchedule;
import jambic.train.optim.Muon;
import jambic.train.optim.Optimizer;
import jambic.train.optim.OptimizerKind;
import jambic.train.optim.WeightDecayMode;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Every hyperparameter of a run, by nanoGPT's names. {@link Preset} has complete ones; {@link
 * #with} changes one at a time.
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
 * @param batchSize windows in a micro batch
 * @param gradientAccumulationSteps micro batches behind one update
 * @param maxIters updates of the whole run
 * @param evalInterval updates from one evaluation to the next
 * @param evalIters batches of each split in an evaluation
 * @param alwaysSaveCheckpoint whether every evaluation saves; else only one with a lower validation
 *     loss than before does, and a stop
 * @param optimizer what updates the parameters
 * @param learningRate the learning rate, or its peak where it decays
 * @param decayLr whether the rate warms up and then falls on a cosine; else it is constant
 * @param minLr what the rate falls to
 * @param warmupIters updates of linear warm-up
 * @param lrDecayIters the update at which the rate has fallen to {@code minLr}
 * @param beta1 AdamW's decay of the gradient's mean
 * @param beta2 AdamW's decay of the gradient's mean square
 * @param eps AdamW's guard against division by zero
 * @param weightDecay decoupled weight decay
 * @param decayOn which parameters decay
 * @param gradClip largest global L2 norm of the gradient; 0 for no limit
 * @param muonLearningRate Muon's learning rate where AdamW's is {@code learningRate}; it follows
 *     the same schedule
 * @param muonMomentum Muon's decay of the gradient's mean
 * @param freeze parts of the model that keep their weights, as {@code wte,h.0-5}, or {@code none}
 * @param loraRank rank of adapters (LoRA) that are trained in place of the model's weights; 0 for
 *     none
 * @param loraAlpha the adapters' scale times their rank
 * @param loraTargets linear layers that have adapters, as {@code c_attn,c_proj}
 * @param seed what makes weights, batches and dropout these and no others
 */
public record TrainConfig(
    int nLayer,
    int nHead,
    int nEmbd,
    int blockSize,
    double dropout,
    boolean embdDropout,
    Activation activation,
    boolean bias,
    boolean qkvBias,
    boolean tiedHead,
    boolean headBias,
    double initStd,
    boolean scaledResidualInit,
    int batchSize,
    int gradientAccumulationSteps,
    int maxIters,
    int evalInterval,
    int evalIters,
    boolean alwaysSaveCheckpoint,
    OptimizerKind optimizer,
    double learningRate,
    boolean decayLr,
    double minLr,
    int warmupIters,
    int lrDecayIters,
    double beta1,
    double beta2,
    double eps,
    double weightDecay,
    WeightDecayMode decayOn,
    double gradClip,
    double muonLearningRate,
    double muonMomentum,
    String freeze,
    int loraRank,
    double loraAlpha,
    String loraTargets,
    long seed) {

  /** What every preset has. */
  static final double MUON_LEARNING_RATE = 0.02;

  /** What every preset has. */
  static final double MUON_MOMENTUM = 0.95;

  /** What runs did before there was a choice; their recorded configurations lack these. */
  private static final Map<String, Object> FORMER =
      Map.of(
          "alwaysSaveCheckpoint",
          true,
          "optimizer",
          OptimizerKind.ADAMW,
          "muonLearningRate",
          MUON_LEARNING_RATE,
          "muonMomentum",
          MUON_MOMENTUM,
          "freeze",
          FrozenParameters.NONE,
          "loraRank",
          0,
          "loraAlpha",
          16,
          "loraTargets",
          "c_attn");

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range, naming it and its range
   */
  public TrainConfig {
    atLeast("nLayer", nLayer, 1);
    atLeast("nHead", nHead, 1);
    atLeast("nEmbd", nEmbd, 1);
    atLeast("blockSize", blockSize, 1);
    atLeast("batchSize", batchSize, 1);
    atLeast("gradientAccumulationSteps", gradientAccumulationSteps, 1);
    atLeast("maxIters", maxIters, 1);
    atLeast("evalInterval", evalInterval, 1);
    atLeast("evalIters", evalIters, 1);
    atLeast("warmupIters", warmupIters, 0);
    check(
        nEmbd % nHead == 0,
        "nEmbd (%d) must be divisible by nHead (%d), so that every head is equally wide",
        nEmbd,
        nHead);
    check(nEmbd <= Integer.MAX_VALUE / 4, "nEmbd must be below 2^29, not %d", nEmbd);
    check(
        (long) batchSize * blockSize <= Integer.MAX_VALUE,
        "batchSize (%d) times blockSize (%d) must stay below 2^31 tokens",
        batchSize,
        blockSize);
    inUnitInterval("dropout", dropout);
    inUnitInterval("beta1", beta1);
    inUnitInterval("beta2", beta2);
    finiteAndPositive("learningRate", learningRate);
    finiteAndPositive("eps", eps);
    finiteAndPositive("initStd", initStd);
    finiteAndNotNegative("minLr", minLr);
    finiteAndNotNegative("weightDecay", weightDecay);
    finiteAndNotNegative("gradClip", gradClip);
    finiteAndPositive("muonLearningRate", muonLearningRate);
    inUnitInterval("muonMomentum", muonMomentum);
    if (optimizer != OptimizerKind.MUON) {
      onlyForMuon("muonLearningRate", muonLearningRate, MUON_LEARNING_RATE);
      onlyForMuon("muonMomentum", muonMomentum, MUON_MOMENTUM);
    }
    atLeast("loraRank", loraRank, 0);
    finiteAndPositive("loraAlpha", loraAlpha);
    check(
        loraRank == 0 || freeze.equals(FrozenParameters.NONE),
        "freeze (%s) must be none with a loraRank, which leaves all of the model as it is",
        freeze);
    check(
        loraRank <= nEmbd,
        "loraRank (%d) must not exceed nEmbd (%d): the weights themselves are no larger",
        loraRank,
        nEmbd);
    if (loraRank > 0) {
      try {
        adapters(loraRank, loraAlpha, loraTargets, Path.of(""));
      } catch (JambicException e) { // says what is wrong with the targets
        throw new HyperparameterException("loraTargets: " + e.getMessage(), e);
      }
    }
    check(
        !decayLr || minLr <= learningRate,
        "minLr (%s) must not exceed learningRate (%s)",
        minLr,
        learningRate);
    check(
        !decayLr || lrDecayIters >= warmupIters,
        "lrDecayIters (%d) must be at least warmupIters (%d)",
        lrDecayIters,
        warmupIters);
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
   * @return the initialization
   */
  public Initializer init() {
    return new Initializer((float) initStd, scaledResidualInit, seed);
  }

  /**
   * The adapters that are trained in place of the model's own weights.
   *
   * @param base folder of the model
   * @return them, empty if the model itself is trained
   */
  public Optional<LoraConfig> lora(Path base) {
    return loraRank == 0
        ? Optional.empty()
        : Optional.of(adapters(loraRank, loraAlpha, loraTargets, base));
  }

  private static LoraConfig adapters(int rank, double alpha, String targets, Path base) {
    List<String> names = Arrays.stream(targets.split(",")).map(String::strip).toList();
    return new LoraConfig(rank, (float) alpha, names, base);
  }

  /**
   * Whether all of the model's weights are trained.
   *
   * @return whether nothing is frozen
   */
  public boolean trainsAll() {
    return loraRank == 0 && freeze.equals(FrozenParameters.NONE);
  }

  /**
   * The learning rates of the run.
   *
   * @return the schedule
   */
  public LearningRateSchedule schedule() {
    return decayLr
        ? new LearningRateSchedule.WarmupCosine(learningRate, minLr, warmupIters, lrDecayIters)
        : new LearningRateSchedule.Constant(learningRate);
  }

  /**
   * Gives gradients to what a run trains: the adapters, or the weights that are not frozen.
   *
   * @param model the model
   * @param gradients where they live
   * @return the parameters among which the trained ones are
   * @throws HyperparameterException if there are to be adapters and the model has none, or a frozen
   *     part is none of the model's
   */
  public Parameters train(Gpt model, Region gradients) {
    if (loraRank > 0) {
      if (model.lora().isEmpty()) {
        throw new HyperparameterException(
            "loraRank is for a model that is there already; name it with --init");
      }
      model.adapters().train(gradients);
      return model.adapters();
    }
    FrozenParameters frozen = FrozenParameters.of(freeze);
    frozen.requireIn(model.parameters().byName().keySet());
    model.parameters().train(gradients, name -> !frozen.covers(name));
    return model.parameters();
  }

  /**
   * Makes the optimizer of the run.
   *
   * @param backend where it computes
   * @param region where its state lives
   * @param parameters what it updates, by name: of these, those that have gradients
   * @param clipFactor (1): what gradients are multiplied by, {@link GradientClip#factor}
   * @return the optimizer, its state at the beginning
   */
  public Optimizer optimizer(
      Backend backend, Region region, Map<String, Tensor> parameters, Tensor clipFactor) {
    AdamW.Settings adamW = new AdamW.Settings(beta1, beta2, eps, weightDecay, decayOn);
    return switch (optimizer) {
      case ADAMW -> new AdamW(backend, region, parameters, adamW, clipFactor);
      case MUON -> {
        Muon.Settings muon =
            new Muon.Settings(muonLearningRate, learningRate, muonMomentum, weightDecay);
        yield new Muon(backend, region, parameters, muon, adamW, clipFactor);
      }
    };
  }

  /**
   * The tokens behind one update.
   *
   * @return windows times context times accumulation steps
   */
  public long tokensPerIter() {
    return (long) batchSize * blockSize * gradientAccumulationSteps;
  }

  /**
   * The names of all hyperparameters, in the order of the record.
   *
   * @return the names
   */
  public static List<String> names() {
    return Arrays.stream(TrainConfig.class.getRecordComponents())
        .map(RecordComponent::getName)
        .toList();
  }

  /**
   * A copy with one value changed.
   *
   * @param name the hyperparameter, as in this record
   * @param value its value, or that value as text
   * @return the changed copy
   * @throws HyperparameterException if there is no such hyperparameter (naming the nearest one), or
   *     the value is of the wrong type or out of range
   */
  public TrainConfig with(String name, Object value) {
    return withAll(Map.of(name, value));
  }

  /**
   * A copy with several values changed at once, checked only together.
   *
   * @param values new values, or texts of them, by name
   * @return the changed copy
   * @throws HyperparameterException as {@link #with}
   */
  public TrainConfig withAll(Map<String, ?> values) {
    Map<String, Object> all = toMap();
    values.forEach((name, value) -> {
      requireName(name);
      all.put(name, value);
    });
    return fromMap(all);
  }

  /**
   * Writes the configuration as JSON.
   *
   * @return an object with every hyperparameter by name
   */
  public String toJson() {
    try {
      return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(toMap()) + "\n";
    } catch (IOException e) {
      throw new IllegalStateException("numbers and strings always have JSON", e);
    }
  }

  /**
   * Reads what {@link #toJson} wrote.
   *
   * @param json the text
   * @param name what error messages call it, usually its file
   * @return the configuration
   * @throws JambicException if it is not JSON, or a hyperparameter is unknown, missing or wrong
   */
  public static TrainConfig fromJson(String json, String name) {
    try {
      Map<String, Object> all = new LinkedHashMap<>(FORMER);
      all.putAll(JSON.std.mapFrom(json));
      return fromMap(all);
    } catch (IOException e) {
      throw new JambicException(
          Text.format("%s is not JSON: %s", name, ErrorText.complaint(e.getMessage())), e);
    } catch (JambicException e) {
      throw new JambicException(name + ": " + e.getMessage(), e);
    }
  }

  /**
   * All values by name, in the order of the record; choices as the text that flags use.
   *
   * @return a fresh map
   */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    for (RecordComponent component : TrainConfig.class.getRecordComponents()) {
      try {
        Object value = component.getAccessor().invoke(this);
        map.put(component.getName(), value instanceof Enum<?> e ? text(e) : value);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("a record reads its own components", e);
      }
    }
    return map;
  }

  private static TrainConfig fromMap(Map<String, Object> map) {
    map.keySet().forEach(TrainConfig::requireName);
    RecordComponent[] components = TrainConfig.class.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      String name = components[i].getName();
      types[i] = components[i].getType();
      check(map.get(name) != null, "%s has no value", name);
      values[i] = parse(name, types[i], map.get(name).toString());
    }
    try {
      return TrainConfig.class.getDeclaredConstructor(types).newInstance(values);
    } catch (InvocationTargetException e) {
      throw (RuntimeException) e.getCause(); // the constructor above throws no checked exception
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("a record has its canonical constructor", e);
    }
  }

  private static Object parse(String name, Class<?> type, String text) {
    if (type == String.class) {
      return text;
    }
    try {
      if (type == int.class) {
        return Integer.valueOf(text);
      }
      if (type == long.class) {
        return Long.valueOf(text);
      }
      if (type == double.class) {
        return Double.valueOf(text);
      }
    } catch (NumberFormatException e) {
      String kind = type == double.class ? "number" : "whole number of %d bits";
      int bits = type == int.class ? Integer.SIZE : Long.SIZE;
      throw new HyperparameterException(
          Text.format("%s must be a %s, not \"%s\"", name, Text.format(kind, bits), text), e);
    }
    List<?> choices =
        type == boolean.class ? List.of(true, false) : List.of(type.getEnumConstants());
    return choices.stream()
        .filter(choice -> text(choice).equalsIgnoreCase(text.strip()))
        .findFirst()
        .orElseThrow(() ->
            new HyperparameterException(
                Text.format(
                    "%s must be one of %s, not \"%s\"",
                    name, choices.stream().map(TrainConfig::text).toList(), text)));
  }

  /**
   * A choice as flags and JSON spell it: {@code GELU_ERF} is {@code gelu-erf}.
   *
   * @param choice a constant of one of the choices
   * @return its name
   */
  public static String text(Object choice) {
    return choice.toString().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static void requireName(String name) {
    if (!names().contains(name)) {
      throw new HyperparameterException(
          "there is no hyperparameter " + name + NearestName.choice(name, names()));
    }
  }

  private static void atLeast(String name, int value, int least) {
    check(value >= least, "%s must be at least %d, not %d", name, least, value);
  }

  private static void inUnitInterval(String name, double value) {
    check(value >= 0 && value < 1, "%s must be at least 0 and below 1, not %s", name, value);
    check((float) value < 1, "%s must be at most %s, not %s", name, Math.nextDown(1f), value);
  }

  private static void finiteAndPositive(String name, double value) {
    check(value > 0, "%s must be above 0, not %s", name, value);
    fits(name, value);
    check((float) value > 0, "%s must be at least %s, not %s", name, Float.MIN_VALUE, value);
  }

  private static void onlyForMuon(String name, double value, double usual) {
    check(value == usual, "%s (%s) needs optimizer muon; adamw does not read it", name, value);
  }

  /** Kernels compute in 32 bits. */
  private static void fits(String name, double value) {
    check(
        (float) value < Float.POSITIVE_INFINITY,
        "%s must be finite, at most %s, not %s",
        name,
        Float.MAX_VALUE,
        value);
  }

  private static void finiteAndNotNegative(String name, double value) {
    check(value >= 0, "%s must be at least 0, not %s", name, value);
    fits(name, value);
  }

  private static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new HyperparameterException(Text.format(message, arguments));
    }
  }
}
