package jambic.model.translator;

import jambic.model.checkpoint.ModelFormat;
import jambic.model.checkpoint.StoredModel;
import jambic.model.generate.GenerationConfig;
import jambic.model.io.ForeignFormat;
import jambic.model.io.Safetensors;
import jambic.model.io.WeightFiles;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.LoraLayers;
import jambic.model.text.MarianTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Stores translators as Hugging Face's Marian, those with layer norms in front as its Pegasus,
 * which is the same model otherwise; also reads M2M100 and NLLB.
 */
final class TranslatorFormat implements ModelFormat<TranslatorConfig, Translator> {
  @Override
  public boolean isAt(Path path) {
    return Files.exists(path.resolve(CONFIG)) && MarianConfig.isIn(path);
  }

  @Override
  public StoredModel<TranslatorConfig> open(Path path) {
    if (!Files.exists(path.resolve(CONFIG))) {
      ForeignFormat.refuseIn(path);
      throw new JambicException(
          Text.format(
              "%s holds no model, as it has no %s; name the folder of a checkpoint, or of a run that has saved one",
              path, CONFIG));
    }
    TranslatorConfig described = MarianConfig.read(path);
    boolean isOpus = Files.exists(path.resolve(MarianTokenizer.SOURCE)); // for both languages apart
    Optional<Tokenizer> tokenizer = isOpus ? Optional.empty() : Tokenizer.find(path);
    WeightFiles files = WeightFiles.open(path);
    try {
      MarianWeights weights = MarianWeights.of(files.path().toString(), described, files.entries());
      return new StoredModel<>(
          weights.config(), tokenizer, files, (config, parameters) -> weights.readInto(parameters));
    } catch (RuntimeException e) {
      files.close();
      throw e;
    }
  }

  @Override
  public TranslatorConfig readConfig(Path folder) {
    return MarianConfig.read(folder);
  }

  @Override
  public void requireVariant(TranslatorConfig stored, TranslatorConfig wanted) {
    TranslatorConfig same =
        stored.withDropout(wanted.dropout(), wanted.attentionDropout(), wanted.activationDropout());
    if (!wanted.equals(same)) {
      throw new JambicException(Text.format("the stored model is %s, not %s", same, wanted));
    }
  }

  @Override
  public List<String> adaptedLayers(String where, LoraLayers layers, TranslatorConfig config) {
    throw new JambicException(
        where + " describes adapters of a translator, which are not supported; merge them in PEFT");
  }

  @Override
  public Translator create(
      Backend backend,
      TranslatorConfig config,
      Optional<LoraConfig> lora,
      GenerationConfig generation) {
    return new Translator(backend, config);
  }

  @Override
  public void describe(Path folder, Translator model, Optional<Tokenizer> tokenizer) {
    MarianConfig.write(folder, model.config(), Map.of());
    TranslationSettings.of(model.config()).write(folder, model.config());
  }

  @Override
  public void describe(Path folder, Translator model, Path source) throws IOException {
    MarianConfig.write(folder, model.config(), MarianConfig.kept(source));
    for (String name : MarianTokenizer.FILES) {
      if (Files.exists(source.resolve(name))) {
        Files.copy(source.resolve(name), folder.resolve(name));
      }
    }
    Path generation = source.resolve(GenerationConfig.NAME);
    if (Files.exists(generation)) {
      Files.copy(generation, folder.resolve(GenerationConfig.NAME));
    } else {
      TranslationSettings.read(source, model.config()).write(folder, model.config());
    }
  }

  @Override
  public List<Safetensors.Source> weights(Translator model) {
    return MarianWeights.sources(model);
  }
}
