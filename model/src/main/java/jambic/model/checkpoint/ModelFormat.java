package jambic.model.checkpoint;

import jambic.model.Model;
import jambic.model.ModelConfig;
import jambic.model.generate.GenerationConfig;
import jambic.model.io.Safetensors;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.LoraLayers;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Says how the models of one architecture are stored: their configuration, the names of their
 * weights and where their tokenizer lies. A new architecture is one of these and its model; {@link
 * Checkpoint} does the rest.
 *
 * @param <C> the shape of a model
 * @param <M> the model
 */
public interface ModelFormat<C extends ModelConfig, M extends Model> {
  /** The name of the file that describes a model in Hugging Face's layout. */
  String CONFIG = "config.json";

  /**
   * Tells whether a model of this format, or what should be one, lies somewhere.
   *
   * @param path a folder, or a file
   * @return whether something there describes a model
   */
  boolean isAt(Path path);

  /**
   * Opens a model without adapters and checks the name, shape and type of every weight.
   *
   * @param path its folder, or its file where the format has such
   * @return the model as it is stored, to be closed
   * @throws JambicException if a file is missing or broken, or the weights are not of the model
   *     that is described
   */
  StoredModel<C> open(Path path);

  /**
   * Reads the description of a model alone: its weights need not be there.
   *
   * @param folder where its {@code config.json} lies
   * @return its shape
   * @throws JambicException if the file is missing or broken, or tells of another architecture
   */
  C readConfig(Path folder);

  /**
   * Refuses a shape that a model cannot have with stored weights.
   *
   * @param stored the shape of the stored model
   * @param wanted that of the model to make
   * @throws JambicException if they differ in more than dropouts and a shorter context
   */
  void requireVariant(C stored, C wanted);

  /**
   * Lists the layers that adapters are for.
   *
   * @param where how errors name what describes the adapters
   * @param layers which layers that describes
   * @param config the shape of the model
   * @return their names
   * @throws JambicException if it describes some that the model does not have
   */
  List<String> adaptedLayers(String where, LoraLayers layers, C config);

  /**
   * Makes a model with undefined weights.
   *
   * @param backend where it computes
   * @param config its shape
   * @param lora which adapters it has, if any
   * @param generation how its checkpoint wants it to be generated with
   * @return the model, to be closed
   * @throws JambicException if memory runs out
   */
  M create(Backend backend, C config, Optional<LoraConfig> lora, GenerationConfig generation);

  /**
   * Writes {@code config.json} and what else describes a model, but no weights.
   *
   * @param folder where to
   * @param model the model
   * @param tokenizer its tokenizer, if it has one
   * @throws JambicException if the model cannot be stored
   */
  void describe(Path folder, M model, Optional<Tokenizer> tokenizer);

  /**
   * Does the same for a model that was made from a stored one, whose settings for other programs
   * are kept.
   *
   * @param folder where to
   * @param model the model
   * @param source where the {@code config.json} of the other lies
   * @throws IOException if a file cannot be copied
   */
  void describe(Path folder, M model, Path source) throws IOException;

  /**
   * Lists what to store of a model; values are read when they are written.
   *
   * @param model the model
   * @return its weights, as {@code model.safetensors} has them
   */
  @SuppressWarnings("exports") // for formats; applications see checkpoints
  List<Safetensors.Source> weights(M model);
}
