package jambic.bench;

import jambic.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** One AdamW step over many matrices. */
public class AdamWBenchmark extends Workbench {
  /** Tensors, rows, columns: as many parameters as the two big presets hold in their blocks. */
  @Param({"27x384x1024", "50x768x3072"})
  public String shape;

  private List<Tensor> params;
  private List<Tensor> m;
  private List<Tensor> v;
  private List<Tensor> grads;
  private Tensor hyper;
  private Tensor scale;

  @Override
  void prepare() {
    params = matrices();
    grads = matrices();
    m = zeros();
    v = zeros();
    hyper = empty(3);
    hyper.set(1e-3f, 0.1f, 0.01f);
    scale = empty(1);
    scale.set(1f);
  }

  private List<Tensor> matrices() {
    int[] crc = extents(shape);
    return Stream.generate(() -> normal(crc[1], crc[2])).limit(crc[0]).toList();
  }

  private List<Tensor> zeros() {
    int[] crc = extents(shape);
    return Stream.generate(() -> empty(crc[1], crc[2])).limit(crc[0]).toList();
  }

  /** The step. */
  @Benchmark
  public void run() {
    backend().optimizer().adamW(params, m, v, grads, hyper, scale, 0.9f, 0.99f, 1e-8f, 0.1f);
  }
}
