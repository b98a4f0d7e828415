package jambic.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be computed is refused in one sentence, with its numbers. */
@ParameterizedClass
@ValueSource(strings = {"cpu", "reference"})
class RefusalTest {
  private final Backend backend;
  private final Region region;
  private final Tape ops;

  RefusalTest(String name) {
    backend = Backends.open(name, 2);
    region = backend.region();
    ops = new Tape(backend, region, 1);
  }

  @AfterEach
  void close() {
    region.close();
    backend.close();
  }

  @Test
  void shapes() {
    refused(() -> Shape.of(2, 3).dim(5), "(2, 3) has no dimension 5");
    refused(() -> Shape.of(2, 3).dim(-3), "(2, 3) has no dimension -3");
    refused(Shape::of, "a shape has an extent at least; that of a scalar is (1)");
    refused(
        () -> Shape.of(1 << 30, 1 << 30, 1 << 30),
        "a shape has at most 2^63 - 1 elements, got [1073741824, 1073741824, 1073741824]");
    refused(() -> Shape.of(1 << 30, 4, 1).rows(), "(1073741824, 4, 1) has more than 2^31 - 1 rows");
    refused(
        () -> floats(2, 3).columns(Integer.MAX_VALUE, 1),
        "columns: F32(2, 3) has no part that begins with column 2147483647 and is 1 wide");
  }

  @Test
  void weightsThatLeadBack() {
    Tensor w = floats(4, 4);
    w.setGrad(floats(4, 4));
    Tensor computed = ops.linear(floats(4, 4), w, Tensor.NONE);
    Tensor row = computed.columns(0, 1);
    String why =
        " was computed on this tape, and no gradient goes on through a weight; compute it elsewhere";
    refused(
        () -> ops.linear(floats(2, 4), computed, Tensor.NONE),
        "linear: the weight F32(4, 4)" + why);
    refused(() -> ops.linear(floats(2, 4), w, row), "linear: the weight F32(4, 1)" + why);
    refused(
        () -> ops.layerNorm(floats(2, 4), row, Tensor.NONE, 1e-5f),
        "layerNorm: the weight F32(4, 1)" + why);
    refused(
        () -> ops.embed(region.allocate(DType.I32, Shape.of(1, 2)), computed, Tensor.NONE),
        "embed: the weight F32(4, 4)" + why);
  }

  @Test
  void columnsWhereRowsMustBeContiguous() {
    Tensor x = floats(2, 6).columns(2, 3);
    Tensor ids = region.allocate(DType.I32, Shape.of(1, 2));
    String message = ": needs contiguous rows, got columns F32(2, 3) of wider ones";
    refused(() -> ops.linear(x, floats(4, 3), Tensor.NONE), "linear" + message);
    refused(() -> ops.linear(floats(2, 3), x, Tensor.NONE), "linear" + message);
    refused(() -> ops.activate(x, Activation.RELU), "activate" + message);
    refused(() -> ops.layerNorm(x, floats(3), Tensor.NONE, 1e-5f), "layerNorm" + message);
    refused(() -> ops.dropout(x, 0.5f), "dropout" + message);
    refused(() -> ops.residual(floats(2, 3), x, 0), "residual" + message);
    refused(() -> ops.crossEntropy(x, ids, 0), "crossEntropy" + message);
    refused(() -> ops.embed(ids, x, Tensor.NONE), "embed" + message);
    refused(() -> ops.embed(ids, floats(2, 3), x), "embed" + message);
    refused(() -> floats(2, 3).setGrad(x), "setGrad" + message);
    Tensor tokens = region.allocate(DType.I32, Shape.of(2, 4)).columns(1, 3);
    String integers = message.replace("F32", "I32");
    refused(() -> ops.embed(tokens, floats(2, 3), Tensor.NONE), "embed" + integers);
    refused(() -> ops.crossEntropy(floats(6, 4), tokens, 0), "crossEntropy" + integers);
    refused(
        () -> ops.linearCrossEntropy(floats(6, 4), floats(5, 4), Tensor.NONE, tokens, 0),
        "linearCrossEntropy" + integers);
  }

