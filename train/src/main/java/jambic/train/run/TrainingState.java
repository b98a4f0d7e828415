package jambic.train.run;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.ErrorText;
import jambic.model.io.Safetensors;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.RunConfig;
import jambic.train.data.Dataset;
import jambic.train.optim.Moment;
import jambic.train.parallel.DataParallel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What a run needs besides the model to go on as if it had never stopped: how many updates lie
 * behind it, its configuration, its data and the optimizer's moments. Batches, dropout and the
 * learning rate are functions of the iteration, so there is no state of theirs.
 *
 * @param iteration updates done
 * @param bestValLoss the lowest validation loss so far, infinite before the first
 * @param data the {@link Dataset#fingerprint} of what it trains on
 * @param config every hyperparameter
 */
public record TrainingState(int iteration, double bestValLoss, String data, RunConfig config) {
  private static final String FILE = "training.json";
  private static final String MOMENTS = "optimizer.safetensors";

  /** Writes the state into a checkpoint's folder. */
  void write(Path folder, Map<String, Moment> moments) throws IOException {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("iteration", iteration);
    json.put("best_val_loss", Double.isFinite(bestValLoss) ? bestValLoss : null);
    json.put("data", data);
    json.put("config", JSON.std.mapFrom(config.toJson()));
    Files.writeString(
        folder.resolve(FILE),
        JSON.std
                .with(JSON.Feature.PRETTY_PRINT_OUTPUT, JSON.Feature.WRITE_NULL_PROPERTIES)
                .asString(json)
            + "\n");
    Safetensors.write(
        folder.resolve(MOMENTS),
        Map.of(),
        moments.entrySet().stream().map(e -> source(e.getKey(), e.getValue())).toList());
  }

  /** One moment after the other is copied to the host, when it is written. */
  private static Safetensors.Source source(String name, Moment moment) {
    return Safetensors.Source.ofFloats(name, shape(moment), moment::values);
  }

  private static List<Long> shape(Moment moment) {
    return Arrays.stream(moment.shape().toArray()).asLongStream().boxed().toList();
  }

  /**
   * Reads the state of a checkpoint's folder, but for the moments.
   *
   * @param folder the checkpoint's
   * @return what it says
   * @throws IOException if it cannot be read
   */
  public static TrainingState read(Path folder) throws IOException {
    return read(folder, RunConfig::of);
  }

  /**
   * Reads the state of a checkpoint's folder, but for the moments.
   *
   * @param folder the checkpoint's
   * @param configs reads the configuration
   * @return what it says
   * @throws IOException if it cannot be read
   */
  public static TrainingState read(Path folder, RunConfig.Reader configs) throws IOException {
    Path file = folder.resolve(FILE);
    String text;
    try {
      text = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new JambicException(
          folder + " has no " + FILE + ", so there is no training to resume; name another run", e);
    } // other failures are told with their reason: the file may be whole
    try {
      if (!(JSON.std.anyFrom(text) instanceof Map<?, ?> fields)) {
        throw damaged(file, "it is no JSON object");
      }
      if (!(fields.get("iteration") instanceof Integer iteration) || iteration < 0) {
        throw wrong(file, "iteration", fields, "a whole number from 0 to 2147483647");
      }
      if (!(fields.get("data") instanceof String data)) {
        throw wrong(file, "data", fields, "the text of a fingerprint");
      }
      if (!(fields.get("config") instanceof Map<?, ?> config)) {
        throw wrong(file, "config", fields, "an object");
      }
      return new TrainingState(
          iteration,
          bestValLoss(file, fields),
          data,
          configs.read(config, JSON.std.asString(config), file.toString()));
    } catch (IOException e) {
      throw damaged(file, "it is not JSON");
    }
  }

  private static double bestValLoss(Path file, Map<?, ?> fields) {
    Object best = fields.get("best_val_loss");
    if (best == null) {
      return Double.POSITIVE_INFINITY;
    }
    if (best instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    throw wrong(file, "best_val_loss", fields, "a number");
  }

  private static JambicException wrong(Path file, String key, Map<?, ?> fields, String wanted) {
    String value = ErrorText.quote(String.valueOf(fields.get(key)));
    return damaged(file, Text.format("its %s must be %s, not %s", key, wanted, value));
  }

  private static JambicException damaged(Path file, String how) {
    return new JambicException(
        Text.format("%s is damaged (%s); restore it, or begin a run in another folder", file, how));
  }

  /**
   * Reads the moments of a checkpoint's folder.
   *
   * @param folder the checkpoint's
   * @param moments overwritten, by name
   * @param ranks that train together; each reads its own file
   * @throws JambicException if the file is damaged, or ranks read different ones
   */
  public static void readMoments(Path folder, Map<String, Moment> moments, DataParallel ranks) {
    Path path = folder.resolve(MOMENTS);
    long[] read = {0};
    try (Safetensors file = Safetensors.open(path)) {
      moments.forEach((name, moment) -> {
        Safetensors.Entry entry = file.entry(name);
        if (!entry.shape().equals(shape(moment))) {
          throw new JambicException(
              Text.format(
                  "%s: %s has the shape %s, but the model makes it %s",
                  path, name, entry.shape(), moment.shape()));
        }
        float[] values = new float[Math.toIntExact(moment.shape().size())];
        entry.readFloats(values, 0);
        for (float value : values) {
          if (!Float.isFinite(value)) {
            throw new JambicException(
                Text.format(
                    "%s is damaged (%s holds %s); restore it, or begin a run in another folder",
                    path, name, value));
          }
        }
        moment.set(values);
        read[0] = 31 * read[0] + Arrays.hashCode(values);
      });
    }
    OptionalInt other = ranks.differing(read[0]);
    if (other.isPresent()) {
      throw new JambicException(
          Text.format(
              "rank 0 and rank %d read different moments from %s; share the run's folder, or copy it"
                  + " to every machine",
              other.getAsInt(), path));
    }
  }
}
