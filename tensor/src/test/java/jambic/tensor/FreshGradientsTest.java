package jambic.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.ElementwiseKernels;
import jambic.tensor.spi.LinearKernels;
import jambic.tensor.spi.Region;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Gradients that are overwritten have the bits of those that were cleared before, whatever they
 * hold, and no more of them is cleared than has to be.
 */
class FreshGradientsTest {
  private static final int C = 4;
  private static final int V = 5;
  private static final Tensor NONE = Tensor.NONE;

  private final List<String> launched = new ArrayList<>();
  private final Backend reference = Backends.open("reference", 1);
  private final Backend backend = noting();
  private final Region weights = backend.region();
  private final Region step = backend.region();
  private final Philox random = new Philox(11, 0);
  private final Map<String, Tensor> trained = new LinkedHashMap<>();
  private final Tensor ids = ints(0, 1, 2, 3, 2, 0);
  private final Tensor targets = ints(1, 2, -1, 4, 0, 1);
  private final Tensor wte = weight("wte", V, C);
  private final Tensor wpe = weight("wpe", 3, C);
  private final Tensor w = weight("w", C, C);
  private final Tensor b = weight("b", C);
  private final Tensor up = weight("up", C, C);
  private final Tensor head = weight("head", V, C);

  @AfterEach
  void close() {
    step.close();
    weights.close();
    backend.close();
  }

  @Test
  void linearLayersOverwriteAndTheRestIsClearedAtOnce() {
    Tensor g = weight("g", C);
    weight("unused", C, C);
    check(
        ops -> {
          Tensor x = ops.embed(ids, wte, wpe);
          Tensor h = ops.linear(ops.layerNorm(x, g, NONE, 1e-5f), w, b, Activation.GELU_TANH);
          x = ops.residual(x, ops.linear(h, up, NONE), 0);
          return scored(ops, ops.layerNorm(x, g, NONE, 1e-5f));
        },
        "clear g wte wpe unused",
        "overwrite head",
        "overwrite up",
        "overwrite b",
        "overwrite w");
  }

  @Test
  void aBiasTrainsWhereItsWeightIsFrozen() {
    w.setGrad(NONE);
    check(
        ops -> scored(ops, ops.linear(ops.embed(ids, wte, wpe), w, b)),
        "clear wte wpe up",
        "overwrite head",
        "overwrite b");
    assertThat(b.grad().toFloats()).doesNotContain(0);
  }

  /**
   * The bias is no longer fresh when the backward pass meets the first layer, and the weight is.
   */
  @Test
  void aWeightThatIsAnInputTooIsNotOverwritten() {
    Tensor classes = ints(Shape.of(C), 1, 0, 3, 2);
    check(
        ops -> ops.crossEntropy(ops.linear(ops.linear(w, w, b), up, b), classes, 0),
        "clear w wte wpe head",
        "overwrite up b",
        "add w b");
    check(
        ops -> ops.linearCrossEntropy(ops.linear(b, w, b), up, b, ints(Shape.of(1), 2), 0),
        "clear w wte wpe head",
        "overwrite up b",
        "add w b");
  }

  @Test
  void aWeightThatIsItsOwnBiasIsNotOverwrittenTwice() {
    Tensor column = weight("column", C, 1);
    Tensor x = weights.allocate(DType.F32, Shape.of(1, 1));
    x.set(0.7f);
    check(
        ops -> ops.linearCrossEntropy(x, column, column, ints(Shape.of(1), 2), 0),
        "clear column wte wpe w b up head",
        "add column column");
  }

  @Test
  void anEmbeddingAddsToTheTiedHead() {
    check(
        ops -> ops.crossEntropy(ops.linear(ops.embed(ids, wte, wpe), wte, NONE), targets, 0),
        "clear wpe w b up head",
        "overwrite wte");
  }

