package jambic.model.classifier;

import jambic.model.ConfigException;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.checkpoint.StoredModel;
import jambic.model.generate.GenerationConfig;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.Gpt2Config;
import jambic.model.gpt.Gpt2Weights;
import jambic.model.gpt.GptConfig;
import jambic.model.io.ForeignFormat;
import jambic.model.io.JsonObject;
import jambic.model.io.Safetensors;
import jambic.model.io.WeightFiles;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.LoraLayers;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Stores classifiers and reward models as Hugging Face's {@code GPT2ForSequenceClassification}. */
final class ClassifierFormat implements ModelFormat<ClassifierConfig, GptClassifier> {
  private static final String PAD = "pad_token_id";

  @Override
  public boolean isAt(Path path) {
    return Files.exists(path.resolve(CONFIG));
  }

  @Override
  public StoredModel<ClassifierConfig> open(Path path) {
    if (!isAt(path)) {
      ForeignFormat.refuseIn(path);
      throw new JambicException(
          Text.format(
              "%s holds no model, as it has no %s; name the folder of a checkpoint, or of a run that has saved one",
              path, CONFIG));
    }
    ClassifierConfig described = readConfig(path);
    Optional<Tokenizer> tokenizer = Tokenizer.find(path);
    WeightFiles files = WeightFiles.open(path);
    try {
      Gpt2Weights weights =
          Gpt2Weights.of(
              files.path().toString(),
              CONFIG,
              layout(described),
              described.body(),
              files.entries());
      return new StoredModel<>(
          described.withBody(weights.config()),
          tokenizer,
          files,
          (config, parameters) -> weights.cropped(config.body().blockSize()).readInto(parameters));
    } catch (RuntimeException e) {
      files.close();
      throw e;
    }
  }

  private static Gpt2Weights.Layout layout(ClassifierConfig config) {
    return body ->
        Gpt2Weights.shapes(body, backend -> new GptClassifier(backend, config.withBody(body)));
  }

  @Override
  public ClassifierConfig readConfig(Path folder) {
    GptConfig body = Gpt2Config.readClassifier(folder);
    JsonObject json = JsonObject.read(folder.resolve(CONFIG));
    int pad = json.optionalInteger(PAD).orElse(ClassifierConfig.NO_PAD);
    try {
      return new ClassifierConfig(body, LabelKeys.read(json), pad);
    } catch (ConfigException e) {
      throw new JambicException(
          json.where() + ": " + e.in(name -> name.equals("padToken") ? PAD : name), e);
    }
  }

  @Override
  public void requireVariant(ClassifierConfig stored, ClassifierConfig wanted) {
    Gpt.FORMAT.requireVariant(stored.body(), wanted.body());
    ClassifierConfig same = stored.withBody(wanted.body());
    if (!wanted.equals(same)) {
      throw new JambicException(Text.format("the stored model is %s, not %s", same, wanted));
    }
  }

  @Override
  public List<String> adaptedLayers(String where, LoraLayers layers, ClassifierConfig config) {
    throw new JambicException(
        where + " describes adapters of a classifier, which are not supported; merge them in PEFT");
  }

  @Override
  public GptClassifier create(
      Backend backend,
      ClassifierConfig config,
      Optional<LoraConfig> lora,
      GenerationConfig generation) {
    if (lora.isPresent()) {
      throw new JambicException(
          "adapters of a classifier are not supported; train all of its weights");
    }
    return new GptClassifier(backend, config);
  }

  @Override
  public void describe(Path folder, GptClassifier model, Optional<Tokenizer> tokenizer) {
    write(folder, model, Gpt2Config.textEnds(tokenizer, GenerationConfig.NONE));
  }

  @Override
  public void describe(Path folder, GptClassifier model, Path source) {
    write(folder, model, Gpt2Config.kept(source));
  }

  private static void write(Path folder, GptClassifier model, Map<String, Object> others) {
    Map<String, Object> json = new LinkedHashMap<>(others);
    int pad = model.config().padToken();
    json.put(PAD, pad == ClassifierConfig.NO_PAD ? null : pad);
    LabelKeys.put(json, model.config().labels());
    Gpt2Config.writeClassifier(folder, model.config().body(), json);
  }

  @Override
  public List<Safetensors.Source> weights(GptClassifier model) {
    ClassifierConfig config = model.config();
    return Gpt2Weights.sources(layout(config), config.body(), model.parameters().byName());
  }
}
