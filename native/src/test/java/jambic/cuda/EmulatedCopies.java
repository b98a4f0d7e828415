package jambic.cuda;

import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Precision;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Whatever changes a weight changes its rounded copy. The judge is a weight in a region that was
 * rewound, which has no copy: it is rounded for each product.
 */
final class EmulatedCopies implements AutoCloseable {
  private static final int ROWS = 3;

  private final Backend backend = Backends.open("cuda", 1, Precision.BF16);
  private final Region weights = backend.region();
  private final Region aside = backend.region();
  private int made;

  static void run() {
    try (EmulatedCopies copies = new EmulatedCopies()) {
      copies.hostWrites();
      copies.kernelsWrite();
      copies.programsRead();
      copies.programsRoundOnce();
      copies.programsWrite();
      copies.updatesWrite();
      copies.orthogonalUpdatesWrite();
      copies.regionsRewind();
      copies.regionsClose();
    }
    boolean same = true;
    List<float[]> expected = train(false, false);
    for (boolean captured : new boolean[] {false, true}) {
      List<float[]> got = train(true, captured);
      for (int i = 0; i < expected.size(); i++) {
        same &= Arrays.equals(expected.get(i), got.get(i));
      }
    }
    report("training with copies is training without", same);
    report("nothing is left", FakeDriverMain.count("fakeBytes") == 0);
  }

  private static void report(String what, boolean holds) {
    System.out.println(what + (holds ? " passed" : " failed"));
  }

  private void hostWrites() {
    Tensor w = random(weights, 17, 9);
    boolean follows = follows(w);
    w.set(numbers(w));
    follows &= follows(w);
    w.reshape(Shape.of(9, 17)).set(numbers(w)); // a view of the same memory
    follows &= follows(w);
    report("a copy follows the host", follows);
  }

  private void kernelsWrite() {
    Tensor w = random(weights, 16, 8);
    Tensor x = random(weights, 16, 8);
    boolean follows = follows(w);
    backend.elementwise().fill(List.of(x, w), 1.01f);
    follows &= follows(w);
    backend.elementwise().add(w, w, random(weights, 16, 8));
    follows &= follows(w);
    Tensor dout = activations(ROWS, 16);
    for (boolean accumulate : new boolean[] {true, false}) {
      backend.linear().backwardWeight(w, Tensor.NONE, dout, activations(ROWS, 8), accumulate);
      follows &= follows(w);
    }
    report("a copy follows kernels", follows);
  }

  private void programsRead() {
    Tensor w = random(weights, 24, 8); // no copy yet
    Tensor x = activations(ROWS, 8);
    Tensor out = activations(ROWS, 24);
    Program program = backend.capture(() -> backend.linear().forward(out, x, w, Tensor.NONE));
    boolean follows = true;
    for (int i = 0; i < 3; i++) {
      program.run();
      follows &= Arrays.equals(out.toFloats(), product(x, judge(w)));
      w.set(numbers(w));
    }
    program.run();
    follows &= Arrays.equals(out.toFloats(), product(x, judge(w)));
    report("a program reads what was written between its runs", follows);
  }

  private void programsRoundOnce() {
    Tensor w = random(weights, 24, 16);
    Tensor ids = weights.allocate(DType.I32, Shape.of(1, ROWS));
    ids.set(5, 0, 23);
    Tensor x = activations(ROWS, 16);
    Tensor out = activations(ROWS, 24);
    Program program =
        backend.capture(() -> {
          backend.embedding().forward(x, ids, w, Tensor.NONE, Tensor.NONE, 1); // only reads
          backend.linear().forward(out, x, w, Tensor.NONE);
        });
    program.run();
    long before = FakeDriverMain.count("fakeLaunches");
    program.run();
    report("a program rounds once", FakeDriverMain.count("fakeLaunches") == before + 1);
  }

  private void programsWrite() {
    Tensor early = random(weights, 24, 16);
    Tensor late = random(weights, 24, 16);
    boolean follows = follows(late);
    Tensor step = random(weights, 24, 16);
    Program program =
        backend.capture(() -> {
          backend.elementwise().add(early, early, step);
          backend.elementwise().add(late, late, step);
        });
    for (int i = 0; i < 3; i++) {
      program.run();
      follows &= follows(early) && follows(late);
      late.set(numbers(late));
    }
    program.run();
    follows &= follows(early) && follows(late);
    report("a copy follows programs that were recorded before and after it was made", follows);
  }

