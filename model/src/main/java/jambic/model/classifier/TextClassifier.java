package jambic.model.classifier;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.text.Tokenizer;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * Gives texts labels with probabilities: a {@link GptClassifier} and its tokenizer. Reward models
 * give scores instead.
 *
 * {@snippet :
 * try (TextClassifier classifier = TextClassifier.load(folder, backend)) {
 *   System.out.println(classifier.classify("I liked it").label());
 * }
 * }
 */
public final class TextClassifier implements AutoCloseable {
  /** How many tokens are computed at a time, padding included, if no single text is longer. */
  private static final int BATCH_TOKENS = 4096;

  private final GptClassifier model;
  private final Tokenizer tokenizer;

  /**
   * Puts the parts together.
   *
   * @param model the model, which {@link #close} closes
   * @param tokenizer its tokenizer
   */
  public TextClassifier(GptClassifier model, Tokenizer tokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /**
   * Loads a stored model with its tokenizer.
   *
   * @param folder the folder of a checkpoint; of a run, its {@code best} or {@code last}
   * @param backend where it computes
   * @return the classifier, to be closed
   * @throws JambicException if the folder holds no classifier or no tokenizer, or memory runs out
   */
  public static TextClassifier load(Path folder, Backend backend) {
    try (Checkpoint<ClassifierConfig, GptClassifier> checkpoint =
        Checkpoint.open(GptClassifier.FORMAT, folder)) {
      Tokenizer tokenizer = checkpoint.tokenizer().orElseGet(() -> Tokenizer.load(folder));
      return new TextClassifier(checkpoint.model(backend), tokenizer);
    }
  }

  /**
   * Classifies a text.
   *
   * @param text the text
   * @return its label, and how probable all are
   * @throws JambicException as {@link #classify(List)}
   */
  public Classification classify(String text) {
    return classify(List.of(text)).getFirst();
  }

  /**
   * Classifies many texts, which is quicker than one after the other.
   *
   * @param texts the texts
   * @return what the model says of each, in order
   * @throws JambicException if a text is empty, too long, or beyond the vocabulary, or if the model
   *     has one label only and gives no probabilities
   */
  public List<Classification> classify(List<String> texts) {
    requireLabels(model.config().labels()); // before the tokenizer complains
    List<int[]> ids = texts.stream().map(text -> tokenizer.encodePrompt(text, false)).toList();
    return classifyTokens(ids);
  }

  /**
   * Classifies texts that are tokens already, such as the beginnings of long ones.
   *
   * @param ids the tokens of each text
   * @return what the model says of each, in order
   * @throws JambicException as {@link #classify(List)}
   */
  public List<Classification> classifyTokens(List<int[]> ids) {
    List<String> labels = model.config().labels();
    requireLabels(labels);
    return Arrays.stream(logits(ids)).map(row -> classification(labels, row)).toList();
  }

  private static void requireLabels(List<String> labels) {
    if (labels.size() == 1) {
      throw new JambicException(
          "a model with one label is a reward model and gives scores, not labels; name a classifier"
              + " with two labels or more");
    }
  }

  private static Classification classification(List<String> labels, float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    double[] powers = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      powers[i] = Math.exp((double) logits[i] - logits[best]);
    }
    double sum = Arrays.stream(powers).sum();
    SequencedMap<String, Double> probabilities = new LinkedHashMap<>();
    for (int i = 0; i < logits.length; i++) {
      probabilities.put(labels.get(i), powers[i] / sum);
    }
    return new Classification(labels.get(best), probabilities);
  }

  /**
   * Computes the score that a reward model gives to each text.
   *
   * @param ids the tokens of each text, all that is to be read
   * @return the scores, in order
   * @throws JambicException if a text is empty, too long, or has ids that the vocabulary lacks, or
   *     if the model has several labels
   */
  public float[] scores(List<int[]> ids) {
    if (!model.config().isScore()) {
      throw new JambicException(
          Text.format(
              "a model with %d labels is a classifier and gives no single score; name a reward model",
              model.config().labels().size()));
    }
    float[][] logits = logits(ids);
    float[] scores = new float[logits.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = logits[i][0];
    }
    return scores;
  }

  /**
   * Computes the scores of all labels for each text.
   *
   * @param ids the tokens of each text
   * @return a row for each text, in order
   * @throws JambicException if a text is empty, too long, or has ids that the vocabulary lacks
   */
  public float[][] logits(List<int[]> ids) {
    return logits(model, ids);
  }

  /**
   * Computes the scores of all labels for each text by a model alone.
   *
   * @param model the model
   * @param ids the tokens of each text
   * @return a row for each text, in order
   * @throws JambicException if a text is empty, too long, or has ids that the vocabulary lacks
   */
  public static float[][] logits(GptClassifier model, List<int[]> ids) {
    model.requireOpen();
    for (int i = 0; i < ids.size(); i++) {
      requireReadable(model, ids.get(i), ids.size() == 1 ? "the text" : "text " + (i + 1));
    }
    // Texts of similar lengths together, so that little of a batch is padding.
    List<Integer> order =
        IntStream.range(0, ids.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> ids.get(i).length))
            .toList();
    float[][] logits = new float[ids.size()][];
    int begin = 0;
    while (begin < order.size()) {
      int end = begin + 1;
      while (end < order.size()
          && (end + 1 - begin) * ids.get(order.get(end)).length <= BATCH_TOKENS) {
        end++;
      }
      compute(model, ids, order.subList(begin, end), logits);
      begin = end;
    }
    return logits;
  }

  private static void requireReadable(GptClassifier model, int[] ids, String text) {
    if (ids.length == 0) {
      throw new JambicException(text + " is empty, so that there is no token to score");
    }
    int context = model.config().body().blockSize();
    if (ids.length > context) {
      throw new JambicException(
          Text.format(
              "%s has %d tokens, and the model reads at most %d; shorten it",
              text, ids.length, context));
    }
    model.config().body().requireIds(ids);
  }

  /** Computes a batch of texts in the order of their lengths. */
  private static void compute(
      GptClassifier model, List<int[]> ids, List<Integer> batch, float[][] logits) {
    int rows = batch.size();
    int width = ids.get(batch.getLast()).length;
    int[] padded = new int[rows * width];
    Arrays.fill(padded, Math.max(0, model.config().padToken())); // no token sees what follows it
    int[] scored = new int[rows];
    for (int row = 0; row < rows; row++) {
      int[] text = ids.get(batch.get(row));
      System.arraycopy(text, 0, padded, row * width, text.length);
      scored[row] = row * width + model.config().scoredToken(text);
    }
    try (Region region = model.backend().region()) {
      Tensor tokens = region.allocate(DType.I32, Shape.of(rows, width));
      tokens.set(padded);
      Tensor index = region.allocate(DType.I32, Shape.of(rows));
      index.set(scored);
      InferenceOps ops = new InferenceOps(model.backend(), region);
      float[] scores = model.scores(ops, tokens, index).toFloats();
      int labels = scores.length / rows;
      for (int row = 0; row < rows; row++) {
        logits[batch.get(row)] = Arrays.copyOfRange(scores, row * labels, (row + 1) * labels);
      }
    }
  }

  /**
   * Returns the model.
   *
   * @return it, open until this is closed
   */
  public GptClassifier model() {
    return model;
  }

  /**
   * Returns the tokenizer.
   *
   * @return it
   */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Closes the model. */
  @Override
  public void close() {
    model.close();
  }
}
