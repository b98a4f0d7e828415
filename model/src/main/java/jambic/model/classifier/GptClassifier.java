package jambic.model.classifier;

import jambic.model.Model;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.Gpt2Config;
import jambic.model.gpt.GptBody;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.nn.LayerFactory;
import jambic.model.nn.Linear;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A GPT with a head for labels: a linear layer without a bias on the state of a text's last token,
 * as transformers' {@code GPT2ForSequenceClassification}; with one label a reward model, or on the
 * states of all tokens a value model. Shapes: B texts, T tokens each, C = nEmbd.
 */
public final class GptClassifier implements Model {
  /** How a classifier is stored. */
  public static final ModelFormat<ClassifierConfig, GptClassifier> FORMAT = new ClassifierFormat();

  /** A stream of Philox apart from those of a GPT's own weights and adapters. */
  private static final int SCORE_STREAM = 1 << 25;

  private final ClassifierConfig config;
  private final Backend backend;
  private final Region region;
  private final Parameters parameters;
  private final Parameters adapters;
  private final GptBody body;
  private final Linear score;
  private volatile boolean closed;

  /**
   * Makes a model with undefined weights: set every one before use, as a checkpoint does.
   *
   * @param backend where it computes
   * @param config its shape
   */
  public GptClassifier(Backend backend, ClassifierConfig config) {
    this.backend = backend;
    this.config = config;
    region = backend.region();
    parameters = new Parameters(region);
    adapters = new Parameters(region);
    LayerFactory layers = new LayerFactory(parameters, false, Optional.empty(), adapters);
    body = new GptBody(layers, config.body());
    score = layers.linear("score", config.labels().size(), config.body().nEmbd(), false);
  }

  /**
   * Puts a new head on the body of a language model, whose weights are copied. Where that has no
   * biases, the classifier gets zeros: transformers' class has them, and a reward model's last one
   * can carry the mean of its scores.
   *
   * @param gpt the language model, without adapters beside its weights and not quantized
   * @param labels the names of the scores
   * @param padToken what short texts are filled up with, or {@link ClassifierConfig#NO_PAD}
   * @param std the standard deviation of the head's weights, which are normally distributed; 0 for
   *     a head of zeros
   * @param seed of the random numbers
   * @return the classifier, to be closed by the caller
   * @throws JambicException if the labels or the token are wrong, or memory runs out
   */
  public static GptClassifier of(
      Gpt gpt, List<String> labels, int padToken, double std, long seed) {
    if (gpt.isQuantized() || gpt.lora().isPresent()) {
      throw new IllegalStateException("the model has int8 weights, or adapters");
    }
    GptConfig biased = gpt.config().withBias(true, true);
    ClassifierConfig config = new ClassifierConfig(biased, labels, padToken);
    GptClassifier classifier = new GptClassifier(gpt.backend(), config);
    Tensor head = classifier.score.weight();
    classifier
        .parameters
        .byName()
        .forEach((name, to) -> {
          if (to != head) {
            Tensor own = gpt.parameters().byName().get(name);
            to.set(own == null ? new float[Math.toIntExact(to.size())] : own.toFloats());
          }
        });
    float[] values = new float[Math.toIntExact(head.size())];
    if (std > 0) { // else it would be zeros of both signs
      Initializer.normal(values, seed, SCORE_STREAM, std);
    }
    head.set(values);
    return classifier;
  }

  /**
   * Loads a stored model; an open {@link Checkpoint} has its tokenizer too.
   *
   * @param folder the folder of a checkpoint, as Hugging Face's GPT-2 for classification has it
   * @param backend where it computes
   * @return the model, to be closed by the caller
   * @throws JambicException if the folder holds no classifier, or memory runs out
   */
  public static GptClassifier load(Path folder, Backend backend) {
    try (Checkpoint<ClassifierConfig, GptClassifier> checkpoint = Checkpoint.open(FORMAT, folder)) {
      return checkpoint.model(backend);
    }
  }

  /**
   * Tells whether a folder says that it holds a classifier or a reward model, without opening it.
   *
   * @param folder the folder of a checkpoint
   * @return whether its {@code config.json} names that class; false where none can be read
   */
  public static boolean isIn(Path folder) {
    return Gpt2Config.isClassifierIn(folder);
  }

  /**
   * Computes what the head reads, for every position of whole texts.
   *
   * @param ops how to compute
   * @param ids I32 (B, T), T at most the context, each in the vocabulary; padding stands behind a
   *     text, where no token of it sees it
   * @return (B, T, C)
   * @throws jambic.tensor.ShapeException if the ids are not (B, T)
   * @throws JambicException if T is too large, or the model is closed
   */
  public Tensor hidden(Ops ops, Tensor ids) {
    requireOpen();
    return body.hidden(ops, ids);
  }

  /**
   * Returns the head.
   *
   * @return (labels, C), without a bias
   */
  public Linear score() {
    return score;
  }

  /**
   * Computes the scores of some tokens.
   *
   * @param ops how to compute
   * @param ids as {@link #hidden} takes them
   * @param index I32 (R): which tokens, each from 0 to B T - 1; {@link
   *     ClassifierConfig#scoredToken} finds a text's
   * @return (R, labels)
   */
  public Tensor scores(Ops ops, Tensor ids, Tensor index) {
    return score.forward(ops, ops.rows(hidden(ops, ids), index));
  }

  /**
   * Returns the model's shape.
   *
   * @return the config
   */
  public ClassifierConfig config() {
    return config;
  }

  @Override
  public int vocabSize() {
    return config.vocabSize();
  }

  @Override
  public Backend backend() {
    return backend;
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public Optional<LoraConfig> lora() {
    return Optional.empty();
  }

  @Override
  public Parameters adapters() {
    return adapters;
  }

  @Override
  public void requireOpen() {
    if (closed) {
      throw new JambicException("the model is closed; open it again from its checkpoint");
    }
  }

  /** Frees the weights. */
  @Override
  public void close() {
    closed = true;
    region.close();
  }
}
