package jambic.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.cpu.FmaBenchmark;
import jambic.tensor.cpu.PackBenchmark;
import jambic.tensor.cpu.TileBenchmark;
import java.lang.reflect.Method;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openjdk.jmh.annotations.Benchmark;

/** Every benchmark runs, on the plainest backend and a small shape. */
class KernelBenchmarksTest {
  static Stream<Arguments> benchmarks() {
    return Stream.of(
        Arguments.of(gemm("x*wT"), "3x5x7"),
        Arguments.of(gemm("dout*w"), "3x5x7"),
        Arguments.of(gemm("doutT*x"), "3x5x7"),
        Arguments.of(new AttentionBenchmark(), "2x3x2x4"),
        Arguments.of(new LayerNormBenchmark(), "3x5"),
        Arguments.of(gelu("erf"), "3x5"),
        Arguments.of(gelu("tanh"), "3x5"),
        Arguments.of(new CrossEntropyBenchmark(), "3x5"),
        Arguments.of(new CrossAttentionBenchmark(), "2x3x4x2x4"),
        Arguments.of(logProbs(1), "3x5"),
        Arguments.of(logProbs(0.7f), "3x5"),
        Arguments.of(new RowsBenchmark(), "3x5x7"),
        Arguments.of(new ProductBenchmark(), "3x5"),
        Arguments.of(new AdamWBenchmark(), "2x3x5"));
  }

  private static Workbench gemm(String form) {
    GemmBenchmark benchmark = new GemmBenchmark();
    benchmark.form = form;
    return benchmark;
  }

  private static Workbench logProbs(float temperature) {
    LogProbsBenchmark benchmark = new LogProbsBenchmark();
    benchmark.temperature = temperature;
    return benchmark;
  }

  private static Workbench gelu(String form) {
    GeluBenchmark benchmark = new GeluBenchmark();
    benchmark.form = form;
    return benchmark;
  }

  @ParameterizedTest
  @MethodSource("benchmarks")
  void runs(Workbench benchmark, String shape) throws ReflectiveOperationException {
    benchmark.backend = "reference";
    benchmark.threads = 1;
    benchmark.getClass().getField("shape").set(benchmark, shape);
    benchmark.open();
    int calls = 0;
    for (Method method : benchmark.getClass().getMethods()) {
      if (method.isAnnotationPresent(Benchmark.class)) {
        method.invoke(benchmark);
        calls++;
      }
    }
    benchmark.close();
    assertThat(calls).isPositive();
  }

  @ParameterizedTest
  @ValueSource(strings = {"cached", "cold"})
  void multipliesTiles(String form) {
    TileBenchmark benchmark = new TileBenchmark();
    benchmark.shape = "40x64x32";
    benchmark.form = form;
    benchmark.open();
    assertThat(benchmark.run()).isCloseTo(32e-6f, within(1e-7f));
    assertThat(benchmark.run()).isCloseTo(32e-6f, within(1e-7f));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rows", "columns"})
  void packs(String form) {
    PackBenchmark benchmark = new PackBenchmark();
    benchmark.shape = "128x256";
    benchmark.form = form;
    benchmark.open();
    benchmark.run();
    assertThat(PackBenchmark.bytes(benchmark.shape)).isEqualTo(131_072);
  }

  @Test
  void trainsAndSamplesTheSmallestModel() {
    StepBenchmark step = new StepBenchmark();
    step.backend = "reference";
    step.threads = 1;
    step.preset = "lecture-small";
    step.open();
    assertThat(step.run()).isBetween(4.0, 4.4); // ln 65 = 4.17
    step.close();

    for (String weights : new String[] {"fp32", "int8"}) {
      SampleBenchmark sample = new SampleBenchmark();
      sample.backend = "reference";
      sample.threads = 1;
      sample.preset = "lecture-small";
      sample.weights = weights;
      sample.open();
      assertThat(sample.run()).hasSize(7);
      sample.close();
    }
  }

  @Test
  void decodesAndPrefillsTheSmallestModel() {
    for (String weights : List.of("fp32", "int8")) {
      DecodeBenchmark decode = new DecodeBenchmark();
      decode.backend = "reference";
      decode.threads = 1;
      decode.preset = "lecture-small";
      decode.weights = weights;
      decode.batch = 2;
      decode.open();
      assertThat(decode.run()).hasDimensions(2, 7);
      decode.close();

      PrefillBenchmark prefill = new PrefillBenchmark();
      prefill.backend = "reference";
      prefill.threads = 1;
      prefill.preset = "lecture-small";
      prefill.weights = weights;
      prefill.open();
      assertThat(prefill.run()).hasSize(1);
      prefill.close();
    }
  }

  @Test
  void gptTwoHasItsSize() {
    Models models = Models.named("gpt2-124m");
    assertThat(models.gpt().parameterCount()).isEqualTo(124_439_808);
    assertThat(models.bytes("fp32")).isEqualTo(4 * 124_439_808L);
    // 123,532,032 weights and as many scales as rows, 133,201, in place of 124,439,808 floats
    assertThat(models.bytes("int8")).isEqualTo(123_532_032L + 4 * (907_776 + 133_201));
    // 6 x 123,653,376 + 12 x 12 x 768 x 64 operations for each of 4 x 64 tokens
    assertThat(models.stepFlops()).isEqualTo(256 * (741_920_256.0 + 7_077_888.0));
  }

  @Test
  void fmaPeakStaysFinite() {
    assertThat(new FmaBenchmark().run()).isFinite();
    assertThat(FmaBenchmark.flops()).isPositive();
  }
}
