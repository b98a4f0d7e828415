package jambic.cuda;

import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.DecodeOps;
import jambic.tensor.Philox;
import jambic.tensor.Precision;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.lang.annotation.Annotation;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

/** What {@link EmulatedTest} runs where kernels are emulated. A line for each test. */
final class EmulatedMain {
  private EmulatedMain() {}

  public static void main(String[] scenario) throws ReflectiveOperationException {
    switch (scenario[0]) {
      case "contract" -> contract(new CudaContractTest());
      case "tf32" -> contract(new CudaTf32Test());
      case "bf16" -> bf16();
      case "copies" -> EmulatedCopies.run();
      case "kernels" -> EmulatedKernels.all();
      case "heads" -> EmulatedKernels.heads();
      case "attention" -> EmulatedAttention.run();
      default -> throw new IllegalArgumentException(scenario[0]);
    }
  }

  /** Every test of a contract, without the launcher of JUnit, which is not on the class path. */
  private static void contract(Object contract) throws ReflectiveOperationException {
    for (Method opening : methods(contract, BeforeAll.class)) {
      invoke(opening, contract);
    }
    for (Method test : methods(contract, Test.class)) {
      String outcome;
      try {
        invoke(test, contract);
        outcome = "passed";
      } catch (InvocationTargetException e) {
        boolean aborted = e.getCause() instanceof TestAbortedException;
        outcome = (aborted ? "skipped " : "failed ") + e.getCause().getMessage();
      }
      System.out.println(test.getName() + " " + outcome.replace('\n', ' '));
    }
    for (Method closing : methods(contract, AfterAll.class)) {
      invoke(closing, contract);
    }
  }

  private static List<Method> methods(Object suite, Class<? extends Annotation> kind) {
    Class<?> type = suite.getClass();
    return Stream.of(
            type.getMethods(), type.getDeclaredMethods(), type.getSuperclass().getDeclaredMethods())
        .flatMap(Arrays::stream)
        .filter(method -> method.isAnnotationPresent(kind))
        .distinct()
        .sorted(Comparator.comparing(Method::getName))
        .toList();
  }

  private static void invoke(Method method, Object target) throws ReflectiveOperationException {
    method.setAccessible(true);
    method.invoke(target);
  }

  /** Sequences, tokens, heads and head size of a small model. */
  private record Size(int batch, int steps, int heads, int head) {
    /** The tanh form of GELU is a part of products, the other is not. */
    Activation activation() {
      return heads > 1 ? Activation.GELU_TANH : Activation.GELU_ERF;
    }

    int width() {
      return heads * head;
    }
  }

  /** A loss, and gradients by parameter. */
  private record Gradients(double loss, List<float[]> all) {}

  /** A block of a GPT with every kernel in it, in bfloat16 beside the reference in 32 bits. */
  private static void bf16() {
    List<Size> sizes =
        List.of(
            new Size(2, 17, 3, 8),
            new Size(1, 70, 2, 24),
            new Size(1, 130, 1, 64),
            new Size(2, 33, 1, 128));
    for (Size size : sizes) {
      Gradients expected = train("reference", Precision.BEST, size);
      Gradients got = train("cuda", Precision.BF16, size);
      double worst = Math.abs(got.loss - expected.loss) / expected.loss;
      for (int i = 0; i < expected.all.size(); i++) {
        worst = Math.max(worst, distance(expected.all.get(i), got.all.get(i)));
      }
      report(size.toString(), worst);
      report(
          size + " in pages",
          distance(
              decode("reference", Precision.BEST, size), decode("cuda", Precision.BF16, size)));
    }
  }

  /** Eight bits of a mantissa, through a dozen operations. */
  private static void report(String what, double worst) {
    System.out.println(what + (worst < 0.03 ? " passed" : " failed: off by " + worst));
  }

  static double distance(float[] expected, float[] got) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(got[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / norm);
  }

