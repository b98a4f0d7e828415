package jambic.model;

import jambic.model.nn.LoraConfig;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.util.Optional;

/** A network with weights: what storing it and the shared parts of its training know of it. */
public interface Model extends AutoCloseable {
  /**
   * Returns where the model computes.
   *
   * @return the backend
   */
  Backend backend();

  /**
   * Returns the weights.
   *
   * @return all of them, by name
   */
  Parameters parameters();

  /**
   * Returns the number of token ids.
   *
   * @return V
   */
  int vocabSize();

  /**
   * Returns which adapters the model has.
   *
   * @return them, empty for a plain model
   */
  Optional<LoraConfig> lora();

  /**
   * Returns the adapters' weights: {@code h.0.attn.c_attn.lora_A.weight} (rank, in) and {@code
   * lora_B} (out, rank).
   *
   * @return all of them, by name; none for a plain model
   */
  Parameters adapters();

  /**
   * Checks that the model may be used.
   *
   * @throws JambicException if it is closed
   */
  void requireOpen();

  /** Frees the weights. */
  @Override
  void close();
}
