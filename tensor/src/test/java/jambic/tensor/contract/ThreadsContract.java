package jambic.tensor.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import jambic.tensor.Activation;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.Philox;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Threads that share a backend, each with a region of its own, compute as if each were alone. */
public interface ThreadsContract {
  /** Rows small and large, so that launches of one piece and of many meet. */
  int[] ROWS = {1, 7, 300};

  /** Columns of every tensor. */
  int WIDTH = 48;

  /**
   * The judge.
   *
   * @return knows the backends under test
   */
  Contract contract();

  /** Launches and programs of four threads, again and again: the bits of one thread. */
  @Test
  default void threadsShareABackend() throws Exception {
    for (Backend backend : contract().backends()) {
      List<FutureTask<float[]>> alone = tasks(backend, 1);
      for (FutureTask<float[]> task : alone) {
        task.run();
      }
      List<FutureTask<float[]>> together = tasks(backend, 20);
      List<Thread> threads =
          together.stream().map(Thread.ofPlatform().daemon()::unstarted).toList();
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join(60_000);
        assertFalse(thread.isAlive(), "a thread hangs on " + backend.description());
      }
      for (int i = 0; i < together.size(); i++) {
        assertArrayEquals(alone.get(i).get(), together.get(i).get(), backend.description());
      }
    }
  }

  private static List<FutureTask<float[]>> tasks(Backend backend, int rounds) {
    return Stream.of(1, 2, 3, 4)
        .map(seed -> new FutureTask<>(() -> compute(backend, seed, rounds)))
        .toList();
  }

  private static float[] compute(Backend backend, int seed, int rounds) {
    float[] first = round(backend, seed);
    for (int i = 1; i < rounds; i++) {
      assertArrayEquals(first, round(backend, seed), "round " + i + " on " + backend.description());
    }
    return first;
  }

  /** A layer over rows of each count; the program runs what has just run. */
  private static float[] round(Backend backend, int seed) {
    try (Region region = backend.region()) {
      Philox random = new Philox(seed, 0);
      InferenceOps ops = new InferenceOps(backend, region);
      Tensor g = random(region, DType.F32, random, WIDTH);
      Tensor w = random(region, DType.F32, random, WIDTH, WIDTH);
      List<Tensor> outs = new ArrayList<>();
      for (int rows : ROWS) {
        Tensor x = random(region, backend.activationType(), random, rows, WIDTH);
        Tensor h = ops.layerNorm(x, g, Tensor.NONE, 1e-5f);
        outs.add(ops.linear(h, w, Tensor.NONE, Activation.GELU_TANH));
      }
      ops.program().run();
      float[] all = new float[WIDTH * Arrays.stream(ROWS).sum()];
      int at = 0;
      for (Tensor out : outs) {
        System.arraycopy(out.toFloats(), 0, all, at, (int) out.size());
        at += (int) out.size();
      }
      return all;
    }
  }

  private static Tensor random(Region region, DType dtype, Philox random, int... dims) {
    Tensor tensor = region.allocate(dtype, Shape.of(dims));
    float[] values = new float[(int) tensor.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    tensor.set(values);
    return tensor;
  }
}
