package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.BackendOptions;
import jambic.app.cli.CompletionValues;
import jambic.app.cli.Hyperparameters;
import jambic.app.cli.Quantization;
import jambic.app.cli.TrainFlags;
import jambic.app.terminal.SteadySteps;
import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.tensor.Philox;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.Training;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.config.TranslationConfig;
import jambic.train.config.TranslationPreset;
import jambic.train.data.WindowSource;
import jambic.train.objective.NextTokenPrediction;
import jambic.train.plan.ModelFlops;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures how fast a preset trains and samples here, on random tokens. */
@Command(
    name = "bench",
    description = "Measures how fast a preset trains and samples, or translates, on this machine.",
    mixinStandardHelpOptions = true,
    modelTransformer = TrainFlags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic bench                                    the default preset",
      "  jambic bench --preset shakespeare-char --seconds 60",
      "  jambic bench --n-layer 12 --n-embd 768 --n-head 12 --vocab-size 50257 --threads 2",
      "  jambic bench --preset shakespeare-char --quantize int8",
      "  jambic bench --preset translate-small           a translator",
    })
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--preset",
      paramLabel = "PRESET",
      completionCandidates = CompletionValues.Presets.class,
      description = "Where the hyperparameters start. Default: ${DEFAULT-VALUE}.",
      defaultValue = "shakespeare-char-cpu")
  private String preset;

  @Option(
      names = "--vocab-size",
      paramLabel = "N",
      description = {
        "Different tokens. Default: ${DEFAULT-VALUE}, as tiny Shakespeare has, and a translator's",
        "own: 2000 or 37000."
      },
      defaultValue = "65")
  private int vocabSize;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description =
          "How long to train; the first half and two steps at least warm up, and three after them"
              + " are measured even if that takes longer. Default: ${DEFAULT-VALUE}.",
      defaultValue = "20")
  private double seconds;

  @Mixin private Quantization quantization;
  @Mixin private BackendOptions computing;

  @Option(names = "--json", description = "Print one JSON object instead.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (!(seconds > 0 && seconds <= 86_400)) {
      throw new ParameterException(
          spec.commandLine(), "--seconds must be above 0 and at most a day, not " + seconds);
    }
    Optional<TranslationPreset> translator = TranslationPreset.named(preset);
    if (translator.isPresent()) {
      return translation(translator.get());
    }
    TrainFlags.requireNoneOfTranslators(spec, "--vocab-size");
    if (vocabSize < 1) {
      throw new ParameterException(
          spec.commandLine(), "--vocab-size must be at least 1, not " + vocabSize);
    }
    TrainConfig config = Hyperparameters.over(Preset.named(preset).config(), spec);
    try (Backend backend = computing.open(spec.commandLine())) {
      GptConfig shape = TrainCommand.affordable(config, () -> config.gpt(vocabSize), backend);
      try (Gpt model = new Gpt(backend, shape, config.init())) {
        OptionalDouble peak = backend.peakFlops();
        List<Double> steps = trainingMillis(backend, model, config);
        double perSecond;
        try (Gpt sampled = quantization.of(model)) {
          perSecond = tokensPerSecond(sampled);
        }
        report(backend, shape, config, steps, perSecond, peak);
        return 0;
      }
    }
  }

  private int translation(TranslationPreset start) throws IOException {
    if (quantization.name().isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--quantize is for a GPT; leave it out with a translator");
    }
    TranslationConfig config = TrainFlags.over(start.config(), spec);
    try (Backend backend = computing.open(spec.commandLine())) {
      SteadySteps timing = new SteadySteps(seconds, this::sayLonger, System::nanoTime);
      TranslationBench bench = new TranslationBench(backend, config, timing);
      PrintWriter out = spec.commandLine().getOut();
      out.print(json ? JSON.std.asString(bench.fields()) + "\n" : bench.text());
      out.flush();
      return 0;
    }
  }

  private void sayLonger(int warmed) {
    spec.commandLine()
        .getErr()
        .println(
            Text.format(
                "jambic: %d of the %d warmed steps that a median needs came within %s s; measuring on until they are there, --seconds gives more time",
                warmed, SteadySteps.LEAST, Hyperparameters.text(seconds)));
  }

  /** Milliseconds of every step after the warm-up, the shortest first. */
  private List<Double> trainingMillis(Backend backend, Gpt model, TrainConfig config) {
    Philox random = new Philox(config.seed(), 0);
    WindowSource batches =
        (iteration, micro, x, y) -> {
          for (int i = 0; i < x.length; i++) {
            x[i] = random.nextInt(vocabSize);
            y[i] = random.nextInt(vocabSize);
          }
        };
    try (Training training =
        new Training(
            model,
            config,
            new NextTokenPrediction(
                model, batches, config.batch().batchSize(), config.model().blockSize()))) {
      SteadySteps steps = new SteadySteps(seconds, this::sayLonger, System::nanoTime);
      return steps.measure(i -> training.step().run(i, config.optimizer().rates().at(i)));
    }
  }

  /** Of the last of some samples, one token after the other, within the context. */
  private static double tokensPerSecond(Gpt model) {
    int count = Math.max(1, Math.min(256, model.config().blockSize() - 1));
    double best = 0;
    try (Generator generator = new Generator(model, 1)) {
      long start = System.nanoTime();
      for (int i = 0; i < 2 || System.nanoTime() - start < 4e9; i++) {
        long before = System.nanoTime();
        generator.generate(new int[1], count, SamplingParams.plain(i), (row, token) -> true);
        best = Math.max(best, count / ((System.nanoTime() - before) * 1e-9));
      }
    }
    return best;
  }

  private void report(
      Backend backend,
      GptConfig shape,
      TrainConfig config,
      List<Double> steps,
      double samplesPerSecond,
      OptionalDouble peak)
      throws IOException {
    double median = steps.get(steps.size() / 2);
    double trainPerSecond = config.tokensPerIter() / (median * 1e-3);
    ModelFlops flops =
        new ModelFlops(ModelFlops.perToken(shape), peak, "fused multiply-adds, measured now");
    OptionalDouble mfu = flops.utilization(config.tokensPerIter(), median * 1e-3);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("backend", backend.name());
      result.put("machine", backend.description());
      result.put("parameters", shape.parameterCount());
      result.put("step_ms_median", median);
      result.put("step_ms_min", steps.getFirst());
      result.put("step_ms_max", steps.getLast());
      result.put("steps", steps.size());
      result.put("train_tokens_per_s", trainPerSecond);
      mfu.ifPresent(share -> result.put("mfu", share));
      peak.ifPresent(flop -> result.put("peak_flops", flop));
      result.put("sample_tokens_per_s", samplesPerSecond);
      quantization.name().ifPresent(name -> result.put("sample_weights", name));
      out.println(JSON.std.asString(result));
    } else {
      print(out, "backend  %s, %s", backend.name(), backend.description());
      print(out, "model    %,d parameters", shape.parameterCount());
      print(
          out,
          "step     %.4g ms (%.4g to %.4g, median of %d)",
          median,
          steps.getFirst(),
          steps.getLast(),
          steps.size());
      print(out, "train    %,.0f tokens/s", trainPerSecond);
      mfu.ifPresent(share -> print(out, "mfu      %.1f %%: %s", 100 * share, flops.describe()));
      print(
          out,
          "sample   %,.0f tokens/s, one sequence, KV cache, %sbest run",
          samplesPerSecond,
          quantization.name().map(name -> name + " weights, ").orElse(""));
    }
    out.flush();
  }

  private static void print(PrintWriter out, String format, Object... arguments) {
    out.println(Text.format(format, arguments));
  }
}
