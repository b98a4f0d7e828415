package jambic.model.checkpoint;

import jambic.model.io.Safetensors;
import jambic.model.io.Safetensors.Entry;
import jambic.model.io.Safetensors.Source;
import jambic.model.io.SafetensorsType;
import jambic.model.io.WeightFiles;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The mean of the stored weights of several checkpoints of one model, summed in double precision
 * one tensor after the other, so that memory for one tensor is enough.
 */
final class WeightMean implements AutoCloseable {
  private final List<Safetensors> files = new ArrayList<>();

  /** Opens the weights, at least those of one checkpoint. */
  WeightMean(List<Path> checkpoints) {
    try {
      for (Path checkpoint : checkpoints) {
        files.add(Safetensors.open(checkpoint.resolve(WeightFiles.SINGLE)));
      }
      files.forEach(this::requireAlike);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void requireAlike(Safetensors file) {
    Safetensors first = files.getFirst();
    boolean alike =
        file.entries().keySet().equals(first.entries().keySet())
            && first.entries().values().stream()
                .allMatch(entry -> entry.shape().equals(file.entry(entry.name()).shape()));
    if (!alike) {
      throw new JambicException(
          Text.format(
              "%s and %s hold different models, which have no mean", first.file(), file.file()));
    }
  }

  /** What to store; to be written before this is closed. */
  List<Source> sources() {
    return files.getFirst().entries().values().stream().map(this::source).toList();
  }

  private Source source(Entry entry) {
    return new Source(
        entry.name(),
        SafetensorsType.F32,
        entry.shape(),
        out -> Source.ofFloats(entry.name(), entry.shape(), mean(entry), 0).content().writeTo(out));
  }

  private float[] mean(Entry entry) {
    float[] values = new float[Math.toIntExact(entry.size())];
    double[] sum = new double[values.length];
    for (Safetensors file : files) {
      file.entry(entry.name()).readFloats(values, 0);
      for (int i = 0; i < sum.length; i++) {
        sum[i] += values[i];
      }
    }
    for (int i = 0; i < sum.length; i++) {
      values[i] = (float) (sum[i] / files.size());
    }
    return values;
  }

  @Override
  public void close() {
    files.forEach(Safetensors::close);
  }
}
