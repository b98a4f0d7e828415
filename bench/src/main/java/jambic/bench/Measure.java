package jambic.bench;

import jambic.tensor.cpu.FmaBenchmark;
import jambic.tensor.cpu.PackBenchmark;
import jambic.tensor.cpu.TileBenchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.util.Statistics;

/**
 * Runs the benchmarks of one kind in one JMH fork each and appends their rows to a file: {@code
 * Measure gemm jambic 2 rows.jsonl [seconds [shape or preset...]]}. The property {@code
 * jambic.bench.options} names a file of JVM options for the fork.
 */
final class Measure {
  /** Who does which work, and the class that has it done. */
  private record Suite(String bench, String engine, Class<?> type) {}

  private static final List<Suite> SUITES =
      List.of(
          new Suite("fma", "jambic", FmaBenchmark.class),
          new Suite("read", "jambic", ReadPeak.class),
          new Suite("tile", "jambic", TileBenchmark.class),
          new Suite("pack", "jambic", PackBenchmark.class),
          new Suite("gemm", "jambic", GemmBenchmark.class),
          new Suite("gemm", "openblas", OpenBlasBenchmark.class),
          new Suite("attention", "jambic", AttentionBenchmark.class),
          new Suite("layernorm", "jambic", LayerNormBenchmark.class),
          new Suite("gelu", "jambic", GeluBenchmark.class),
          new Suite("cross-entropy", "jambic", CrossEntropyBenchmark.class),
          new Suite("adamw", "jambic", AdamWBenchmark.class),
          new Suite("bpe", "jambic", BpeBenchmark.class),
          new Suite("step", "jambic", StepBenchmark.class),
          new Suite("sample", "jambic", SampleBenchmark.class),
          new Suite("decode", "jambic", DecodeBenchmark.class),
          new Suite("prefill", "jambic", PrefillBenchmark.class));

  /**
   * The kinds of work that run once a preset; one preset a call, for the sake of its peak memory.
   */
  private static final Set<String> PER_MODEL = Set.of("step", "sample", "decode", "prefill");

  /** Those of them that read weights of 8 bits as well. */
  private static final Set<String> GENERATING = Set.of("sample", "decode", "prefill");

  /** Work without a backend, such as what the machine can do: threads of JMH. */
  private static final Set<String> WITHOUT_BACKEND = Set.of("fma", "read", "tile", "pack", "bpe");

  private Measure() {}

