package jambic.app.cli;

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
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The stored model that a run begins with: its shape is the run's, but for dropout and a context
 * that may be shorter.
 *
 * @param folder its checkpoint
 * @param name by which other tools find it on the hub, where it has one
 * @param bases find the model that its adapters belong to, if it is some
 */
public record InitialModel(Path folder, Optional<String> name, BaseModelResolver bases) {
  /** A configuration with the model's shape; where its context is the shorter one, that stays. */
  public TrainConfig shaped(TrainConfig config) {
    GptConfig shape = config();
    Map<String, Object> values = fixed(shape);
    values.put("blockSize", Math.min(config.blockSize(), shape.blockSize()));
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
                Text.format(
                    "%s is %s in the model of --init and cannot be %s; leave the flag out",
                    name, value, asked.get(name)));
          }
        });
    if (config.blockSize() > shape.blockSize()) {
      throw new HyperparameterException(
          Text.format(
              "blockSize can be at most %d, the context of the model of --init, not %d",
              shape.blockSize(), config.blockSize()));
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
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder, bases)) {
      return checkpoint.config();
    }
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
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder, bases)) {
      return RunFolder.tokenizer(checkpoint, data);
    }
  }

  /** The model, with adapters beside its weights where the configuration wants them. */
  public Gpt open(Backend backend, TrainConfig config) {
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder, bases)) {
      GptConfig stored = checkpoint.config();
      GptConfig shape = config.gpt(stored);
      Optional<LoraConfig> lora =
          config
              .lora(folder.toAbsolutePath().normalize())
              .map(adapters -> name.map(adapters::withBaseName).orElse(adapters));
      return lora.isPresent()
          ? checkpoint.adapted(backend, shape, lora.get(), config.seed())
          : checkpoint.model(backend, shape);
    }
  }
}
