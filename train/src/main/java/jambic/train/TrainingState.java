package jambic.train;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.Safetensors;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
record TrainingState(int iteration, double bestValLoss, String data, TrainConfig config) {
  private static final String FILE = "training.json";
  private static final String MOMENTS = "optimizer.safetensors";

  /** Writes the state into a checkpoint's folder. */
  void write(Path folder, Map<String, Tensor> moments) throws IOException {
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

  private static Safetensors.Source source(String name, Tensor tensor) {
    List<Long> shape = shape(tensor);
    return Safetensors.Source.ofFloats(name, shape, tensor.toFloats(), 0);
  }

  private static List<Long> shape(Tensor tensor) {
    return Arrays.stream(tensor.shape().toArray()).asLongStream().boxed().toList();
  }

  /** Reads the state of a checkpoint's folder, but for the moments. */
  static TrainingState read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      throw new JambicException(
          folder + " has no " + FILE + ", so there is no training to resume; train anew");
    }
    try {
      Map<String, Object> json = JSON.std.mapFrom(Files.readString(file));
      Object best = json.get("best_val_loss");
      return new TrainingState(
          ((Number) json.get("iteration")).intValue(),
          best == null ? Double.POSITIVE_INFINITY : ((Number) best).doubleValue(),
          (String) json.get("data"),
          TrainConfig.fromJson(JSON.std.asString(json.get("config")), file.toString()));
    } catch (IOException | ClassCastException | NullPointerException e) {
      throw new JambicException(file + " is damaged; restore it, or train anew", e);
    }
  }

  /** Reads the moments of a checkpoint's folder. */
  static void readMoments(Path folder, Map<String, Tensor> moments) {
    Path path = folder.resolve(MOMENTS);
    try (Safetensors file = Safetensors.open(path)) {
      moments.forEach((name, tensor) -> {
        Safetensors.Entry entry = file.entry(name);
        if (!entry.shape().equals(shape(tensor))) {
          throw new JambicException(
              "%s: %s has the shape %s, but the model makes it %s"
                  .formatted(path, name, entry.shape(), tensor.shape()));
        }
        float[] values = new float[Math.toIntExact(tensor.size())];
        entry.readFloats(values, 0);
        tensor.set(values);
      });
    }
  }
}
