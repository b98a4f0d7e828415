package jambic.bench;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * From a checkpoint to the first logits, once, in a process that has done nothing before: {@code
 * Load PRESET FOLDER} stores a model of random weights, {@code Load PRESET FOLDER THREADS ROWS}
 * reads it.
 */
final class Load {
  private Load() {}

  public static void main(String... args) throws IOException {
    Path folder = Path.of(args[1]);
    if (args.length == 2) {
      Models models = Models.named(args[0]);
      try (Backend backend = Backends.open();
          Gpt gpt = new Gpt(backend, models.gpt(), models.config().init())) {
        Checkpoint.save(Gpt.FORMAT, folder, gpt, Optional.empty());
      }
      return;
    }
    int threads = Integer.parseInt(args[2]);
    double ms = load(folder, threads);
    Map<String, Object> more =
        Map.of(
            "version",
            "Java " + Runtime.version(),
            "bytes",
            Float.BYTES * Models.named(args[0]).gpt().parameterCount());
    new Row("load", args[0], "jambic", threads, 1, ms, ms, ms, more).append(Path.of(args[3]));
  }

  private static double load(Path folder, int threads) {
    long start = System.nanoTime();
    try (Backend backend = Backends.open("cpu", threads);
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt gpt = checkpoint.model(backend);
        Region region = backend.region()) {
      Tensor ids = region.allocate(DType.I32, Shape.of(1, 1));
      ids.set(0);
      gpt.logits(new InferenceOps(backend, region), ids).toFloats();
      return (System.nanoTime() - start) * 1e-6;
    }
  }
}
