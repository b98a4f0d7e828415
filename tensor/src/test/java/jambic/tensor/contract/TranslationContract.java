package jambic.tensor.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * What training a translator and searching with it need, against PyTorch: smoothed losses, Adam as
 * the paper has it, attention of beams.
 */
public interface TranslationContract {
  /**
   * The judge.
   *
   * @return knows the backends under test
   */
  Contract contract();

  /** Losses and gradients by way of a tape; rows with a target of -1 do not count. */
  @Test
  default void smoothedLossesAndTheirGradients() {
    Fixtures fixtures = Fixtures.load("/parity/translation.safetensors");
    Set<String> names = cases(fixtures, "cross_entropy_smoothed");
    assertEquals(5, names.size(), "fixtures in " + names);
    for (String name : names) {
      float smoothing = Float.parseFloat(name.substring(name.indexOf("_eps") + 4));
      for (Backend backend : contract().backends()) {
        try (Region region = backend.region()) {
          Tensor logits = floats(region, fixtures, name + "/in/logits");
          logits.setGrad(region.allocate(DType.F32, logits.shape()));
          Tensor targets = integers(region, fixtures.ints(name + "/in/targets"));
          Tape tape = new Tape(backend, region, 1);
          Tensor loss = tape.crossEntropy(logits, targets, smoothing);
          tape.backward(loss, floats(region, fixtures, name + "/dout"), List.of(logits));
          requireClose(fixtures, name + "/out", loss, backend);
          requireClose(fixtures, name + "/grad/logits", logits.grad(), backend);
        }
      }
    }
  }

  /** Smoothing gives every class {@code eps / V}; fairseq's gives the others eps / (V - 1). */
  @Test
  default void smoothingIsPyTorchsAndFairseqsWithALargerOne() {
    Fixtures fixtures = Fixtures.load("/parity/translation.safetensors");
    for (Backend backend : contract().backends()) {
      try (Region region = backend.region()) {
        InferenceOps ops = new InferenceOps(backend, region);
        Tensor logits = floats(region, fixtures, "smoothing_kinds/in/logits");
        Tensor targets = integers(region, fixtures.ints("smoothing_kinds/in/targets"));
        float v = logits.dim(1);
        Tensor own = ops.crossEntropy(logits, targets, 0.1f);
        requireClose(fixtures, "smoothing_kinds/torch", own, backend);
        Tensor larger = ops.crossEntropy(logits, targets, 0.1f * v / (v - 1));
        requireClose(fixtures, "smoothing_kinds/fairseq", larger, backend);
      }
    }
  }

  /** Seven steps of warm-up and decay; the third has gradients near epsilon. */
  @Test
  default void adamOfTheTransformer() {
    Fixtures fixtures = Fixtures.load("/parity/translation.safetensors");
    float[] rates = fixtures.floats("adam/lr");
    assertEquals(7, rates.length);
    for (Backend backend : contract().backends()) {
      try (Region region = backend.region()) {
        Tensor param = floats(region, fixtures, "adam/param0");
        Tensor m = floats(region, new float[(int) param.size()], param.dim(0));
        Tensor v = floats(region, new float[(int) param.size()], param.dim(0));
        Tensor scale = floats(region, new float[] {1}, 1);
        for (int step = 1; step <= rates.length; step++) {
          float first = (float) (1 - Math.pow(0.9, step));
          float second = (float) (1 - Math.pow(0.98, step));
          Tensor hyper = floats(region, new float[] {rates[step - 1], first, second}, 3);
          Tensor grad = floats(region, fixtures, "adam/grad" + (step - 1));
          backend
              .optimizer()
              .adamW(
                  List.of(param),
                  List.of(m),
                  List.of(v),
                  List.of(grad),
                  hyper,
                  scale,
                  0.9f,
                  0.98f,
                  1e-9f,
                  0);
          requireClose(fixtures, "adam/param" + step, param, backend);
        }
      }
    }
  }

  /** The rows of a sequence as its steps, and one below the other: the same bits. */
  @Test
  default void crossAttentionOfBeams() {
    Fixtures fixtures = Fixtures.load("/parity/attention.safetensors");
    Set<String> names = cases(fixtures, "cross_padded");
    assertEquals(6, names.size(), "fixtures in " + names);
    for (String name : names) {
      int heads = Integer.parseInt(name.replaceFirst(".*_h(\\d+)_.*", "$1"));
      for (Backend backend : contract().backends()) {
        try (Region region = backend.region()) {
          InferenceOps ops = new InferenceOps(backend, region);
          Tensor q = floats(region, fixtures, name + "/in/q");
          Tensor kv = floats(region, fixtures, name + "/in/kv");
          Tensor lengths = integers(region, fixtures.ints(name + "/in/lengths"));
          Tensor out = ops.crossAttention(q, kv, lengths, heads);
          assertEquals(q.shape(), out.shape());
          requireClose(fixtures, name + "/out", out, backend);
          Shape beams = Shape.of(q.shape().rows(), 1, q.dim(2));
          Tensor apart = ops.crossAttention(q.reshape(beams), kv, lengths, heads);
          assertEquals(beams, apart.shape());
          assertSameBits(name + " in beams", out.toFloats(), apart.toFloats(), backend);
        }
      }
    }
  }

