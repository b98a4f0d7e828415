package jambic.model.checkpoint;

import jambic.model.ModelConfig;
import jambic.model.io.WeightFiles;
import jambic.model.text.Tokenizer;
import jambic.tensor.Tensor;
import java.io.Closeable;
import java.util.Map;
import java.util.Optional;

/**
 * The open files of a model without adapters, found whole.
 *
 * @param <C> the shape of a model
 * @param config the model's shape, as its weights have it
 * @param tokenizer its tokenizer, if it has one
 * @param files its weights
 * @param reader copies them into a model
 */
@SuppressWarnings("exports") // for formats; applications see checkpoints
public record StoredModel<C extends ModelConfig>(
    C config, Optional<Tokenizer> tokenizer, WeightFiles files, Reader<C> reader)
    implements Closeable {
  /**
   * Copies stored weights into a model's tensors.
   *
   * @param <C> the shape of a model
   */
  @FunctionalInterface
  public interface Reader<C extends ModelConfig> {
    /**
     * Copies all weights.
     *
     * @param config the shape of the model, {@link ModelFormat#requireVariant} of the stored one
     * @param parameters the model's tensors by name
     */
    void readInto(C config, Map<String, Tensor> parameters);
  }

  @Override
  public void close() {
    files.close();
  }
}
