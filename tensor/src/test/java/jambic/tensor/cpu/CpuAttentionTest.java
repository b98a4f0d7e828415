package jambic.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.cpu.simd.DropoutMask;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.host.HostRegion;
import jambic.tensor.host.HostStorage;
import jambic.tensor.spi.Dropout;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("width")
class CpuAttentionTest {
  /** Scores far from 0, so that the online softmax has maxima to correct. */
  private static final float SPREAD = 2;

  private final HostRegion region = new HostRegion();

  @ParameterizedTest
  @CsvSource({
    "2, 1, 1, 1, 1, true, 0", "2, 8, 8, 2, 8, true, 0", "1, 3, 3, 3, 5, true, 0.3",
    "1, 63, 63, 2, 16, true, 0", "2, 65, 65, 1, 24, true, 0.2", "1, 257, 257, 1, 80, true, 0",
    "1, 300, 300, 2, 17, true, 0.1", "40, 130, 130, 1, 32, true, 0", "1, 17, 70, 2, 64, false, 0.5",
    "1, 200, 33, 2, 33, false, 0", "2, 31, 290, 1, 128, false, 0.1", "1, 9, 257, 1, 3, false, 0"
  })
  void followsTheDefinition(int b, int t, int s, int h, int d, boolean causal, float p) {
    for (int padding = 0; padding < 2; padding++) {
      Case c = new Case(b, t, s, h, d, causal, p, padding == 1);
      c.run(1);
      c.check();
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 7, 7, 3, 8, true", "1, 300, 300, 2, 32, true", "1, 200, 333, 1, 16, false"})
  void hasTheSameBitsForAnyNumberOfThreads(int b, int t, int s, int h, int d, boolean causal) {
    float[][] alone = new Case(b, t, s, h, d, causal, 0.2f, false).run(1);
    for (int threads = 2; threads <= 5; threads++) {
      assertThat(new Case(b, t, s, h, d, causal, 0.2f, false).run(threads)).isDeepEqualTo(alone);
    }
  }

  /** One call forward and backward, and what it should give. */
  private final class Case {
    final int b;
    final int t;
    final int s;
    final int h;
    final int d;
    final boolean causal;
    final Dropout dropout;
    final Tensor lengths;
    final Tensor out;
    final Tensor lse;
    final Tensor dout;
    final Tensor q;
    final Tensor k;
    final Tensor v;
    final Tensor dq;
    final Tensor dk;
    final Tensor dv;

    Case(int b, int t, int s, int h, int d, boolean causal, float p, boolean padded) {
      this.b = b;
      this.t = t;
      this.s = s;
      this.h = h;
      this.d = d;
      this.causal = causal;
      Tensor step = region.allocate(DType.I32, Shape.of(1));
      step.set(12);
      dropout = new Dropout(p, 34, 5, step);
      lengths = padded ? region.allocate(DType.I32, Shape.of(b)) : Tensor.NONE;
      for (int i = 0; padded && i < b; i++) {
        HostStorage.ints(lengths)[HostStorage.offset(lengths) + i] =
            Math.max(1, s * (i + 1) / (b + 1));
      }
      int c = h * d;
      out = random(1, b, t, c);
      lse = region.allocate(DType.F32, Shape.of(b, h, t));
      dout = random(2, b, t, c);
      q = random(3, b, t, 3 * c + 1).columns(1, c);
      Tensor kv = random(4, b, s, 2 * c);
      k = kv.columns(0, c);
      v = kv.columns(c, c);
      dq = random(5, b, t, c + 3).columns(2, c);
      Tensor dkv = random(6, b, s, 2 * c);
      dk = dkv.columns(0, c);
      dv = dkv.columns(c, c);
    }

    float[][] run(int threads) {
      try (Workers workers = new Workers(threads)) {
        CpuAttention attention = new CpuAttention(workers);
        float scale = (float) (1 / Math.sqrt(d));
        attention.forward(out, lse, q, k, v, lengths, h, causal, scale, dropout);
        attention.backward(dq, dk, dv, dout, out, lse, q, k, v, lengths, h, causal, scale, dropout);
      }
      return new float[][] {out.toFloats(), lse.toFloats(), dense(dq), dense(dk), dense(dv)};
    }

    void check() {
      double scale = 1 / Math.sqrt(d);
      double[] wantDk = new double[b * s * h * d];
      double[] wantDv = new double[b * s * h * d];
      for (int bi = 0; bi < b; bi++) {
        for (int hi = 0; hi < h; hi++) {
          for (int ti = 0; ti < t; ti++) {
            int length = lengths.isNone() ? s : lengths.toInts()[bi];
            int n = causal ? Math.min(ti + 1, length) : length;
            double[] weights = new double[n];
            double sum = 0;
            for (int j = 0; j < n; j++) {
              for (int x = 0; x < d; x++) {
                weights[j] += scale * at(q, bi, ti, hi * d + x) * at(k, bi, j, hi * d + x);
              }
              weights[j] = Math.exp(weights[j]);
              sum += weights[j];
            }
            int row = (bi * h + hi) * t + ti;
            close(lse.toFloats()[row], Math.log(sum), 1, "lse");
            double delta = 0;
            double[] dp = new double[n];
            double[] o = new double[d];
            for (int j = 0; j < n; j++) {
              weights[j] /= sum;
              double m = factor(Dropout.rowStart(row, s) + j);
              for (int x = 0; x < d; x++) {
                double dox = at(dout, bi, ti, hi * d + x);
                o[x] += weights[j] * m * at(v, bi, j, hi * d + x);
                dp[j] += m * dox * at(v, bi, j, hi * d + x);
                wantDv[((bi * s + j) * h + hi) * d + x] += weights[j] * m * dox;
              }
              delta += weights[j] * dp[j];
            }
            double[] wantDq = new double[d];
            for (int j = 0; j < n; j++) {
              double ds = weights[j] * (dp[j] - delta) * scale;
              for (int x = 0; x < d; x++) {
                wantDq[x] += ds * at(k, bi, j, hi * d + x);
                wantDk[((bi * s + j) * h + hi) * d + x] += ds * at(q, bi, ti, hi * d + x);
              }
            }
            for (int x = 0; x < d; x++) {
              close(at(out, bi, ti, hi * d + x), o[x], 4, "out");
              close(at(dq, bi, ti, hi * d + x), wantDq[x], 8, "dq");
            }
          }
        }
      }
      for (int bi = 0; bi < b; bi++) {
        for (int j = 0; j < s; j++) {
          for (int x = 0; x < h * d; x++) {
            close(at(dk, bi, j, x), wantDk[(bi * s + j) * h * d + x], 8, "dk");
            close(at(dv, bi, j, x), wantDv[(bi * s + j) * h * d + x], 8, "dv");
          }
        }
      }
    }

    private double factor(long e) {
      if (dropout.isNone()) {
        return 1;
      }
      float[] out = new float[64 * 2];
      return out[new DropoutMask(dropout).fill(out, 0, e, 1)];
    }
  }

  private static void close(float got, double want, double size, String what) {
    assertThat(Math.abs(got - want))
        .as("%s: got %s, want %s", what, got, want)
        .isLessThanOrEqualTo(1e-5 * size + 1e-4 * Math.abs(want));
  }

  private static float at(Tensor x, int b, int t, int column) {
    int row = b * x.dim(1) + t;
    return HostStorage.floats(x)[HostStorage.offset(x) + row * x.rowStride() + column];
  }

  private static float[] dense(Tensor x) {
    float[] all = new float[(int) x.size()];
    int columns = x.dim(2);
    for (int i = 0; i < all.length; i++) {
      all[i] = at(x, 0, i / columns, i % columns);
    }
    return all;
  }

  private Tensor random(int stream, int... extents) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(extents));
    Philox philox = new Philox(99, stream);
    for (int i = 0; i < tensor.size(); i++) {
      HostStorage.floats(tensor)[HostStorage.offset(tensor) + i] =
          SPREAD * (float) philox.nextDouble() - SPREAD / 2;
    }
    return tensor;
  }
}