  /** What other sentences there are and how long, and how far one is padded, changes no bit. */
  @Test
  default void crossAttentionOfASentenceIsItsOwn() {
    int[] lengths = {70, 9, 131, 1};
    int beams = 4;
    int heads = 2;
    int c = heads * 24;
    int keys = 131;
    for (Backend backend : contract().backends()) {
      try (Scene scene = contract().scene(backend, "crossAttention alone and together");
          Region region = backend.region()) {
        InferenceOps ops = new InferenceOps(backend, region);
        Tensor q = scene.input("q", lengths.length * beams, 1, c);
        Tensor kv = scene.input("kv", lengths.length, keys, 2 * c);
        float[] together = ops.crossAttention(q, kv, integers(region, lengths), heads).toFloats();
        for (int b = 0; b < lengths.length; b++) {
          Tensor alone =
              ops.crossAttention(
                  part(q, b * beams, Shape.of(beams, 1, c)),
                  part(kv, b * keys, Shape.of(1, lengths[b], 2 * c)),
                  Tensor.NONE,
                  heads);
          float[] own = Arrays.copyOfRange(together, b * beams * c, (b + 1) * beams * c);
          assertSameBits("sentence " + b, own, alone.toFloats(), backend);
        }
      }
    }
  }

  /** A step that is run again reads its lists again, and takes no more memory. */
  @Test
  default void aRecordedStepOfASearchTakesNoMemory() {
    for (Backend backend : contract().backends()) {
      try (Scene scene = contract().scene(backend, "a step of a search");
          Region region = backend.region()) {
        Tensor kPages = scene.input("kPages", 5, 2, 24);
        Tensor vPages = scene.input("vPages", 5, 2, 24);
        Tensor from = integers(region, new int[] {0, 3});
        Tensor to = integers(region, new int[] {1, 3});
        Tensor q = scene.input("q", 6, 1, 24);
        Tensor kv = scene.input("kv", 2, 7, 48);
        InferenceOps ops = new InferenceOps(backend, region);
        ops.copyPages(kPages, vPages, from, to);
        float[] out = ops.crossAttention(q, kv, Tensor.NONE, 2).toFloats();
        float[] pages = kPages.toFloats();
        Program program = ops.program();
        long bytes = region.bytes();
        from.set(1, 2);
        to.set(4, 0);
        program.run();
        program.run();
        assertEquals(bytes, region.bytes());
        float[] now = kPages.toFloats();
        int page = 2 * 24;
        System.arraycopy(pages, page, pages, 4 * page, page);
        System.arraycopy(pages, 2 * page, pages, 0, page);
        assertSameBits("pages", pages, now, backend);
        region.rewind();
        Tensor again = new InferenceOps(backend, region).crossAttention(q, kv, Tensor.NONE, 2);
        assertSameBits("attention", out, again.toFloats(), backend);
        assertEquals(bytes, region.bytes());
      }
    }
  }

  private static Set<String> cases(Fixtures fixtures, String prefix) {
    Set<String> names = new TreeSet<>();
    for (String name : fixtures.names()) {
      if (name.startsWith(prefix)) {
        names.add(name.substring(0, name.indexOf('/')));
      }
    }
    return names;
  }

  private static void requireClose(Fixtures fixtures, String name, Tensor got, Backend backend) {
    Contract.requireClose(
        name + " on " + backend.description(),
        fixtures.floats(name),
        got.toFloats(),
        Tolerances.f32(Kernel.PARITY));
  }

  private static void assertSameBits(String what, float[] first, float[] second, Backend backend) {
    assertArrayEquals(Scene.bits(first), Scene.bits(second), what + " on " + backend.description());
  }

  private static Tensor part(Tensor x, int row, Shape shape) {
    return Tensor.over(shape, DType.F32, x.storage(), x.offset() + (long) row * x.dim(-1));
  }

  private static Tensor floats(Region region, Fixtures fixtures, String name) {
    return floats(region, fixtures.floats(name), fixtures.shape(name));
  }

  private static Tensor floats(Region region, float[] values, int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    tensor.set(values);
    return tensor;
  }

  private static Tensor integers(Region region, int[] values) {
    Tensor tensor = region.allocate(DType.I32, Shape.of(values.length));
    tensor.set(values);
    return tensor;
  }
}
