package jambic.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import jambic.tensor.Precision;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.spi.UnavailableException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** What {@link FakeDriverTest} runs where only the fake driver is: a scenario a start. */
final class FakeDriverMain {
  private FakeDriverMain() {}

  public static void main(String[] scenario) throws InterruptedException {
    try {
      switch (scenario[0]) {
        case "probe" -> probe();
        case "open" -> open(Precision.valueOf(scenario[1]));
        case "auto" -> auto(name -> name.equals("cuda") ? Precision.BF16 : Precision.BEST);
        case "auto-bf16" -> auto(_ -> Precision.BF16);
        case "refused" -> refused();
        case "linear" -> linear();
        case "steps" -> steps();
        case "staging" -> staging();
        case "recording" -> recording();
        case "forgotten" -> forgotten();
        case "memory" -> memory(scenario.length > 1);
        case "launch" -> launch();
        default -> throw new IllegalArgumentException(scenario[0]);
      }
    } catch (JambicException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }

  private static void probe() {
    CudaProvider provider = new CudaProvider();
    System.out.println(provider.probe());
    provider.details().forEach(System.out::println);
  }

  private static void open(Precision precision) {
    try (Backend backend = Backends.open("cuda", 1, precision)) {
      System.out.println(backend.description());
      System.out.println("activations " + backend.activationType());
    }
    balance();
  }

  private static void auto(Function<String, Precision> precision) {
    Backends.Choice choice = Backends.choose(1, precision);
    try (Backend backend = choice.backend()) {
      System.out.println("on " + backend.name());
    }
    choice
        .passedOver()
        .forEach((name, why) -> System.out.println("not on " + name + ": " + why.reason()));
  }

  private static void refused() {
    try (Backend backend = Backends.open("cuda", 1)) {
      System.out.println("not refused: " + backend.description());
    } catch (UnavailableException e) {
      System.out.println(e.getMessage());
      System.out.println("contexts " + count("fakeContexts"));
    }
  }

  private static void balance() {
    System.out.println("objects " + count("fakeObjects") + ", bytes " + count("fakeBytes"));
  }

  static long count(String function) {
    try {
      return (long)
          Linker.nativeLinker()
              .downcallHandle(
                  SymbolLookup.loaderLookup().findOrThrow(function),
                  FunctionDescriptor.of(JAVA_LONG))
              .invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Products of every kind, beside those of the reference backend. */
  private static void linear() {
    double worst = 0;
    for (int[] size : new int[][] {{1, 1, 1}, {3, 5, 7}, {16, 8, 24}, {17, 63, 9}}) {
      float[][] expected = products("reference", size);
      float[][] got = products("cuda", size);
      for (int i = 0; i < got.length; i++) {
        for (int j = 0; j < got[i].length; j++) {
          worst = Math.max(worst, Math.abs(got[i][j] - expected[i][j]));
        }
      }
    }
    System.out.println(worst < 1e-5 ? "products agree" : "products differ by " + worst);
    balance();
  }

  private static float[][] products(String name, int[] size) {
    int m = size[0];
    int n = size[1];
    int k = size[2];
    try (Backend backend = Backends.open(name, 1, Precision.FP32);
        Region region = backend.region()) {
      Tensor x = normal(region, 1, m, k);
      Tensor w = normal(region, 2, n, k);
      Tensor b = normal(region, 3, n);
      Tensor dout = normal(region, 4, m, n);
      Tensor out = normal(region, 5, m, n);
      Tensor biased = normal(region, 5, m, n);
      Tensor dx = normal(region, 6, m, k);
      Tensor added = normal(region, 7, m, k);
      Tensor dw = normal(region, 8, n, k);
      Tensor sum = normal(region, 9, n, k);
      backend.linear().forward(out, x, w, Tensor.NONE);
      backend.linear().forward(biased, x, w, b);
      backend.linear().backwardInput(dx, dout, w, false);
      backend.linear().backwardInput(added, dout, w, true);
      backend.linear().backwardWeight(dw, Tensor.NONE, dout, x, false);
      backend.linear().backwardWeight(sum, Tensor.NONE, dout, x, true);
      return List.of(out, biased, dx, added, dw, sum).stream()
          .map(Tensor::toFloats)
          .toArray(float[][]::new);
    }
  }

  private static Tensor normal(Region region, int stream, int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    Philox random = new Philox(1, stream);
    float[] values = new float[Math.toIntExact(tensor.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    tensor.set(values);
    return tensor;
  }

  /** Ten thousand captured steps over a region that is rewound: the memory of the first. */
  private static void steps() {
    try (Backend backend = Backends.open("cuda", 1, Precision.FP32);
        Region weights = backend.region();
        Region region = backend.region()) {
      Tensor w = normal(weights, 1, 8, 8);
      Tensor x = weights.allocate(DType.F32, Shape.of(4, 8));
      Tensor captured = weights.allocate(DType.F32, Shape.of(4, 8));
      Runnable body =
          () -> {
            region.rewind();
            Tensor hidden = region.allocate(DType.F32, Shape.of(4, 8));
            backend.linear().forward(hidden, x, w, Tensor.NONE);
            backend.linear().forward(captured, hidden, w, Tensor.NONE);
          };
      x.set(new float[32]);
      Program inner = backend.capture(body);
      Program program = backend.capture(inner::run);
      program.run();
      long allocations = count("fakeAllocations");
      long bytes = count("fakeBytes");
      long objects = count("fakeObjects");
      boolean same = true;
      float[] values = new float[32];
      for (int i = 0; i < 10_000; i++) {
        Arrays.fill(values, i);
        x.set(values);
        program.run();
        if (i % 1000 == 0) {
          float[] replayed = captured.toFloats();
          body.run();
          same &= Arrays.equals(replayed, captured.toFloats()) && (i == 0 || replayed[0] != 0);
        }
      }
      System.out.println(same ? "captured equals eager" : "captured differs");
      System.out.println(
          "more: %d allocations, %d bytes, %d objects"
              .formatted(
                  count("fakeAllocations") - allocations,
                  count("fakeBytes") - bytes,
                  count("fakeObjects") - objects));
    }
    balance();
  }

  /** A thread that records is left alone by one that copies and by one that waits. */
  private static void recording() throws InterruptedException {
    try (Backend backend = Backends.open("cuda", 1, Precision.FP32);
        Region region = backend.region()) {
      Tensor x = normal(region, 1, 8, 8);
      Tensor y = normal(region, 2, 8, 8);
      Tensor out = normal(region, 3, 8, 8);
      List<Thread> others =
          List.of(
              new Thread(backend::synchronize),
              new Thread(x::toFloats),
              new Thread(() -> y.set(new float[64])));
      others.forEach(thread -> thread.setUncaughtExceptionHandler((t, e) -> System.out.println(e)));
      Program program =
          backend.capture(() -> {
            others.forEach(Thread::start);
            others.forEach(FakeDriverMain::awaitBlocked);
            backend.linear().forward(out, x, x, Tensor.NONE);
          });
      program.run();
      for (Thread thread : others) {
        thread.join();
      }
      float[] recorded = out.toFloats();
      backend.linear().forward(out, x, x, Tensor.NONE);
      System.out.println("recorded as run: " + Arrays.equals(recorded, out.toFloats()));
    }
    balance();
  }

  /** A program that nobody has any more leaves nothing behind, but for the last few. */
  private static void forgotten() throws InterruptedException {
    try (Backend backend = Backends.open("cuda", 1, Precision.FP32);
        Region region = backend.region()) {
      Tensor x = normal(region, 1, 4, 4);
      Tensor out = normal(region, 2, 4, 4);
      backend.linear().forward(out, x, x, Tensor.NONE);
      long objects = count("fakeObjects");
      for (int i = 0; i < 1000; i++) {
        backend.capture(() -> backend.linear().forward(out, x, x, Tensor.NONE)).run();
      }
      for (int i = 0; i < 100 && count("fakeObjects") - objects > 10; i++) {
        System.gc();
        Thread.sleep(20); // references are queued in the background
        backend.capture(() -> {});
      }
      System.out.println("few are left: " + (count("fakeObjects") - objects <= 10));
    }
    balance();
  }

  private static void awaitBlocked(Thread thread) {
    while (thread.getState() != Thread.State.BLOCKED
        && thread.getState() != Thread.State.TERMINATED) {
      Thread.onSpinWait();
    }
  }

  /** More than the ring holds, in one piece and in many. */
  private static void staging() {
    try (Backend backend = Backends.open("cuda", 1, Precision.FP32);
        Region region = backend.region()) {
      int count = 6_000_001;
      Tensor large = region.allocate(DType.F32, Shape.of(count));
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = i % 8191;
      }
      large.set(values);
      boolean same = Arrays.equals(values, large.toFloats());
      Tensor[] small = new Tensor[3000];
      for (int i = 0; i < small.length; i++) {
        small[i] = region.allocate(DType.I32, Shape.of(777));
        int[] numbers = new int[777];
        Arrays.fill(numbers, i);
        small[i].set(numbers);
      }
      for (int i = 0; i < small.length; i++) {
        int[] numbers = small[i].toInts();
        same &= numbers[0] == i && numbers[776] == i;
      }
      Tensor halves = region.allocate(DType.BF16, Shape.of(4));
      halves.set(1, 1 + 0x1p-8f, 1 + 0x1.8p-7f, Float.NaN);
      same &= Arrays.equals(new float[] {1, 1, 1 + 0x1p-6f, Float.NaN}, halves.toFloats());
      System.out.println(same ? "bytes arrive" : "bytes differ");
    }
    balance();
  }

  /** Fills the device with large tensors, then with small ones. */
  private static void memory(boolean rewind) {
    try (Backend backend = Backends.open("cuda", 1, Precision.BF16);
        Region region = backend.region()) {
      System.out.println("peak rate " + backend.peakFlops());
      if (rewind) {
        region.rewind();
      }
      for (int i = 0; i < 3; i++) {
        region.allocate(DType.F32, Shape.of(10 << 20, 1));
        System.out.println("region of %d MiB".formatted(region.bytes() >> 20));
        region.allocate(DType.F32, Shape.of(65, 384));
        System.out.println("region of %d MiB".formatted(region.bytes() >> 20));
      }
    } finally {
      balance();
    }
  }

  private static void launch() {
    try (Backend backend = Backends.open("cuda", 1, Precision.BF16);
        Region region = backend.region()) {
      Tensor x = region.allocate(DType.BF16, Shape.of(64));
      backend.activation().forward(x, x, Activation.RELU);
    } catch (JambicException e) {
      System.out.println(e.getMessage());
      System.out.println(e.getClass().getSimpleName());
      System.exit(1);
    }
  }
}