  /** The backward pass meets the embedding before the linear layer. */
  @Test
  void aLinearLayerAddsToWhatAnEmbeddingHasAddedTo() {
    check(
        ops -> {
          Tensor x = ops.linear(ops.embed(ids, wte, wpe), w, b);
          return scored(ops, ops.residual(x, ops.embed(ids, w, NONE), 0));
        },
        "clear w b wte wpe up",
        "overwrite head",
        "add w b");
  }

  @Test
  void theFirstOfTwoLayersWithOneWeightOverwritesIt() {
    check(twoLayers(w, NONE, w, b), "clear wte wpe up", "overwrite head", "overwrite w b", "add w");
  }

  @Test
  void aLayerOfWhichOnlyTheWeightIsFreshAdds() {
    check(twoLayers(w, b, up, b), "clear w wte wpe", "overwrite head", "overwrite up b", "add w b");
  }

  @Test
  void aLayerOfWhichOnlyTheBiasIsFreshAdds() {
    check(
        twoLayers(w, b, w, NONE), "clear b wte wpe up", "overwrite head", "overwrite w", "add w b");
  }

  @Test
  void frozenTensorsHaveNoGradients() {
    b.setGrad(NONE);
    wpe.setGrad(NONE);
    check(
        ops -> scored(ops, ops.linear(ops.embed(ids, wte, wpe), w, b)),
        "clear wte up",
        "overwrite head",
        "overwrite w");
  }

  @Test
  void adaptersBesideFrozenWeightsAreOverwritten() {
    Tensor down = weight("down", 2, C);
    Tensor out = weight("out", C, 2);
    Stream.of(wte, wpe, w, b, up, head).forEach(tensor -> tensor.setGrad(NONE));
    check(
        ops -> {
          Tensor x = ops.embed(ids, wte, wpe);
          Tensor adapted = ops.linear(ops.linear(x, down, NONE), out, NONE);
          return scored(ops, ops.residual(ops.linear(x, w, b), adapted, 0));
        },
        "overwrite out",
        "overwrite down");
  }

  @Test
  void whatALayerWouldHaveWrittenThatLeadsNowhereIsCleared() {
    check(
        ops -> {
          Tensor x = ops.embed(ids, wte, wpe);
          ops.linear(x, w, b);
          return scored(ops, x);
        },
        "clear wte wpe w b up",
        "overwrite head");
  }

  @Test
  void othersAreAddedTo() {
    Function<Ops, Tensor> model = ops -> scored(ops, ops.linear(ops.embed(ids, wte, NONE), w, b));
    fill(0);
    new Way(model, List.of());
    float[] once = head.grad().toFloats();
    fill(Float.NaN);
    reference.elementwise().fill(List.of(head.grad()), 1);
    Way way = new Way(model, List.of(wte, w, b));
    assertThat(launched).containsExactly("clear wte", "add head", "overwrite w b");
    way.tape.program().run();
    for (int i = 0; i < once.length; i++) {
      assertThat(head.grad().toFloats()[i]).isCloseTo(1 + 2 * once[i], within(1e-6f));
    }
  }

  @Test
  void aTapeThatGoesOnBeginsAnewOrAdds() {
    Function<Ops, Tensor> model = ops -> scored(ops, ops.linear(ops.embed(ids, wte, NONE), w, b));
    Function<Ops, Tensor> other = ops -> scored(ops, ops.linear(ops.embed(ids, wte, wpe), up, b));
    fill(0);
    new Way(model, List.of());
    new Way(other, List.of());
    Map<String, float[]> both = gradients();
    fill(Float.NaN);
    Way way = new Way(model, all());
    launched.clear();
    way.tape.backward(other.apply(way.tape), 1);
    assertThat(launched).containsExactly("add head", "add up b");
    assertThat(gradients()).usingRecursiveComparison().isEqualTo(both);
    fill(Float.NaN);
    way.tape.program().run();
    assertThat(gradients()).usingRecursiveComparison().isEqualTo(both);
  }

  /** Forward and back on a new tape. */
  private final class Way {
    private final Tape tape;

