package jambic.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Precision;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.optim.GradientClip;
import jambic.train.optim.Optimizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;

/**
 * Times what a device is measured by, on a machine that has no JMH: {@code DeviceRows
 * attention|products|generation|host BACKEND DTYPE [small]} prints a JSON object for each row.
 * Launches return before the device is done, so calls are timed by the batch.
 */
final class DeviceRows {
  private static final int BATCHES = 9;

  private final Backend backend;
  private final boolean small;
  private final Random random = new Random(1337);

  private DeviceRows(Backend backend, boolean small) {
    this.backend = backend;
    this.small = small;
  }

  public static void main(String... args) throws IOException {
    Precision precision = Precision.valueOf(args[2].toUpperCase(Locale.ROOT));
    try (Backend backend =
        Backends.open(args[1], Runtime.getRuntime().availableProcessors(), precision)) {
      DeviceRows rows = new DeviceRows(backend, args.length > 3);
      switch (args[0]) {
        case "attention" -> rows.attention();
        case "products" -> rows.products();
        case "generation" -> rows.generation();
        case "host" -> rows.host();
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  private void print(String row, String shape, double median, Map<String, Object> more)
      throws IOException {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("row", row);
    all.put("case", shape);
    all.put("device", backend.description());
    all.put("median_ms", median);
    all.putAll(more);
    System.out.println(JSON.std.asString(all));
  }

  /** Median milliseconds of a call, over batches that fill about a tenth of a second each. */
  private double millis(Runnable call) {
    long start = System.nanoTime();
    backend.launch(call);
    backend.synchronize();
    int calls = 1;
    while (System.nanoTime() - start < (small ? 1e7 : 3e8)) { // warms up, too
      long before = System.nanoTime();
      backend.launch(call);
      backend.synchronize();
      calls = (int) Math.clamp(1e8 / (System.nanoTime() - before), 1, small ? 2 : 1000);
    }
    double[] times = new double[BATCHES];
    for (int i = 0; i < BATCHES; i++) {
      long before = System.nanoTime();
      for (int j = 0; j < calls; j++) {
        backend.launch(call);
      }
      backend.synchronize();
      times[i] = (System.nanoTime() - before) * 1e-6 / calls;
    }
    return median(times);
  }

  private static double median(double[] times) {
    Arrays.sort(times);
    return times[times.length / 2];
  }

  private Tensor normal(Region region, DType type, int... extents) {
    Tensor tensor = region.allocate(type, Shape.of(extents));
    float[] values = new float[Math.toIntExact(tensor.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() * 2 - 1;
    }
    tensor.set(values);
    return tensor;
  }

  /** Causal attention from packed q, k, v, forward and both ways. Counted: 2 and 7 products. */
  private void attention() throws IOException {
    int batch = small ? 1 : 16;
    int steps = small ? 32 : 1024;
    int heads = small ? 2 : 12;
    int c = heads * 64;
    DType type = backend.activationType();
    try (Region region = backend.region()) {
      Tensor qkv = normal(region, type, batch, steps, 3 * c);
      Tensor dqkv = normal(region, type, batch, steps, 3 * c);
      Tensor out = normal(region, type, batch, steps, c);
      Tensor dout = normal(region, type, batch, steps, c);
      Tensor lse = normal(region, DType.F32, batch, heads, steps);
      Tensor q = qkv.columns(0, c);
      Tensor k = qkv.columns(c, c);
      Tensor v = qkv.columns(2 * c, c);
      Runnable forward =
          () ->
              backend
                  .attention()
                  .forward(out, lse, q, k, v, Tensor.NONE, heads, true, 0.125f, Dropout.NONE);
      Runnable backward =
          () ->
              backend
                  .attention()
                  .backward(
                      dqkv.columns(0, c),
                      dqkv.columns(c, c),
                      dqkv.columns(2 * c, c),
                      dout,
                      out,
                      lse,
                      q,
                      k,
                      v,
                      Tensor.NONE,
                      heads,
                      true,
                      0.125f,
                      Dropout.NONE);
      String shape = Text.format("%dx%dx%dx64 causal", batch, steps, heads);
      double product = (double) batch * heads * steps * steps * 64; // half of the scores, 2 a term
      double once = millis(forward);
      double both =
          millis(() -> {
            forward.run();
            backward.run();
          });
      print("attention forward", shape, once, Map.of("tflops", 2 * product / once * 1e-9));
      print("attention forward+backward", shape, both, Map.of("tflops", 7 * product / both * 1e-9));
    }
  }

  /** The head of GPT-2 at its own, odd vocabulary and at one that is a multiple of 64. */
  private void products() throws IOException {
    int rows = small ? 8 : 16 * 1024;
    int c = small ? 16 : 768;
    DType type = backend.activationType();
    for (int vocabulary : small ? new int[] {57, 64} : new int[] {50257, 50304}) {
      try (Region region = backend.region()) {
        Tensor x = normal(region, type, rows, c);
        Tensor w = normal(region, DType.F32, vocabulary, c);
        Tensor dw = normal(region, DType.F32, vocabulary, c);
        Tensor logits = region.allocatePadded(type, Shape.of(rows, vocabulary));
        double flops = 2.0 * rows * c * vocabulary;
        String shape = Text.format("%dx%dx%d ", rows, vocabulary, c);
        double forward = millis(() -> backend.linear().forward(logits, x, w, Tensor.NONE));
        print("product", shape + "forward", forward, Map.of("tflops", flops / forward * 1e-9));
        double input = millis(() -> backend.linear().backwardInput(x, logits, w, false));
        print("product", shape + "input", input, Map.of("tflops", flops / input * 1e-9));
        double weight =
            millis(() -> backend.linear().backwardWeight(dw, Tensor.NONE, logits, x, false));
        print("product", shape + "weight", weight, Map.of("tflops", flops / weight * 1e-9));
      }
    }
  }

  private TrainConfig gpt2() {
    return Preset.named("shakespeare-char")
        .config()
        .withAll(
            Map.of(
                "nLayer",
                small ? 2 : 12,
                "nHead",
                small ? 2 : 12,
                "nEmbd",
                small ? 32 : 768,
                "blockSize",
                small ? 64 : 1024,
                "batchSize",
                small ? 2 : 4,
                "dropout",
                0.0,
                "bias",
                true,
                "qkvBias",
                true));
  }

  private Gpt model(TrainConfig config) {
    return new Gpt(backend, config.gpt(small ? 65 : 50304), config.init());
  }

  /** Tokens that grow one by one, and a prompt up to its first new token. */
  private void generation() throws IOException {
    TrainConfig config = gpt2();
    try (Gpt model = model(config)) {
      int steps = Math.min(256, config.model().blockSize() - 1);
      for (int batch : new int[] {1, 8}) {
        try (Generator generator = new Generator(model, batch)) {
          double[] times = new double[5];
          for (int i = -1; i < times.length; i++) {
            long before = System.nanoTime();
            generator.generate(
                new int[batch][1], steps, SamplingParams.GREEDY, (row, token) -> true);
            if (i >= 0) {
              times[i] = (System.nanoTime() - before) * 1e-6 / steps;
            }
          }
          double step = median(times);
          print(
              "decode",
              Text.format("gpt2-124m x %d, %d steps", batch, steps),
              step,
              Map.of("tokens_per_s", batch * 1e3 / step));
        }
      }
      int length = Math.min(512, config.model().blockSize() / 2);
      int[] prompt = random.ints(length, 0, model.config().vocabSize()).toArray();
      try (Generator generator = new Generator(model, 1)) {
        double[] times = new double[11];
        for (int i = -2; i < times.length; i++) {
          long before = System.nanoTime();
          generator.generate(prompt, 1, SamplingParams.GREEDY, (row, token) -> true);
          if (i >= 0) {
            times[i] = (System.nanoTime() - before) * 1e-6;
          }
        }
        double once = median(times);
        print("prefill", "gpt2-124m, " + length, once, Map.of("tokens_per_s", length * 1e3 / once));
      }
    }
  }

  /** What the host does for a captured step: everything but to wait for the device. */
  private void host() throws IOException {
    TrainConfig config = gpt2();
    try (Gpt model = model(config);
        Region memory = backend.region();
        Region activations = backend.region()) {
      model.parameters().train(memory);
      GradientClip clip =
          new GradientClip(
              backend, memory, model.parameters().tensors(), config.optimizer().gradClip());
      Optimizer optimizer =
          config.optimizer().create(backend, memory, model.parameters().byName(), clip.factor());
      Shape shape = Shape.of(config.batch().batchSize(), config.model().blockSize());
      int[] tokens = random.ints(shape.size(), 0, model.config().vocabSize()).toArray();
      Tensor ids = activations.allocate(DType.I32, shape);
      Tensor targets = activations.allocate(DType.I32, shape);
      ids.set(tokens);
      targets.set(tokens);
      Tape tape = new Tape(backend, activations, 1);
      Tensor loss = model.loss(tape, ids, targets);
      tape.backward(loss, 1, model.parameters().tensors());
      Program pass = tape.program();
      Program step =
          backend.capture(() -> {
            pass.run();
            clip.computeNorm();
            optimizer.update();
          });
      IntConsumer feed =
          it -> {
            ids.set(tokens);
            targets.set(tokens);
            tape.step().set(it);
            optimizer.prepare(it + 1, 1e-4);
          };
      Program little = backend.capture(() -> backend.elementwise().fill(List.of(loss), 0));
      for (int i = 0; i < (small ? 5 : 20_000); i++) { // or the Java virtual machine is timed
        feed.accept(i);
        little.run();
      }
      double[] times = new double[small ? 3 : 200];
      for (int i = -5; i < times.length; i++) {
        long before = System.nanoTime();
        feed.accept(i + 5);
        step.run();
        if (i >= 0) {
          times[i] = (System.nanoTime() - before) * 1e-6;
        }
        backend.synchronize();
      }
      double host = median(times);
      print("host time of a captured step", "gpt2-124m", host, Map.of("us", host * 1e3));
      if (!Float.isFinite(loss.toFloats()[0])) {
        throw new IllegalStateException("the loss is " + loss.toFloats()[0]);
      }
    }
  }
}
