package jambic.model.generate;

import jambic.model.LanguageModel;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.LinearKernels;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Turns texts into vectors: the mean of what the model's head reads, after the final layer norm,
 * over the tokens of a text. For any number of threads. On the CPU a text's vector is to the bit
 * the same whatever others are embedded with it.
 *
 * @param model what reads the texts; it stays the caller's to close
 */
public record TextEmbedding(LanguageModel model) {
  /** Tokens that are read at once, unless one text has more. */
  private static final int ROWS = 512;

  /**
   * Embeds texts.
   *
   * @param texts token ids, at least one each and at most the model's context
   * @return a vector for each, of as many numbers as the model has channels
   * @throws JambicException if a text is empty, too long, or holds an id that the model does not
   *     know
   */
  public List<float[]> embed(List<int[]> texts) {
    texts.forEach(this::check);
    int[] byLength =
        IntStream.range(0, texts.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> texts.get(i).length))
            .mapToInt(Integer::intValue)
            .toArray();
    float[][] vectors = new float[texts.size()][];
    try (Region memory = model.backend().region()) {
      int from = 0;
      while (from < byLength.length) {
        int to = from + 1;
        while (to < byLength.length && (to + 1 - from) * width(texts.get(byLength[to])) <= ROWS) {
          to++;
        }
        List<int[]> some = IntStream.range(from, to).mapToObj(i -> texts.get(byLength[i])).toList();
        memory.rewind();
        float[] hidden = hidden(memory, some);
        for (int i = from; i < to; i++) {
          vectors[byLength[i]] = mean(hidden, i - from, some);
        }
        from = to;
      }
    }
    return List.of(vectors);
  }

  private void check(int[] text) {
    model.requireOpen();
    if (text.length == 0) {
      throw new JambicException("a text to embed needs at least one token, got an empty one");
    }
    if (text.length > model.contextLength()) {
      throw new JambicException(
          Text.format(
              "the text has %d tokens and the model's context %d; shorten it",
              text.length, model.contextLength()));
    }
    model.requireIds(text);
  }

  /** So few rows that they would be computed in another way are filled up. */
  private int width(int[] text) {
    return Math.min(model.contextLength(), Math.max(text.length, LinearKernels.FEW_ROWS + 1));
  }

  /** Texts of growing length, filled up with anything: no token sees what comes behind it. */
  private float[] hidden(Region memory, List<int[]> texts) {
    int width = width(texts.getLast());
    int[] ids = new int[texts.size() * width];
    for (int i = 0; i < texts.size(); i++) {
      System.arraycopy(texts.get(i), 0, ids, i * width, texts.get(i).length);
    }
    Tensor tokens = memory.allocate(DType.I32, Shape.of(texts.size(), width));
    tokens.set(ids);
    InferenceOps ops = new InferenceOps(model.backend(), memory);
    return model.hidden(ops, tokens).toFloats(); // (B, T, C)
  }

  private float[] mean(float[] hidden, int index, List<int[]> texts) {
    int width = width(texts.getLast());
    int channels = hidden.length / (texts.size() * width);
    int count = texts.get(index).length;
    float[] vector = new float[channels];
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      for (int t = 0; t < count; t++) {
        sum += hidden[(index * width + t) * channels + c];
      }
      vector[c] = (float) (sum / count);
    }
    return vector;
  }
}
