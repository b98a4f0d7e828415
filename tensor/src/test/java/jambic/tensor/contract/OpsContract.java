package jambic.tensor.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import jambic.tensor.DType;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Attention by way of a tape against PyTorch: cross, causal and not, of ragged lengths. */
public interface OpsContract {
  /**
   * The judge.
   *
   * @return knows the backends under test
   */
  Contract contract();

  /** Outputs and gradients; padded keys and values are large, so that a forgotten mask shows. */
  @Test
  default void attentionOfPaddedSequences() {
    Fixtures fixtures = Fixtures.load("/parity/attention.safetensors");
    TreeSet<String> names = new TreeSet<>();
    fixtures.names().forEach(name -> names.add(name.substring(0, name.indexOf('/'))));
    assertEquals(17, names.size(), "fixtures in " + names);
    for (String name : names) {
      for (Backend backend : contract().backends()) {
        try (Region region = backend.region()) {
          attention(fixtures, name, backend, region);
        }
      }
    }
  }

  private static void attention(Fixtures fixtures, String name, Backend backend, Region region) {
    int[] shape = fixtures.shape(name + "/out");
    int c = shape[2];
    boolean apart = name.startsWith("cross");
    int keys = apart ? fixtures.shape(name + "/in/kv")[1] : shape[1];
    Tensor q = trained(region, part(fixtures, name, "in/", true, c), shape[0], shape[1], c);
    Tensor kv = trained(region, part(fixtures, name, "in/", false, c), shape[0], keys, 2 * c);
    Tensor lengths = Tensor.NONE;
    if (name.contains("_padded_")) {
      lengths = region.allocate(DType.I32, Shape.of(shape[0]));
      lengths.set(fixtures.ints(name + "/in/lengths"));
    }
    Tensor dout = region.allocate(DType.F32, Shape.of(shape));
    dout.set(fixtures.floats(name + "/dout"));
    int heads = Integer.parseInt(name.replaceFirst(".*_h(\\d+)_.*", "$1"));
    Tape tape = new Tape(backend, region, 1);
    Tensor out = tape.attention(q, kv, lengths, heads, name.startsWith("causal"), 0);
    tape.backward(out, dout, List.of(q, kv));
    String where = " of " + name + " on " + backend.description();
    Tolerance tolerance = Tolerances.f32(Kernel.PARITY);
    Contract.requireClose("out" + where, fixtures.floats(name + "/out"), out.toFloats(), tolerance);
    Contract.requireClose(
        "dq" + where, part(fixtures, name, "grad/", true, c), q.grad().toFloats(), tolerance);
    Contract.requireClose(
        "dkv" + where, part(fixtures, name, "grad/", false, c), kv.grad().toFloats(), tolerance);
  }

  /** Queries, or keys and values, which some fixtures have side by side. */
  private static float[] part(Fixtures fixtures, String name, String kind, boolean first, int c) {
    if (name.startsWith("cross")) {
      return fixtures.floats(name + "/" + kind + (first ? "q" : "kv"));
    }
    float[] all = fixtures.floats(name + "/" + kind + "qkv");
    int width = first ? c : 2 * c;
    float[] part = new float[all.length / (3 * c) * width];
    for (int row = 0; row < all.length / (3 * c); row++) {
      System.arraycopy(all, row * 3 * c + (first ? 0 : c), part, row * width, width);
    }
    return part;
  }

  private static Tensor trained(Region region, float[] values, int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    tensor.set(values);
    tensor.setGrad(region.allocate(DType.F32, Shape.of(dims)));
    return tensor;
  }
}
