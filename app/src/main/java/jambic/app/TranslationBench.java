package jambic.app;

import jambic.app.terminal.SteadySteps;
import jambic.model.translator.TranslationDecoder;
import jambic.model.translator.TranslationSettings;
import jambic.model.translator.Translator;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.Philox;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.Training;
import jambic.train.config.TranslationConfig;
import jambic.train.objective.TargetPrediction;
import jambic.train.pairs.EncodedPairs;
import jambic.train.pairs.PairBatch;
import jambic.train.pairs.PairBatches;
import jambic.train.plan.ModelFlops;
import jambic.train.plan.TranslationPlan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Measures how fast a translator trains and translates here, on sentences of random tokens that are
 * all of one length, so that batches are full.
 */
final class TranslationBench {
  private static final int USUAL_LENGTH = 32;
  private static final int SENTENCES = 32; // that are translated at a time
  private static final double SECONDS = 4; // to translate for

  private final Backend backend;
  private final TranslationConfig config;
  private final TranslatorConfig shape;
  private final int length; // tokens of a sentence
  private final List<Double> steps;
  private final double sentencesPerSecond;
  private final int beams;

  /** Measures. */
  TranslationBench(Backend backend, TranslationConfig config, SteadySteps timing) {
    this.backend = backend;
    this.config = config;
    shape = config.model().translator(config.batch().vocabSize());
    length = Math.min(USUAL_LENGTH, Math.min(shape.maxLength(), config.batch().batchTokens()));
    TranslationSettings search = TranslationSettings.of(shape).withMaxTokens(length);
    beams = search.beams();
    try (Translator model = new Translator(backend, shape, config.seed())) {
      steps = train(model, timing);
      sentencesPerSecond = translate(model, search);
    }
  }

  private int batchSize() {
    return config.batch().batchTokens() / length;
  }

  private List<Double> train(Translator model, SteadySteps timing) {
    Philox random = new Philox(config.seed(), 0);
    EncodedPairs pairs =
        new EncodedPairs(
            Stream.generate(() -> new EncodedPairs.Ids(sentence(random), sentence(random)))
                .limit(8L * batchSize())
                .toList(),
            length,
            0);
    PairBatches batches =
        new PairBatches(
            pairs,
            config.batch().batchTokens(),
            shape.startToken(),
            shape.padToken(),
            config.seed());
    List<PairBatch> none = List.of();
    TargetPrediction objective =
        new TargetPrediction(
            model,
            batches,
            none,
            none,
            config.gradientAccumulationSteps(),
            (float) config.batch().labelSmoothing());
    try (Training training = new Training(model, config, objective)) {
      return timing.measure(i -> training.step().run(i, config.optimizer().rates().at(i)));
    }
  }

  private int[] sentence(Philox random) {
    return IntStream.range(0, length).map(i -> random.nextInt(shape.vocabSize())).toArray();
  }

  /** The best of some batches. */
  private double translate(Translator model, TranslationSettings search) {
    Philox random = new Philox(config.seed(), 1);
    List<int[]> sources = Stream.generate(() -> sentence(random)).limit(SENTENCES).toList();
    double best = 0;
    try (TranslationDecoder decoder = new TranslationDecoder(model, search)) {
      long start = System.nanoTime();
      for (int i = 0; i < 2 || System.nanoTime() - start < SECONDS * 1e9; i++) {
        long before = System.nanoTime();
        decoder.decode(sources);
        best = Math.max(best, SENTENCES / ((System.nanoTime() - before) * 1e-9));
      }
    }
    return best;
  }

  private double median() {
    return steps.get(steps.size() / 2);
  }

  private long tokens() {
    return (long) batchSize() * length * config.gradientAccumulationSteps();
  }

  private ModelFlops flops() {
    double perToken = TranslationPlan.flopsPerToken(shape, length);
    return new ModelFlops(perToken, backend.peakFlops(), "fused multiply-adds, measured now");
  }

  /** What was measured, for people. */
  String text() {
    ModelFlops flops = flops();
    OptionalDouble mfu = flops.utilization(tokens(), median() * 1e-3);
    StringBuilder out = new StringBuilder();
    line(out, "backend  %s, %s", backend.name(), backend.description());
    line(out, "model    %,d parameters", shape.parameterCount());
    line(
        out,
        "step     %.4g ms (%.4g to %.4g, median of %d), %d x %d sentences of %d tokens",
        median(),
        steps.getFirst(),
        steps.getLast(),
        steps.size(),
        config.gradientAccumulationSteps(),
        batchSize(),
        length);
    line(out, "train    %,.0f tokens of a side in a second", tokens() / (median() * 1e-3));
    if (mfu.isPresent()) {
      line(
          out,
          "mfu      %.1f %%: %.4g FLOP a token of both sides, counted product by product, at most %.4g FLOP/s",
          100 * mfu.getAsDouble(),
          flops.perToken(),
          flops.peak().orElseThrow());
    }
    line(
        out,
        "translate %,.1f sentences/s, %d at a time, beam %d, %d tokens each, best run",
        sentencesPerSecond,
        SENTENCES,
        beams,
        length);
    return out.toString();
  }

  private static void line(StringBuilder out, String format, Object... arguments) {
    out.append(Text.format(format, arguments)).append(System.lineSeparator());
  }

  /** What was measured, for scripts. */
  Map<String, Object> fields() {
    ModelFlops flops = flops();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("backend", backend.name());
    fields.put("machine", backend.description());
    fields.put("parameters", shape.parameterCount());
    fields.put("step_ms_median", median());
    fields.put("step_ms_min", steps.getFirst());
    fields.put("step_ms_max", steps.getLast());
    fields.put("steps", steps.size());
    fields.put("sentence_tokens", length);
    fields.put("batch_sentences", batchSize());
    fields.put("train_tokens_per_s", tokens() / (median() * 1e-3));
    flops.utilization(tokens(), median() * 1e-3).ifPresent(share -> fields.put("mfu", share));
    flops.peak().ifPresent(flop -> fields.put("peak_flops", flop));
    fields.put("beams", beams);
    fields.put("translated_sentences_per_s", sentencesPerSecond);
    return fields;
  }
}