  private void updatesWrite() {
    Tensor early = random(weights, 31, 17);
    Tensor late = random(weights, 180, 200); // three chunks
    Tensor odd = random(weights, 7, 3);
    List<Tensor> params = List.of(late, odd, early);
    List<Tensor> m = likes(params);
    List<Tensor> v = likes(params);
    List<Tensor> grads = params.stream().map(p -> random(weights, p.dim(0), p.dim(1))).toList();
    Tensor hyper = weights.allocate(DType.F32, Shape.of(3));
    hyper.set(0.1f, 0.1f, 0.05f);
    Tensor scale = weights.allocate(DType.F32, Shape.of(1));
    scale.set(1f);
    Runnable update =
        () ->
            backend.optimizer().adamW(params, m, v, grads, hyper, scale, 0.9f, 0.95f, 1e-8f, 0.1f);
    boolean follows = follows(late) && follows(odd);
    update.run();
    follows &= follows(late) && follows(odd);
    Program program = backend.capture(update);
    for (int i = 0; i < 2; i++) {
      program.run();
      follows &= follows(late) && follows(odd) && follows(early);
      late.set(numbers(late));
    }
    program.run();
    follows &= follows(late) && follows(odd) && follows(early);
    report("a copy follows AdamW", follows);
  }

  /**
   * Muon's products stay in 32 bits beside activations of 16; its step is of a part of a weight.
   */
  private void orthogonalUpdatesWrite() {
    Tensor w = random(weights, 48, 16);
    Tensor part = w.reshape(Shape.of(1, 48 * 16)).columns(256, 256).reshape(Shape.of(16, 16));
    Tensor x = random(weights, 16, 16);
    Tensor a = random(weights, 16, 16);
    Tensor direction = random(weights, 16, 16);
    Tensor hyper = weights.allocate(DType.F32, Shape.of(1));
    hyper.set(0.1f);
    Runnable update =
        () -> {
          backend.linear().forward(a, x, x, Tensor.NONE);
          backend.linear().backwardInput(direction, a, x, false);
          backend.optimizer().descend(part, direction, hyper, 2, 0.5f);
        };
    boolean follows = follows(w);
    float[] expected = descended(w, x);
    update.run();
    follows &= follows(w) && EmulatedMain.distance(expected, w.toFloats()) < 1e-6;
    Program program = backend.capture(update);
    for (int i = 0; i < 2; i++) {
      expected = descended(w, x);
      program.run();
      follows &= follows(w) && EmulatedMain.distance(expected, w.toFloats()) < 1e-6;
    }
    report("a copy follows Muon, which computes in 32 bits", follows);
  }

  /** The middle third of w after {@code p = p (1 - 0.1 0.5) - 0.1 2 (x xT) x}. */
  private static float[] descended(Tensor w, Tensor x) {
    float[] ws = w.toFloats();
    float[] xs = x.toFloats();
    for (int i = 0; i < 16; i++) {
      for (int j = 0; j < 16; j++) {
        double sum = 0;
        for (int k = 0; k < 16; k++) {
          for (int l = 0; l < 16; l++) {
            sum += (double) xs[i * 16 + l] * xs[k * 16 + l] * xs[k * 16 + j];
          }
        }
        int at = 256 + i * 16 + j;
        ws[at] = (float) (ws[at] * 0.95 - 0.2 * sum);
      }
    }
    return ws;
  }

  /** A recorded step finds its weight again after its region had another layout. */
  private void regionsRewind() {
    Tensor x = activations(ROWS, 32);
    Tensor out = activations(ROWS, 16);
    try (Region region = backend.region()) {
      Tensor w = random(region, 16, 32);
      Program program = backend.capture(() -> backend.linear().forward(out, x, w, Tensor.NONE));
      program.run();
      region.rewind();
      Tensor first = random(region, 16, 16);
      boolean follows = follows(first);
      random(region, 16, 16); // within what was w
      region.rewind();
      Tensor again = region.allocate(DType.F32, w.shape());
      program.run();
      follows &= Arrays.equals(out.toFloats(), product(x, judge(again)));
      report("a copy follows another layout of its region", follows);
    }
  }

  private void regionsClose() {
    boolean follows = true;
    for (int i = 0; i < 3; i++) { // malloc gives out the same addresses
      try (Region region = backend.region()) {
        Tensor w = random(region, 16, 8);
        w.set(numbers(w));
        follows &= follows(w);
        w.set(numbers(w));
      }
      Tensor x = activations(ROWS, 8);
      Program program = backend.capture(() -> backend.elementwise().add(x, x, x));
      program.run(); // what was written before the end is not rounded after it
    }
    report("a copy goes with its region", follows);
  }

  private List<Tensor> likes(List<Tensor> tensors) {
    List<Tensor> zeros =
        tensors.stream().map(tensor -> weights.allocate(DType.F32, tensor.shape())).toList();
    backend.elementwise().fill(zeros, 0);
    return zeros;
  }

