package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.model.io.Safetensors;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Numbers of PyTorch and TRL, computed in 64 bits and stored in 32: the losses' inputs and results,
 * without the models.
 */
public final class AlignmentFixture implements AutoCloseable {
  /** What may be between a number and its copy in 32 bits after some arithmetic. */
  public static final double TOLERANCE = 1e-6;

  private final Safetensors file;

  /** Opens one of rl, grpo, dpo, reward. */
  public AlignmentFixture(String name) {
    this(resource("arithmetic/" + name + ".safetensors"));
  }

  private AlignmentFixture(Path path) {
    file = Safetensors.open(path);
  }

  /** Opens one with the gradients of models: rl, grpo, dpo, reward/expected; or the models. */
  public static AlignmentFixture ofModels(String name) {
    return new AlignmentFixture(resource(name + ".safetensors"));
  }

  /** A file or folder of the fixtures. */
  public static Path resource(String name) {
    try {
      return Path.of(AlignmentFixture.class.getResource("/parity/alignment/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  public float[] floats(String name) {
    Safetensors.Entry entry = file.entry(name);
    float[] floats = new float[(int) entry.size()];
    entry.readFloats(floats, 0);
    return floats;
  }

  public double[] doubles(String name) {
    float[] floats = floats(name);
    double[] doubles = new double[floats.length];
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = floats[i];
    }
    return doubles;
  }

  public double scalar(String name) {
    return doubles(name)[0];
  }

  public int[] ints(String name) {
    return file.entry(name).data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
  }

  /** Lengths of the answers: how many of each row's numbers count. */
  public int[] answerLengths() {
    int[] mask = ints("mask");
    int[] lengths = new int[ints("lengths").length];
    int width = mask.length / lengths.length;
    for (int i = 0; i < mask.length; i++) {
      lengths[i / width] += mask[i];
    }
    return lengths;
  }

  /** The numbers that count, one row behind the other. */
  public double[] counted(String name) {
    double[] padded = doubles(name);
    int[] mask = ints("mask");
    List<Double> counted = new ArrayList<>();
    for (int i = 0; i < mask.length; i++) {
      if (mask[i] == 1) {
        counted.add(padded[i]);
      }
    }
    return counted.stream().mapToDouble(x -> x).toArray();
  }

  /** The rows' sequences, without padding. */
  public List<int[]> sequences(String prefix) {
    int[] lengths = ints(prefix + "lengths");
    int[] ids = ints(prefix + "ids");
    int width = ids.length / lengths.length;
    List<int[]> sequences = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) {
      sequences.add(Arrays.copyOfRange(ids, i * width, i * width + lengths[i]));
    }
    return sequences;
  }

  /** Holds a gradient against central differences. */
  public static void requireGradient(
      double[] at, double[] gradient, ToDoubleFunction<double[]> loss) {
    double step = 1e-6;
    for (int i = 0; i < at.length; i++) {
      double[] up = at.clone();
      double[] down = at.clone();
      up[i] += step;
      down[i] -= step;
      double slope = (loss.applyAsDouble(up) - loss.applyAsDouble(down)) / (2 * step);
      assertThat(gradient[i]).as("derivative %d", i).isCloseTo(slope, within(1e-8));
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
