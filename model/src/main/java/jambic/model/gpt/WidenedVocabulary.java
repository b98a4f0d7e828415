package jambic.model.gpt;

import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;

/** Gives a model rows for tokens that its tokenizer was given later, such as those of a chat. */
public final class WidenedVocabulary {
  private WidenedVocabulary() {}

  /**
   * Copies a model and gives each new token the mean of the rows of those before. Where the model
   * had more rows than its tokenizer had tokens, the new tokens take these, and the vocabulary
   * grows only as far as it must.
   *
   * @param gpt the model, without adapters beside its weights and not quantized
   * @param before its tokenizer
   * @param after the same with more tokens, as {@link Tokenizer#withSpecialTokens} makes it
   * @return the copy, to be closed by the caller; it does not need the model any more
   * @throws JambicException if memory runs out
   */
  public static Gpt of(Gpt gpt, Tokenizer before, Tokenizer after) {
    if (gpt.isQuantized() || gpt.lora().isPresent()) {
      throw new IllegalStateException("the model has int8 weights, or adapters");
    }
    int known = before.vocabSize();
    int wanted = after.vocabSize();
    GptConfig config = gpt.config();
    int rows = Math.max(config.vocabSize(), wanted);
    Gpt copy =
        new Gpt(gpt.backend(), config.withVocabSize(rows), Optional.empty(), gpt.generation());
    copy.parameters()
        .byName()
        .forEach((name, to) -> {
          float[] from = gpt.parameters().get(name).toFloats();
          to.set(isByToken(name) ? widened(from, to, rows, known, wanted) : from);
        });
    return copy;
  }

  /** A tied head has no weight of its own. */
  private static boolean isByToken(String name) {
    return name.equals("wte.weight") || name.startsWith("lm_head.");
  }

  /**
   * The rows of the new tokens are the mean of all known ones. Random rows would be far from any
   * token that the model has seen, and where a head shares them they may score above all others;
   * the mean scores about as the average token does, so that what the model says of the known ones
   * changes little. transformers draws from the normal distribution around that mean; the mean
   * itself needs no seed. Training tells the new tokens apart, as they occur in different places.
   */
  private static float[] widened(float[] from, Tensor to, int rows, int known, int wanted) {
    int width = Math.toIntExact(to.size() / rows); // 1 for a bias
    float[] values = Arrays.copyOf(from, Math.toIntExact(to.size()));
    for (int column = 0; column < width; column++) {
      double sum = 0;
      for (int row = 0; row < known; row++) {
        sum += from[row * width + column];
      }
      for (int row = known; row < wanted; row++) {
        values[row * width + column] = (float) (sum / known);
      }
    }
    return values;
  }
}
