package jambic.model.gpt;

import jambic.model.checkpoint.ModelFormat;
import jambic.model.checkpoint.StoredModel;
import jambic.model.generate.GenerationConfig;
import jambic.model.io.ForeignFormat;
import jambic.model.io.Safetensors;
import jambic.model.io.WeightFiles;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.LoraLayers;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Stores GPTs as Hugging Face's GPT-2, and also reads nanoGPT's {@code ckpt.pt}. A model with a
 * biased head, which GPT-2 does not know, gets a {@code model_type} of its own.
 */
final class GptFormat implements ModelFormat<GptConfig, Gpt> {
  @Override
  public boolean isAt(Path path) {
    return Files.exists(path.resolve(CONFIG)) || NanoGptCheckpoint.find(path).isPresent();
  }

  @Override
  public StoredModel<GptConfig> open(Path path) {
    Optional<Path> nanoGpt = NanoGptCheckpoint.find(path);
    if (nanoGpt.isPresent()) {
      requireWhole(nanoGpt.get());
      return NanoGptCheckpoint.open(nanoGpt.get());
    }
    if (!WeightFiles.areIn(path)) {
      requireNotForeign(path);
    }
    GptConfig config = Gpt2Config.read(path);
    Optional<Tokenizer> tokenizer = Tokenizer.find(path);
    return stored(config, tokenizer, WeightFiles.open(path), CONFIG);
  }

  /** Finds every weight of a model in its files, which are closed if one is missing. */
  static StoredModel<GptConfig> stored(
      GptConfig described, Optional<Tokenizer> tokenizer, WeightFiles files, String description) {
    try {
      Gpt2Weights weights =
          Gpt2Weights.of(
              files.path().toString(),
              description,
              Gpt2Weights::shapes,
              described,
              files.entries());
      return new StoredModel<>(
          weights.config(),
          tokenizer,
          files,
          (config, parameters) -> weights.cropped(config.blockSize()).readInto(parameters));
    } catch (RuntimeException e) {
      files.close();
      throw e;
    }
  }

  /** Refuses a file that is only a part of a model, or of another program. */
  private static void requireWhole(Path file) {
    ForeignFormat.refuse(file);
    String name = file.getFileName().toString();
    if (Stream.of(".pt", ".pth", ".ckpt").noneMatch(name::endsWith)) {
      throw new JambicException(
          Text.format(
              "%s is a file; name the folder that it and the model's other files lie in, or nanoGPT's %s",
              file, NanoGptCheckpoint.NAME));
    }
  }

  /** Refuses a folder whose weights are of other programs only. */
  private static void requireNotForeign(Path folder) {
    ForeignFormat.refuseIn(folder);
    Path checkpoint = folder.resolve(NanoGptCheckpoint.NAME);
    if (Files.exists(checkpoint)) {
      throw new JambicException(
          Text.format(
              "%s holds a %s but no weights to it; for nanoGPT's checkpoint name %s",
              folder, CONFIG, checkpoint));
    }
    if (Files.isDirectory(folder) && !Files.exists(folder.resolve(CONFIG))) {
      throw new JambicException(
          Text.format(
              "%s holds no model, as it has no %s; name the folder of a checkpoint, or of a run that has saved one",
              folder, CONFIG));
    }
  }

  @Override
  public GptConfig readConfig(Path folder) {
    return Gpt2Config.read(folder);
  }

  @Override
  public void requireVariant(GptConfig stored, GptConfig wanted) {
    if (wanted.blockSize() > stored.blockSize()) {
      throw new JambicException(
          Text.format(
              "the model was trained for a context of %d tokens, which can be made shorter but not %d",
              stored.blockSize(), wanted.blockSize()));
    }
    GptConfig same =
        stored
            .withBlockSize(wanted.blockSize())
            .withDropout(wanted.dropout(), wanted.attnDropout(), wanted.embeddingDropout());
    if (!wanted.equals(same)) {
      throw new JambicException(Text.format("the stored model is %s, not %s", same, wanted));
    }
  }

  @Override
  public List<String> adaptedLayers(String where, LoraLayers layers, GptConfig config) {
    return layers.in(where, config.nLayer());
  }

  @Override
  public Gpt create(
      Backend backend, GptConfig config, Optional<LoraConfig> lora, GenerationConfig generation) {
    return new Gpt(backend, config, lora, generation);
  }

  @Override
  public void describe(Path folder, Gpt model, Optional<Tokenizer> tokenizer) {
    requireStorable(model);
    Gpt2Config.write(folder, model.config(), Gpt2Config.textEnds(tokenizer, model.generation()));
  }

  @Override
  public void describe(Path folder, Gpt model, Path source) throws IOException {
    requireStorable(model);
    Gpt2Config.write(folder, model.config(), Gpt2Config.kept(source));
    Gpt2Config.writeGeneration(folder, source);
  }

  private static void requireStorable(Gpt model) {
    if (model.isQuantized()) {
      throw new JambicException(
          "a model with int8 weights is not saved; save the one that it was made from");
    }
  }

  @Override
  public List<Safetensors.Source> weights(Gpt model) {
    return Gpt2Weights.sources(Gpt2Weights::shapes, model.config(), model.parameters().byName());
  }
}
