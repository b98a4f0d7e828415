package jambic.app.cli;

import jambic.model.ConfigMessage.Name;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.LoraConfig;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.config.HyperparameterException;
import jambic.train.config.TrainConfig;
import jambic.train.config.TuningSettings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The stored model that a run begins with: its shape is the run's, but for dropout and a context
 * that may be shorter.
 */
public final class InitialModel implements AutoCloseable {
  private final Path folder;
  private final Optional<String> name;
  private final Checkpoint<GptConfig, Gpt> checkpoint;

  private InitialModel(Path folder, Optional<String> name, Checkpoint<GptConfig, Gpt> checkpoint) {
    this.folder = folder;
    this.name = name;
    this.checkpoint = checkpoint;
  }

  /**
   * Opens the model.
   *
   * @param folder its checkpoint
   * @param name by which other tools find it on the hub, where it has one
   * @param bases find the model that its adapters belong to, if it is some
   * @return the model, to be closed
   */
  public static InitialModel open(Path folder, Optional<String> name, BaseModelResolver bases) {
    ModelArgument.requireLanguageModel(folder);
    return new InitialModel(folder, name, Checkpoint.open(Gpt.FORMAT, folder, bases));
  }

  /** A configuration with the model's shape; where its context is the shorter one, that stays. */
  public TrainConfig shaped(TrainConfig config) {
    GptConfig shape = config();
    Map<String, Object> values = fixed(shape);
    values.put("blockSize", Math.min(config.model().blockSize(), shape.blockSize()));
    return config.withAll(values);
  }

  /** Refuses flags that ask for another model. */
  public void requireShape(TrainConfig config) {
    Map<String, Object> asked = config.toMap();
    GptConfig shape = config();
    fixed(shape)
        .forEach((name, value) -> {
          if (!asked.get(name).toString().equals(value.toString())) {
            throw new HyperparameterException(
                "%s is %s in the model of --init and cannot be %s; leave the flag out",
                new Name(name), value, asked.get(name));
          }
        });
    if (config.model().blockSize() > shape.blockSize()) {
      throw new HyperparameterException(
          "%s can be at most %d, the context of the model of --init, not %d",
          new Name("blockSize"), shape.blockSize(), config.model().blockSize());
    }
  }

  private static Map<String, Object> fixed(GptConfig shape) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("nLayer", shape.nLayer());
    values.put("nHead", shape.nHead());
    values.put("nEmbd", shape.nEmbd());
    values.put("activation", TrainConfig.text(shape.activation()));
    values.put("bias", shape.bias());
    values.put("qkvBias", shape.qkvBias());
    values.put("tiedHead", shape.tiedHead());
    values.put("headBias", shape.headBias());
    return values;
  }

  public GptConfig config() {
    return checkpoint.config();
  }

  /** The model's vocabulary, which may be larger than its tokenizer's but not smaller. */
  public int vocabSize(Tokenizer tokenizer) {
    int size = config().vocabSize();
    if (tokenizer.vocabSize() > size) {
      throw new JambicException(
          Text.format(
              "the tokenizer has %d tokens and the model in %s %d; they do not belong together",
              tokenizer.vocabSize(), folder, size));
    }
    return size;
  }

  /** Its tokenizer, or that of the prepared data which it goes on with. */
  public Tokenizer tokenizer(Optional<String> data) {
    return RunFolder.tokenizer(checkpoint, data);
  }

  /** The model, with adapters beside its weights where the configuration wants them. */
  public Gpt load(Backend backend, TrainConfig config) {
    GptConfig shape = config.model().gpt(checkpoint.config());
    return load(backend, shape, config.tuning(), config.seed());
  }

  /**
   * The model, with adapters beside its weights where the settings want them.
   *
   * @param shape the stored one, perhaps with other dropouts and a shorter context
   * @param tuning which part of it is trained
   * @param seed of the adapters
   */
  public Gpt load(Backend backend, GptConfig shape, TuningSettings tuning, long seed) {
    Optional<LoraConfig> lora =
        tuning
            .lora(folder.toAbsolutePath().normalize())
            .map(adapters -> name.map(adapters::withBaseName).orElse(adapters));
    return lora.isPresent()
        ? checkpoint.adapted(backend, shape, lora.get(), seed)
        : checkpoint.model(backend, shape);
  }

  @Override
  public void close() {
    checkpoint.close();
  }
}