  /** Columns of one row are contiguous. */
  @Test
  void takesAPartOfAVector() {
    Tensor biases = floats(12);
    biases.set(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    Tensor y = ops.linear(floats(1, 3), floats(4, 3), biases.columns(5, 4));
    assertThat(y.toFloats()).containsExactly(5, 6, 7, 8);
    assertThat(biases.columns(5, 2).toFloats()).containsExactly(5, 6);
  }

  @Test
  void anotherTypeThanTheBackendComputesIn() {
    Tensor x = Tensor.over(Shape.of(1, 2, 3), DType.BF16, floats(1, 2, 3).storage(), 0);
    String message = ": this backend's activations are F32, got BF16(1, 2, 3)";
    refused(() -> ops.linear(x, floats(4, 3), Tensor.NONE), "linear" + message);
    refused(() -> ops.causalAttention(x, 1, 0), "causalAttention" + message);
    refused(() -> floats(1, 2, 3).setGrad(x), "setGrad: F32(1, 2, 3) got a gradient BF16(1, 2, 3)");
    Tensor w = x.reshape(Shape.of(2, 3));
    refused(
        () -> ops.linear(floats(2, 3), w, Tensor.NONE), "linear: weights are F32, got BF16(2, 3)");
    Tensor loss = Tensor.over(Shape.of(1), DType.BF16, x.storage(), 0);
    refused(() -> ops.backward(loss, 1), "backward: a loss is one number of 32 bits, got BF16(1)");
  }

  @Test
  void integersForATensorOfFloats() {
    refused(
        () -> floats(2, 3).set(1, 2, 3, 4, 5, 6),
        "F32(2, 3) takes floats and got integers; write 1f instead of 1");
  }

  @Test
  void moreThreadsThanAnyMachineHasProcessorsFor() {
    for (int threads : new int[] {0, 1025, 100_000}) {
      refused(
          () -> Backends.open(backend.name(), threads),
          "threads must be from 1 to 1024, not " + threads);
    }
  }

  @Test
  void aTensorOfAClosedRegion() {
    Tensor w = floats(4, 3);
    Region other = backend.region();
    Tensor x = other.allocate(DType.F32, Shape.of(2, 3));
    Tensor ids = other.allocate(DType.I32, Shape.of(2, 3));
    other.close();
    String message = ": the region of F32(2, 3) is closed, and with it the tensor; use it before";
    refused(x::toFloats, "copy" + message);
    refused(() -> x.set(new float[6]), "copy" + message);
    refused(() -> ids.set(new int[6]), "copy" + message.replace("F32", "I32"));
    refused(ids::toInts, "copy" + message.replace("F32", "I32"));
    refused(() -> ops.linear(x, w, Tensor.NONE), "linear" + message);
    refused(() -> ops.residual(floats(2, 3), x, 0), "residual" + message);
    refused(() -> ops.activate(x, Activation.RELU), "activate" + message);
    refused(() -> ops.embed(ids, w, Tensor.NONE), "embed" + message.replace("F32", "I32"));
    refused(
        () -> ops.crossEntropy(floats(6, 4), ids, 0),
        "crossEntropy" + message.replace("F32", "I32"));
  }

  @Test
  void aTensorThatAResidualOrDropoutWroteOver() {
    Tensor x = floats(1, 2, 3);
    Tensor w = floats(3, 3);
    w.setGrad(floats(3, 3));
    Tensor g = floats(3);
    Tensor targets = region.allocate(DType.I32, Shape.of(2));
    targets.set(0, 1);
    Tensor y = ops.linear(x, w, Tensor.NONE);
    Tensor flat = y.reshape(Shape.of(2, 3));
    Tensor sum = ops.residual(x, y, 0);
    String message =
        ": F32(1, 2, 3) is gone, since residual reuses its memory; read it before that, or compute"
            + " it again";
    refused(() -> ops.linear(y, w, Tensor.NONE), "linear" + message);
    refused(() -> ops.linear(y, w, Tensor.NONE, Activation.RELU), "linear" + message);
    refused(() -> ops.linear(x, y, Tensor.NONE), "linear" + message);
    refused(() -> ops.activate(y, Activation.RELU), "activate" + message);
    refused(() -> ops.layerNorm(y, g, Tensor.NONE, 1e-5f), "layerNorm" + message);
    refused(() -> ops.causalAttention(y, 1, 0), "causalAttention" + message);
    refused(() -> ops.dropout(y, 0), "dropout" + message);
    refused(() -> ops.residual(y, x, 0), "residual" + message);
    refused(() -> ops.residual(x, y, 0), "residual" + message);
    refused(() -> ops.crossEntropy(y, targets, 0), "crossEntropy" + message);
    refused(() -> new InferenceOps(backend, region).linear(y, w, Tensor.NONE), "linear" + message);
    refused(y::toFloats, "copy" + message);
    refused(() -> y.set(new float[6]), "copy" + message);
    refused(flat::toFloats, "copy" + message.replace("1, 2, 3", "2, 3"));

    Tensor dropped = ops.dropout(sum, 0.5f);
    String inDropout = message.replace("residual", "dropout");
    refused(() -> ops.linear(sum, w, Tensor.NONE), "linear" + inDropout);

    Tensor loss = ops.crossEntropy(dropped, targets, 0);
    ops.backward(loss, 1);
    String inBackward = message.replace("residual", "backward");
    refused(dropped::toFloats, "copy" + inBackward);
    refused(() -> ops.residual(x, dropped, 0), "residual" + inBackward);
    refused(y::toFloats, "copy" + message);
    loss.toFloats();
  }

  @Test
  void integersWhereFloatsAreNeeded() {
    Tensor ids = region.allocate(DType.I32, Shape.of(1, 2, 3));
    refused(
        () -> ops.linear(ids, floats(4, 3), Tensor.NONE), "linear: needs floats, got I32(1, 2, 3)");
    refused(
        () -> ops.layerNorm(ids, floats(3), Tensor.NONE, 1e-5f),
        "layerNorm: needs floats, got I32(1, 2, 3)");
    refused(
        () -> ops.causalAttention(ids, 1, 0), "causalAttention: needs floats, got I32(1, 2, 3)");
    refused(() -> ops.dropout(ids, 0), "dropout: needs floats, got I32(1, 2, 3)");
    refused(() -> ops.residual(ids, ids, 0), "residual: needs floats, got I32(1, 2, 3)");
  }

  @Test
  void scalesOutOfRange() {
    for (float scale : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
      refused(
          () -> ops.selfAttention(floats(1, 4, 12), Tensor.NONE, 2, true, scale, 0),
          "selfAttention: a scale is above 0 and finite, got " + scale);
    }
  }

  @Test
  void numbersOutOfRange() {
    for (float p : new float[] {-0.1f, 1, 2, Float.NaN}) {
      String range = ": a probability to drop is at least 0 and below 1, got " + p;
      refused(() -> ops.dropout(floats(2, 3), p), "dropout" + range);
      refused(() -> ops.residual(floats(2, 3), floats(2, 3), p), "residual" + range);
      refused(() -> ops.causalAttention(floats(1, 4, 12), 2, p), "causalAttention" + range);
      refused(
          () -> ops.selfAttention(floats(1, 4, 12), Tensor.NONE, 2, false, 1, p),
          "selfAttention" + range);
      Tensor targets = region.allocate(DType.I32, Shape.of(2));
      refused(
          () -> ops.crossEntropy(floats(2, 5), targets, p),
          "crossEntropy: smoothing must be at least 0 and below 1, got " + p);
    }
    for (float eps : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
      refused(
          () -> ops.layerNorm(floats(2, 3), floats(3), Tensor.NONE, eps),
          "layerNorm: eps must be above 0 and finite, got " + eps);
    }
  }

  @Test
  void attentionOfShapesThatDoNotFit() {
    Tensor q = floats(2, 3, 4);
    Tensor kv = floats(2, 5, 8);
    Tensor lengths = region.allocate(DType.I32, Shape.of(2));
    refused(
        () -> ops.attention(floats(6, 4), kv, lengths, 2, false, 0),
        "attention: needs q (B, T, C), got F32(6, 4)");
    for (Tensor other : new Tensor[] {floats(2, 5, 4), floats(3, 5, 8), floats(10, 8)}) {
      refused(
          () -> ops.attention(q, other, lengths, 2, false, 0),
          "attention: q F32(2, 3, 4) needs kv (2, S, 8), got " + other);
    }
    refused(
        () -> ops.attention(q, kv, lengths, 3, false, 0),
        "attention: F32(2, 3, 4) has a width of 4, which 3 heads do not divide");
    refused(
        () -> ops.attention(q, kv, lengths, 2, true, 0),
        "attention: where it is causal, q F32(2, 3, 4) needs as many keys, got kv F32(2, 5, 8)");
    refused(
        () -> ops.attention(q, kv, region.allocate(DType.I32, Shape.of(3)), 2, false, 0),
        "attention: q F32(2, 3, 4) needs lengths (2), got I32(3)");
    refused(() -> ops.attention(q, kv, floats(2), 2, false, 0), "attention: needs I32, got F32(2)");
    refused(
        () -> ops.attention(q, kv, lengths, 2, false, 1),
        "attention: a probability to drop is at least 0 and below 1, got 1.0");
  }

  @Test
  void pagedAttentionOfPagesThatDoNotFit() {
    InferenceOps inference = new InferenceOps(backend, region);
    Tensor qkv = floats(1, 1, 12);
    Tensor pages = floats(2, 3, 4);
    Tensor rows = ints(0, 1);
    Tensor table = ints(0, 1).reshape(Shape.of(1, 2));
    refused(
        () ->
            inference.pagedAttention(
                qkv, floats(2, 3, 8).columns(0, 4), pages, rows, ints(0), table, 2, 1),
        "pagedAttention: needs contiguous rows, got columns F32(2, 3, 4) of wider ones");
    Tensor integers = region.allocate(DType.I32, pages.shape());
    refused(
        () -> inference.pagedAttention(qkv, pages, integers, rows, ints(0), table, 2, 1),
        "pagedAttention: needs floats, got I32(2, 3, 4)");
    refused(
        () -> inference.pagedAttention(qkv, pages, floats(2, 3, 8), rows, ints(0), table, 2, 1),
        "pagedAttention: qkv F32(1, 1, 12) needs pages (P, S, 4), got F32(2, 3, 4) and F32(2, 3, 8)");
  }

  @Test
  void copiesOfPagesThatDoNotFit() {
    InferenceOps inference = new InferenceOps(backend, region);
    Tensor pages = floats(4, 2, 3);
    Tensor list = ints(0, 1);
    for (Tensor other : new Tensor[] {floats(4, 2, 4), floats(8, 3)}) {
      refused(
          () -> inference.copyPages(pages, other, list, list),
          "copyPages: needs pages (P, S, C) of keys, and of values alike, got F32(4, 2, 3) and "
              + other);
    }
    refused(
        () -> inference.copyPages(pages, pages.columns(0, 1), list, list),
        "copyPages: needs contiguous rows, got columns F32(4, 2, 1) of wider ones");
    refused(
        () -> inference.copyPages(pages, pages, list, ints(1)),
        "copyPages: needs as many I32 pages to copy from as to copy to, got I32(2) and I32(1)");
    refused(
        () -> inference.copyPages(pages, pages, Tensor.NONE, Tensor.NONE),
        "copyPages: needs as many I32 pages to copy from as to copy to, got none and none");
    refused(
        () -> inference.copyPages(pages, pages, list, floats(2)),
        "copyPages: needs I32, got F32(2)");
    refused(
        () -> inference.copyPages(pages, pages, ints(0, 4), list),
        "copyPages: page 4 at index 1 of I32(2) is not in [0, 4)");
    refused(
        () -> inference.copyPages(pages, pages, list, ints(0, -1)),
        "copyPages: page -1 at index 1 of I32(2) is not in [0, 4)");
  }

  @Test
  void copiesOfPagesWhoseOrderWouldCount() {
    InferenceOps inference = new InferenceOps(backend, region);
    Tensor keys = floats(4, 1, 1);
    Tensor values = floats(4, 1, 1);
    float[] content = {1, 2, 3, 4};
    keys.set(content);
    values.set(content);
    String why = ", but a page that is written is neither read nor written again in the same call";
    refused(
        () -> inference.copyPages(keys, values, ints(0, 1), ints(1, 2)),
        "copyPages: page 1 is the target at index 0 and a source at index 1" + why);
    refused(
        () -> inference.copyPages(keys, values, ints(3, 0, 1), ints(3, 2, 2)),
        "copyPages: page 2 is the target at index 1 and a target at index 2" + why);
    assertThat(keys.toFloats()).containsExactly(content);
    assertThat(values.toFloats()).containsExactly(content);
    inference.copyPages(keys, values, ints(1, 0, 1, 0), ints(1, 2, 1, 3));
    assertThat(keys.toFloats()).containsExactly(1, 2, 1, 1);
    assertThat(values.toFloats()).containsExactly(1, 2, 1, 1);
  }

  @Test
  void crossAttentionOfShapesThatDoNotFit() {
    InferenceOps inference = new InferenceOps(backend, region);
    Tensor q = floats(6, 1, 4);
    Tensor kv = floats(2, 5, 8);
    refused(
        () -> inference.crossAttention(floats(6, 4), kv, Tensor.NONE, 2),
        "crossAttention: needs q (R, T, C), got F32(6, 4)");
    refused(
        () -> inference.crossAttention(floats(6, 1, 8).columns(0, 4), kv, Tensor.NONE, 2),
        "crossAttention: needs contiguous rows, got columns F32(6, 1, 4) of wider ones");
    for (Tensor other : new Tensor[] {floats(4, 5, 8), floats(2, 5, 4), floats(10, 8)}) {
      refused(
          () -> inference.crossAttention(q, other, Tensor.NONE, 2),
          "crossAttention: q F32(6, 1, 4) needs kv (B, S, 8) with B a divisor of 6, got " + other);
    }
    refused(
        () -> inference.crossAttention(q, kv, Tensor.NONE, 3),
        "crossAttention: F32(6, 1, 4) has a width of 4, which 3 heads do not divide");
    refused(
        () -> inference.crossAttention(q, kv, ints(1, 2, 3), 2),
        "crossAttention: kv F32(2, 5, 8) needs lengths (2), got I32(3)");
    refused(
        () -> inference.crossAttention(q, kv, ints(5, 6), 2),
        "attention: length 6 at index 1 of I32(2) is not in [1, 5]");
  }

  @Test
  void rowsProductsAndLogProbsThatDoNotFit() {
    Tensor x = floats(2, 3, 4);
    Tensor index = region.allocate(DType.I32, Shape.of(6));
    refused(() -> ops.rows(x, floats(2)), "rows: needs I32, got F32(2)");
    refused(() -> ops.rows(index, index), "rows: needs floats, got I32(6)");
    refused(() -> ops.rows(x, Tensor.NONE), "rows: needs I32 (M), got none");
    refused(() -> ops.multiply(x, floats(6, 4)), "multiply: a F32(2, 3, 4) and b F32(6, 4) differ");
    refused(
        () -> ops.scale(x, Float.POSITIVE_INFINITY),
        "scale: the factor must be finite, got Infinity");
    for (float temperature : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
      refused(
          () -> ops.logProbs(x, floats(5, 4), Tensor.NONE, index, temperature),
          "logProbs: temperature must be above 0 and finite, got " + temperature);
    }
    refused(
        () -> ops.logProbs(x, floats(5, 3), Tensor.NONE, index, 1),
        "logProbs: x F32(2, 3, 4) needs w (n, 4), got F32(5, 3)");
    Tensor few = region.allocate(DType.I32, Shape.of(5));
    refused(
        () -> ops.logProbs(x, floats(5, 4), Tensor.NONE, few, 1),
        "logProbs: F32(2, 3, 4) needs I32 targets, one a row, got I32(5)");
  }

  @Test
  void losesNoMemoryByAWrongRelease() {
    Region other = backend.region();
    Tensor x = other.allocate(DType.F32, Shape.of(2, 3));
    String message = "release: the tensor F32(2, 3) is not of this region, or released already";
    refused(() -> region.release(x), message);
    other.release(x);
    refused(() -> other.release(x), message);
    Tensor again = other.allocate(DType.F32, Shape.of(2, 3));
    other.rewind();
    refused(() -> other.release(again), message);
    other.close();
    other.close();
    refused(
        () -> other.allocate(DType.F32, Shape.of(2)),
        "the region is closed, and with it what it belongs to; a tensor F32(2) needs an open one");
  }

  @Test
  void aLossOfAnotherTapeOrASecondTime() {
    String message =
        "backward: no operation of this tape made the loss of something trained, or its gradients"
            + " are taken already";
    refused(() -> ops.backward(floats(1), 1), message);
    Tensor w = floats(5, 3);
    w.setGrad(floats(5, 3));
    Tensor targets = region.allocate(DType.I32, Shape.of(2));
    targets.set(0, 1);
    Tensor loss = ops.crossEntropy(ops.linear(floats(2, 3), w, Tensor.NONE), targets, 0);
    refused(() -> new Tape(backend, region, 1).backward(loss, 1), message);
    ops.backward(loss, 1);
    refused(() -> ops.backward(loss, 1), message);
  }

  @Test
  void aClosedBackend() {
    Program program = backend.capture(() -> {});
    program.run();
    Tensor x = floats(2, 3);
    Tensor w = floats(4, 3);
    backend.close();
    String message = "the backend " + backend.name() + " is closed; open another";
    refused(() -> ops.linear(x, w, Tensor.NONE), message);
    refused(program::run, message);
    refused(backend::region, message);
  }

  private Tensor ints(int... values) {
    Tensor tensor = region.allocate(DType.I32, Shape.of(values.length));
    tensor.set(values);
    return tensor;
  }

  private Tensor floats(int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    tensor.set(new float[(int) tensor.size()]);
    return tensor;
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(JambicException.class).hasMessage(message);
  }
}