  private static Gradients train(String name, Precision precision, Size size) {
    int vocabulary = 67;
    int c = size.width();
    float p = 0.1f;
    try (Backend backend = Backends.open(name, 1, precision);
        Region weights = backend.region();
        Region region = backend.region()) {
      List<Tensor> parameters = new ArrayList<>();
      Tensor wte = parameter(weights, parameters, 1, vocabulary, c);
      Tensor wpe = parameter(weights, parameters, 1, size.steps, c);
      Tensor g = parameter(weights, parameters, 1, c);
      Tensor b = parameter(weights, parameters, 1, c);
      Tensor qkv = parameter(weights, parameters, c, 3 * c, c);
      Tensor qkvBias = parameter(weights, parameters, 1, 3 * c);
      Tensor project = parameter(weights, parameters, c, c, c);
      Tensor up = parameter(weights, parameters, c, 4 * c, c);
      Tensor upBias = parameter(weights, parameters, 1, 4 * c);
      Tensor down = parameter(weights, parameters, 4 * c, c, 4 * c);
      Tensor head = parameter(weights, parameters, c, vocabulary, c);
      Tensor ids = tokens(weights, 100, vocabulary, size);
      Tensor targets = tokens(weights, 101, vocabulary, size);
      backend.elementwise().fill(parameters.stream().map(Tensor::grad).toList(), 0);
      Tape tape = new Tape(backend, region, 42);
      Tensor x = tape.dropout(tape.embed(ids, wte, wpe), p);
      Tensor attended =
          tape.causalAttention(
              tape.linear(tape.layerNorm(x, g, b, 1e-5f), qkv, qkvBias), size.heads, p);
      x = tape.residual(x, tape.linear(attended, project, Tensor.NONE), p);
      Tensor hidden = tape.linear(tape.layerNorm(x, g, b, 1e-5f), up, upBias, size.activation());
      x = tape.residual(x, tape.linear(hidden, down, Tensor.NONE), p);
      Tensor logits = tape.linear(tape.layerNorm(x, g, b, 1e-5f), head, Tensor.NONE);
      Tensor loss = tape.crossEntropy(logits, targets, 0.1f);
      tape.backward(loss, 1);
      return new Gradients(
          loss.toFloats()[0], parameters.stream().map(w -> w.grad().toFloats()).toList());
    }
  }

  /**
   * All but the last token of every sequence, then the last: the scores of the next, last first.
   */
  private static float[] decode(String name, Precision precision, Size size) {
    int vocabulary = 67;
    int c = size.width();
    int page = 16;
    int width = Math.ceilDiv(size.steps, page);
    try (Backend backend = Backends.open(name, 1, precision);
        Region memory = backend.region();
        Region region = backend.region()) {
      List<Tensor> parameters = new ArrayList<>();
      Tensor wte = parameter(memory, parameters, 1, vocabulary, c);
      Tensor wpe = parameter(memory, parameters, 1, size.steps, c);
      Tensor qkv = parameter(memory, parameters, c, 3 * c, c);
      Tensor up = parameter(memory, parameters, c, c, c);
      Tensor head = parameter(memory, parameters, c, vocabulary, c);
      Shape pool = Shape.of(size.batch * width, page, c);
      Tensor keys = memory.allocate(backend.activationType(), pool);
      Tensor values = memory.allocate(backend.activationType(), pool);
      Tensor pages = integers(memory, i -> i, size.batch, width);
      DecodeOps ops = new DecodeOps(backend, region);
      Tensor out = Tensor.NONE;
      for (int[] piece : new int[][] {{0, size.steps - 1}, {size.steps - 1, 1}}) {
        int start = piece[0];
        int count = piece[1];
        int rows = size.batch * count;
        Tensor ids = integers(region, i -> (i + start) * 31 % vocabulary, rows, 1);
        Tensor positions = integers(region, i -> start + i % count, rows);
        out =
            ops.pagedAttention(
                ops.linear(ops.embedAt(ids, wte, wpe, positions, 1), qkv, Tensor.NONE),
                keys,
                values,
                integers(region, i -> i * count, size.batch + 1),
                integers(region, i -> start, size.batch),
                pages,
                size.heads,
                0.3f);
      }
      Tensor backwards = integers(region, i -> size.batch - 1 - i, size.batch, 1);
      Tensor looked = ops.embed(backwards, out.reshape(Shape.of(size.batch, c)), Tensor.NONE);
      Tensor hidden = ops.linear(looked, up, Tensor.NONE, size.activation());
      return ops.linear(hidden, head, Tensor.NONE).toFloats();
    }
  }

  private static Tensor integers(Region region, IntUnaryOperator value, int... dims) {
    Tensor integers = region.allocate(DType.I32, Shape.of(dims));
    integers.set(IntStream.range(0, Math.toIntExact(integers.size())).map(value).toArray());
    return integers;
  }

  /** Normal numbers, scaled by the root of the summands of a product. */
  private static Tensor parameter(Region region, List<Tensor> all, int summands, int... dims) {
    Tensor parameter = region.allocate(DType.F32, Shape.of(dims));
    Philox random = new Philox(7, all.size());
    float[] values = new float[Math.toIntExact(parameter.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(summands));
    }
    parameter.set(values);
    parameter.setGrad(region.allocate(DType.F32, Shape.of(dims)));
    all.add(parameter);
    return parameter;
  }

  private static Tensor tokens(Region region, int stream, int vocabulary, Size size) {
    Philox random = new Philox(7, stream);
    return integers(region, i -> random.nextInt(vocabulary), size.batch, size.steps);
  }
}