    Way(Function<Ops, Tensor> model, List<Tensor> anew) {
      step.rewind();
      tape = new Tape(backend, step, 1);
      Tensor loss = model.apply(tape);
      launched.clear();
      tape.backward(loss, 1, anew);
    }
  }

  /** Compares with gradients that were cleared, also when the program runs. */
  private void check(Function<Ops, Tensor> model, String... launches) {
    fill(0);
    new Way(model, List.of());
    assertThat(launched).allMatch(launch -> launch.startsWith("add "));
    Map<String, float[]> cleared = gradients();
    fill(Float.NaN);
    Tape tape = new Way(model, all()).tape;
    assertThat(launched).containsExactly(launches);
    assertThat(gradients()).usingRecursiveComparison().isEqualTo(cleared);
    fill(Float.NaN);
    launched.clear();
    tape.program().run();
    assertThat(launched).containsExactly(launches);
    assertThat(gradients()).usingRecursiveComparison().isEqualTo(cleared);
  }

  private Function<Ops, Tensor> twoLayers(Tensor w1, Tensor b1, Tensor w2, Tensor b2) {
    return ops -> {
      Tensor x = ops.linear(ops.embed(ids, wte, wpe), w1, b1);
      return scored(ops, ops.linear(x, w2, b2));
    };
  }

  private Tensor scored(Ops ops, Tensor x) {
    return ops.crossEntropy(ops.linear(x, head, NONE), targets, 0);
  }

  private List<Tensor> all() {
    return List.copyOf(trained.values());
  }

  private void fill(float value) {
    reference
        .elementwise()
        .fill(all().stream().map(Tensor::grad).filter(dx -> !dx.isNone()).toList(), value);
  }

  private Map<String, float[]> gradients() {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    trained.forEach((name, tensor) -> {
      if (!tensor.grad().isNone()) {
        gradients.put(name, tensor.grad().toFloats());
      }
    });
    return gradients;
  }

  /** The reference backend, which also notes what becomes of gradients of trained tensors. */
  private Backend noting() {
    LinearKernels linear =
        proxy(
            LinearKernels.class,
            (proxy, method, arguments) -> {
              String name = method.getName();
              if (name.equals("backwardWeight") || name.equals("backwardActivated")) {
                String verb = (boolean) arguments[arguments.length - 1] ? "add " : "overwrite ";
                Tensor dw = name.equals("backwardWeight") ? (Tensor) arguments[0] : NONE;
                launched.add(verb + names(dw, (Tensor) arguments[1]));
              }
              return method.invoke(reference.linear(), arguments);
            });
    ElementwiseKernels elementwise =
        proxy(
            ElementwiseKernels.class,
            (proxy, method, arguments) -> {
              if (method.getName().equals("fill") && (float) arguments[1] == 0) {
                launched.add("clear " + names(((List<?>) arguments[0]).toArray(Tensor[]::new)));
              }
              return method.invoke(reference.elementwise(), arguments);
            });
    return proxy(
        Backend.class,
        (proxy, method, arguments) ->
            switch (method.getName()) {
              case "linear" -> linear;
              case "elementwise" -> elementwise;
              default -> method.invoke(reference, arguments);
            });
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private String names(Tensor... gradients) {
    return Stream.of(gradients)
        .filter(gradient -> !gradient.isNone())
        .map(gradient ->
            trained.entrySet().stream()
                .filter(entry -> entry.getValue().grad() == gradient)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow())
        .collect(Collectors.joining(" "));
  }

  private Tensor weight(String name, int... dims) {
    Tensor tensor = weights.allocate(DType.F32, Shape.of(dims));
    float[] values = new float[(int) tensor.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.5 * random.nextGaussian());
    }
    tensor.set(values);
    tensor.setGrad(weights.allocate(DType.F32, tensor.shape()));
    trained.put(name, tensor);
    return tensor;
  }

  private Tensor ints(int... values) {
    return ints(Shape.of(2, 3), values);
  }

  private Tensor ints(Shape shape, int... values) {
    Tensor tensor = weights.allocate(DType.I32, shape);
    tensor.set(values);
    return tensor;
  }
}
