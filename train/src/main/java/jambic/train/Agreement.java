package jambic.train;

import jambic.model.Model;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.config.RunConfig;
import jambic.train.parallel.DataParallel;
import jambic.train.run.RunLock;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.zip.CRC32C;

/**
 * What all ranks of a run must have in common, for they would compute something that no single rank
 * computes otherwise.
 *
 * @param config every hyperparameter
 * @param data the fingerprint of what is trained on
 * @param iteration where the run is
 */
public record Agreement(RunConfig config, String data, int iteration) {
  /**
   * Refuses ranks that differ.
   *
   * @param model with the weights that the run begins with
   * @param ranks that train together; all call this
   * @throws JambicException on all of them if two differ: in what, and which
   */
  public void require(Model model, DataParallel ranks) {
    if (!ranks.isShared()) {
      return;
    }
    List<String> mine = new ArrayList<>();
    facts(model).forEach((name, value) -> mine.add(name + "=" + value));
    List<String> all = ranks.gather(String.join("\n", mine));
    for (int rank = 1; rank < all.size(); rank++) {
      if (!all.get(rank).equals(all.getFirst())) {
        throw difference(all.getFirst().split("\n"), rank, all.get(rank).split("\n"));
      }
    }
  }

  /**
   * Locks the folder of a new run, once it is known that all ranks are there and agree: one that
   * fails before ends the others, who leave nothing behind.
   *
   * @param model with the weights that the run begins with; closed where this fails
   * @param folder the run's; made where it is missing
   * @param ranks that train together; all call this
   * @return the lock, to be closed; empty on all ranks but the first
   * @throws JambicException as {@link #require}, or if the folder cannot be locked
   */
  public Optional<RunLock> lock(Model model, Path folder, DataParallel ranks) {
    try {
      require(model, ranks);
      return RunLock.ofNewRun(folder, ranks);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private static JambicException difference(String[] first, int rank, String[] other) {
    int i = 0;
    while (i < first.length - 1 && i < other.length - 1 && first[i].equals(other[i])) {
      i++;
    }
    return new JambicException(
        Text.format(
            "rank 0 and rank %d differ: %s, and %s; start all ranks with the same version, flags,"
                + " data and kind of machine",
            rank, first[i], other[i]));
  }

  private SequencedMap<String, String> facts(Model model) {
    SequencedMap<String, String> facts = new LinkedHashMap<>();
    facts.put("version", version());
    Backend backend = model.backend();
    facts.put("backend", backend.name());
    facts.put("arithmetic", backend.arithmetic());
    facts.put("type of activations", backend.activationType().toString());
    for (Map.Entry<String, Object> each : config.toMap().entrySet()) {
      facts.put(each.getKey(), line(each.getValue()));
    }
    facts.put("data", line(data));
    facts.put("iteration", Integer.toString(iteration));
    facts.put("sum of the weights", Long.toHexString(checksum(model)));
    return facts;
  }

  private static String version() {
    Module module = Agreement.class.getModule();
    return module.isNamed()
        ? module.getDescriptor().rawVersion().orElse("unknown")
        : String.valueOf(Agreement.class.getPackage().getImplementationVersion());
  }

  private static String line(Object value) {
    return value.toString().replace('\n', ' ');
  }

  private static long checksum(Model model) {
    CRC32C sum = new CRC32C();
    for (Tensor weight : model.parameters().tensors()) {
      byte[] bytes = new byte[Math.toIntExact(weight.size() * weight.dtype().bytes())];
      weight.read(MemorySegment.ofArray(bytes));
      sum.update(bytes);
    }
    return sum.getValue();
  }
}