  public static void main(String... args) throws IOException, RunnerException {
    if (args.length < 4) {
      System.err.println("usage: Measure BENCH ENGINE THREADS ROWS [SECONDS [SHAPE|PRESET...]]");
      System.exit(2);
    }
    Suite suite = suite(args[0], args[1]);
    int threads = Integer.parseInt(args[2]);
    double seconds = args.length > 4 ? Double.parseDouble(args[4]) : 2;
    Optional<OpenBlas> blas = Optional.empty();
    if (suite.engine.startsWith("openblas")) {
      blas = OpenBlas.find();
      if (blas.isEmpty()) {
        System.err.println("OpenBLAS is not installed: its rows are left out.");
        return;
      }
    }
    Map<String, Object> more = new LinkedHashMap<>();
    more.put("version", blas.map(OpenBlas::description).orElse("Java " + Runtime.version()));

    Path peak = Files.createTempFile("jambic-bench", ".peak");
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + suite.type.getName().replace(".", "\\.") + "\\.")
            .shouldFailOnError(true)
            .forks(1)
            .warmupIterations(1)
            .warmupTime(TimeValue.milliseconds((long) (seconds * 1000)))
            .measurementIterations(1)
            .measurementTime(TimeValue.milliseconds((long) (seconds * 1000)))
            .jvmArgsAppend(jvmOptions(peak));
    if (WITHOUT_BACKEND.contains(suite.bench)) {
      options.threads(threads);
    } else {
      options.param("threads", args[2]);
    }
    if (GENERATING.contains(suite.bench)) {
      options.param("weights", weights(suite));
    }
    if (args.length > 5) {
      String axis = PER_MODEL.contains(suite.bench) ? "preset" : "shape";
      options.param(axis, Arrays.copyOfRange(args, 5, args.length));
    }
    try {
      for (RunResult result : new Runner(options.build()).run()) {
        String left = Files.readString(peak);
        if (!left.isEmpty()) {
          more.put("peak_rss_mb", Double.valueOf(left));
        }
        row(suite, threads, result, more).append(Path.of(args[3]));
      }
    } finally {
      Files.delete(peak);
    }
  }

  private static String[] jvmOptions(Path peak) {
    List<String> options = new ArrayList<>();
    String file = System.getProperty("jambic.bench.options", "");
    if (!file.isEmpty()) {
      options.add("@" + file);
    }
    options.addAll(
        List.of(
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-D" + Machine.PEAK_FILE + "=" + peak));
    return options.toArray(String[]::new);
  }

  private static String weights(Suite suite) {
    return suite.engine.endsWith("-int8") ? "int8" : "fp32";
  }

  private static Suite suite(String bench, String engine) {
    return SUITES.stream()
        .filter(s -> s.bench.equals(bench) && engine.startsWith(s.engine))
        .map(s -> new Suite(bench, engine, s.type))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no benchmark " + bench + " " + engine));
  }

  private static Row row(Suite suite, int threads, RunResult result, Map<String, Object> more) {
    Statistics ms = result.getPrimaryResult().getStatistics();
    BenchmarkParams params = result.getParams();
    Map<String, Object> extras = new LinkedHashMap<>(more);
    double calls = 1;
    switch (suite.bench) {
      case "fma" -> extras.put("flops", FmaBenchmark.flops() * threads);
      case "read" -> extras.put("bytes", ReadPeak.bytes(params.getParam("shape")));
      case "tile" -> extras.put("flops", GemmBenchmark.flops(params.getParam("shape")) * threads);
      case "gemm" -> extras.put("flops", GemmBenchmark.flops(params.getParam("shape")));
      case "pack" -> extras.put("bytes", PackBenchmark.bytes(params.getParam("shape")) * threads);
      case "bpe" -> extras.put("megabytes", BpeBenchmark.megabytes() * threads);
      case "step" -> {
        Models models = Models.named(params.getParam("preset"));
        extras.put("tokens", models.config().tokensPerIter());
        extras.put("flops", models.stepFlops());
      }
      case "sample" -> { // a row of one token, however many a call makes
        Models models = Models.named(params.getParam("preset"));
        calls = models.gpt().blockSize() - 1;
        extras.put("tokens", 1);
        extras.put("bytes", models.bytes(weights(suite)));
      }
      case "decode" -> { // a row of one step, however many a call makes
        Models models = Models.named(params.getParam("preset"));
        calls = Math.min(DecodeBenchmark.STEPS, models.gpt().blockSize() - 1);
        extras.put("tokens", Integer.valueOf(params.getParam("batch")));
        extras.put("bytes", models.bytes(weights(suite)));
      }
      case "prefill" -> {
        Models models = Models.named(params.getParam("preset"));
        extras.put("tokens", PrefillBenchmark.tokens(models.gpt().blockSize()));
      }
      default -> {}
    }
    return new Row(
        suite.bench,
        subject(params),
        suite.engine,
        threads,
        ms.getN(),
        ms.getMin() / calls,
        ms.getPercentile(50) / calls,
        ms.getMax() / calls,
        extras);
  }

  /** Preset, or shape, form and pass, as the peers write them. */
  private static String subject(BenchmarkParams params) {
    List<String> words = new ArrayList<>();
    for (String name : List.of("preset", "shape", "form")) {
      String value = params.getParam(name);
      if (value != null) {
        words.add(value);
      }
    }
    String batch = params.getParam("batch");
    if (batch != null) {
      words.add("x " + batch);
    }
    String benchmark = params.getBenchmark();
    String method = benchmark.substring(benchmark.lastIndexOf('.') + 1);
    if (!method.equals("run")) {
      words.add(method.equals("forwardBackward") ? "forward+backward" : method);
    }
    return String.join(" ", words);
  }
}
