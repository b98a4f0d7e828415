package jambic.app.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.gpt.GptConfig;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.config.RunConfig;
import jambic.train.config.TrainConfig;
import jambic.train.pairs.LanguagePair;
import jambic.train.plan.ModelFlops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a run's {@code run.json} says of it.
 *
 * @param file where it stands
 * @param values what it holds
 */
public record RunRecord(Path file, Map<String, Object> values) {
  public static final String ENGINE = "jambic";
  public static final String PRESET = "preset";
  public static final String INIT = "init";
  public static final String TOKENIZER = "tokenizer";
  public static final String DATA = "data";

  public static final String VALID = "valid"; // pairs that a translator is measured with
  public static final String SOURCE_LANG = "source_lang";
  public static final String TARGET_LANG = "target_lang";

  public static final String DATA_FILE = "data_file"; // where a text lay that has a name here
  public static final String DATA_SHA256 = "data_sha256";
  public static final String PARAMETERS = "parameters";
  public static final String TEXT_FIELD = "text_field";
  public static final String BACKEND = "backend";
  public static final String DTYPE = "dtype";
  public static final String CONFIG = "config";

  private static final KeyRules RULES =
      new KeyRules()
          .obeys(PRESET, INIT, TOKENIZER, DATA, DATA_FILE, TEXT_FIELD, BACKEND, DTYPE, CONFIG)
          .ignores(ENGINE, "java", DATA_SHA256, "device", PARAMETERS, "mfu");

  /**
   * What {@code run.json} is to hold.
   *
   * @param engine the version of Jambic
   * @param chosen what was chosen, by its key here
   * @param sha256 of the data
   * @param backend where it computes
   * @param model what it trains
   * @param config how
   * @param peak what the machine could do at best, in FLOP/s
   */
  public static Map<String, Object> of(
      String engine,
      Map<String, Optional<String>> chosen,
      String sha256,
      Backend backend,
      GptConfig model,
      TrainConfig config,
      OptionalDouble peak) {
    Map<String, Object> record =
        of(engine, chosen, sha256, backend, model.parameterCount(), config);
    record.put("mfu", mfu(model, peak));
    return record;
  }

  /**
   * What {@code run.json} is to hold of a run that trains a translator.
   *
   * @param engine the version of Jambic
   * @param chosen what was chosen, by its key here
   * @param fingerprint of the pairs
   * @param backend where it computes
   * @param parameters of the model
   * @param config how
   */
  public static Map<String, Object> of(
      String engine,
      Map<String, Optional<String>> chosen,
      String fingerprint,
      Backend backend,
      long parameters,
      RunConfig config) {
    Map<String, Object> record = new LinkedHashMap<>();
    record.put(ENGINE, engine);
    record.put("java", Runtime.version().toString());
    chosen.forEach((key, value) -> value.ifPresent(text -> record.put(key, text)));
    record.put(DATA_SHA256, fingerprint);
    record.put(BACKEND, backend.name());
    record.put("device", backend.description());
    record.put(PARAMETERS, parameters);
    record.put(CONFIG, config.toMap());
    return record;
  }

  private static String mfu(GptConfig model, OptionalDouble peak) {
    double perToken = ModelFlops.perToken(model);
    return new ModelFlops(perToken, peak, "fused multiply-adds on all threads, measured at start")
        .describe();
  }

  /**
   * Reads one; empty if there is none.
   *
   * @param remedy what to do about one that is damaged
   */
  static RunRecord read(Path file, String remedy) {
    try {
      if (!Files.exists(file)) {
        return new RunRecord(file, Map.of());
      }
      if (JSON.std.anyFrom(Files.readString(file)) instanceof Map<?, ?> map) {
        Map<String, Object> values = new LinkedHashMap<>();
        map.forEach((name, value) -> values.put(name.toString(), value));
        return new RunRecord(file, values);
      }
      throw damaged(file, remedy, null);
    } catch (IOException e) {
      throw damaged(file, remedy, e);
    }
  }

  private static JambicException damaged(Path file, String remedy, IOException cause) {
    return new JambicException(Text.format("%s is damaged; %s", file, remedy), cause);
  }

  /**
   * Reads one to begin another run with.
   *
   * @throws JambicException if a key of it is unknown
   */
  public static RunRecord toStartWith(Path file) {
    if (Files.isDirectory(file)) {
      throw new JambicException(file + " is a folder; name the run.json in it");
    }
    JsonObject json = JsonObject.read(file);
    RULES.check(json);
    return new RunRecord(file, json.values());
  }

  /**
   * The hyperparameters.
   *
   * @throws JambicException if there are none, or one is unknown, missing or wrong
   */
  public TrainConfig config() {
    try {
      JsonObject config = new JsonObject(file.toString(), values).object(CONFIG);
      return TrainConfig.fromJson(JSON.std.asString(config.values()), config.where());
    } catch (IOException e) {
      throw new IllegalStateException("what was read as JSON can be written", e);
    }
  }

  /** The name of the preset that its hyperparameters started from, if that is known. */
  public Optional<String> preset() {
    return text(PRESET);
  }

  /** The model that it began with, by a name or a folder, if it was a stored one. */
  public Optional<Path> init() {
    return text(INIT).map(Path::of);
  }

  /** The tokenizer that was asked for, if one was. */
  public Optional<String> tokenizer() {
    return text(TOKENIZER);
  }

  /** The name of the text that the run trained on, if that is known. */
  public Optional<String> data() {
    return text(DATA);
  }

  /** Where that text was found, if its name does not say it. */
  public Optional<Path> dataFile() {
    return text(DATA_FILE).map(Path::of);
  }

  /** The field of its text that was asked for, if one was. */
  public Optional<String> textField() {
    return text(TEXT_FIELD);
  }

  /** The number of its model's parameters, if that is known. */
  public Optional<Number> parameters() {
    return Optional.ofNullable(values.get(PARAMETERS))
        .filter(Number.class::isInstance)
        .map(Number.class::cast);
  }

  /** The name of the backend that it ran on last, if that is known. */
  public Optional<String> backend() {
    return text(BACKEND);
  }

  /** The type that it was asked to compute with, if it was. */
  public Optional<String> dtype() {
    return text(DTYPE);
  }

  /** Which side of its pairs is which, if that was said. */
  public Optional<LanguagePair> languages() {
    return text(SOURCE_LANG)
        .flatMap(source -> text(TARGET_LANG).map(target -> new LanguagePair(source, target)));
  }

  /** The text under a key, if there is one. */
  public Optional<String> text(String key) {
    return Optional.ofNullable(values.get(key)).map(Object::toString);
  }
}