  /** Whether a product reads what a weight holds now, forwards and backwards. */
  private boolean follows(Tensor w) {
    Tensor x = activations(ROWS, w.dim(1));
    Tensor dout = activations(ROWS, w.dim(0));
    Tensor dx = activations(ROWS, w.dim(1));
    Tensor expected = activations(ROWS, w.dim(1));
    Tensor judge = judge(w);
    backend.linear().backwardInput(dx, dout, w, false);
    backend.linear().backwardInput(expected, dout, judge, false);
    return Arrays.equals(product(x, w), product(x, judge))
        && Arrays.equals(dx.toFloats(), expected.toFloats());
  }

  private float[] product(Tensor x, Tensor w) {
    Tensor out = activations(ROWS, w.dim(0));
    backend.linear().forward(out, x, w, Tensor.NONE);
    return out.toFloats();
  }

  private Tensor judge(Tensor w) {
    aside.rewind();
    Tensor judge = aside.allocate(DType.F32, w.shape());
    judge.set(w.toFloats());
    return judge;
  }

  private Tensor activations(int... dims) {
    Tensor tensor = weights.allocate(DType.BF16, Shape.of(dims));
    tensor.set(numbers(tensor));
    return tensor;
  }

  private Tensor random(Region region, int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    tensor.set(numbers(tensor));
    return tensor;
  }

  private float[] numbers(Tensor like) {
    return normal(like, made++);
  }

  private static float[] normal(Tensor like, int stream) {
    Philox random = new Philox(11, stream);
    float[] values = new float[Math.toIntExact(like.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** A few steps of a tied head, a frozen layer and a trained one, after which all was written. */
  private static List<float[]> train(boolean copies, boolean captured) {
    try (Backend backend = Backends.open("cuda", 1, Precision.BF16);
        Region weights = backend.region();
        Region region = backend.region()) {
      if (!copies) {
        weights.rewind();
      }
      List<Tensor> all = new ArrayList<>();
      for (int[] dims : new int[][] {{32, 16}, {16, 16}, {16, 16}, {16}}) {
        Tensor tensor = weights.allocate(DType.F32, Shape.of(dims));
        tensor.set(normal(tensor, all.size()));
        all.add(tensor);
      }
      Tensor frozen = all.get(1);
      List<Tensor> trained = List.of(all.get(0), all.get(2), all.get(3));
      trained.forEach(w -> w.setGrad(weights.allocate(DType.F32, w.shape())));
      List<Tensor> grads = trained.stream().map(Tensor::grad).toList();
      List<Tensor> m = trained.stream().map(w -> weights.allocate(DType.F32, w.shape())).toList();
      List<Tensor> v = trained.stream().map(w -> weights.allocate(DType.F32, w.shape())).toList();
      m.forEach(tensor -> tensor.set(new float[Math.toIntExact(tensor.size())]));
      v.forEach(tensor -> tensor.set(new float[Math.toIntExact(tensor.size())]));
      Tensor hyper = weights.allocate(DType.F32, Shape.of(3));
      Tensor norm = weights.allocate(DType.F32, Shape.of(1));
      Tensor scale = weights.allocate(DType.F32, Shape.of(1));
      hyper.set(0.1f, 0.1f, 0.05f);
      Tensor ids = weights.allocate(DType.I32, Shape.of(2, 4));
      Tensor targets = weights.allocate(DType.I32, Shape.of(2, 4));
      ids.set(1, 2, 3, 4, 5, 6, 7, 31);
      targets.set(2, 3, 4, 5, 6, 7, 31, 0);

      Runnable clear = () -> backend.elementwise().fill(grads, 0);
      Runnable update =
          () -> {
            backend.optimizer().clipNorm(norm, scale, grads, 1);
            backend.optimizer().adamW(trained, m, v, grads, hyper, scale, 0.9f, 0.95f, 1e-8f, 0.1f);
          };
      Tape tape = new Tape(backend, region, 1);
      clear.run();
      Tensor x = tape.embed(ids, all.get(0), Tensor.NONE);
      x = tape.residual(x, tape.linear(x, frozen, Tensor.NONE), 0);
      x = tape.residual(x, tape.linear(x, all.get(2), all.get(3)), 0);
      Tensor loss = tape.crossEntropy(tape.linear(x, all.get(0), Tensor.NONE), targets, 0);
      tape.backward(loss, 1);
      update.run();
      Program pass = tape.program();
      Program step =
          backend.capture(() -> {
            clear.run();
            pass.run();
            pass.run(); // gradients of two batches
            update.run();
          });
      for (int i = 0; i < 4; i++) {
        if (captured) {
          step.run();
        } else {
          clear.run();
          pass.run();
          pass.run();
          update.run();
        }
        if (i == 1) { // a checkpoint is loaded
          all.forEach(tensor -> tensor.set(normal(tensor, 100)));
        }
      }
      return all.stream().map(Tensor::toFloats).toList();
    }
  }

  @Override
  public void close() {
    aside.close();
    weights.close();
    backend.close();
  }
}
