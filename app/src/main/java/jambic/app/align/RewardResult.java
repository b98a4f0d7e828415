package jambic.app.align;

import jambic.app.run.ShellCommand;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.GptClassifier;
import jambic.model.io.AtomicFolder;
import jambic.tensor.text.Text;
import jambic.train.preference.RewardScale;
import jambic.train.run.Metrics;
import jambic.train.run.RunCheckpoints;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What becomes of a reward model that is trained: its scores get a scale, and are told apart from
 * guesses.
 *
 * @param initial what it began as
 * @param centred prompts with answers whose scores are to be 0 on average, if there are such
 * @param held pairs that its accuracy is measured on
 * @param spread prompts with the policy's own answers
 */
record RewardResult(
    InitialGpt initial, Optional<List<int[]>> centred, int held, List<int[]> spread) {
  private static final int FEW = 20;
  private static final double ENOUGH = 0.7; // right pairs of those held back

  /** Writes the scaled model to {@code best}, and says what it is worth. */
  List<String> finish(GptClassifier trained, Path folder, List<Metrics> log) {
    List<String> lines = new ArrayList<>();
    double accuracy = accuracy(log);
    if (held < FEW) {
      lines.add(
          Text.format(
              "note     %s held back, too few to tell how good it is; give more, or some by --valid",
              held == 1 ? "only 1 pair is" : "only " + held + " pairs are"));
    } else if (accuracy < ENOUGH) {
      lines.add(
          Text.format(
              "warning  it finds the better answer of %.0f %% of the held-back pairs only; more pairs or --epochs help, and a policy learns little from it",
              100 * accuracy));
    } else {
      lines.add(
          Text.format(
              "accuracy %.1f %% of the held-back pairs that evaluations read", 100 * accuracy));
    }
    Path best = folder.resolve(RunCheckpoints.BEST);
    try (GptClassifier model = copy(trained, best)) {
      RewardScale scale = RewardScale.of(model, centred.orElse(spread), spread);
      boolean isCentred = scale.foldInto(model);
      String mean =
          centred.isPresent()
              ? Text.format(
                  "have a mean of %.3f over the demonstrations",
                  RewardScale.of(model, centred.get(), centred.get()).mean())
              : isCentred ? "are 0 on average" : "keep their mean, as the model has no biases";
      Checkpoint.save(
          GptClassifier.FORMAT,
          best,
          model,
          Optional.of(initial.tokenizer()),
          temporary -> {
            if (initial.template().isPresent()) {
              initial.template().get().save(temporary);
            }
          });
      lines.add(
          Text.format(
              "scores   %s, with a spread of 1 over the answers to learn from (before: mean %.2f, spread %.2f)",
              mean, scale.mean(), scale.std()));
    }
    lines.add(
        "next     "
            + ShellCommand.of(
                "ppo", "--init", initial.folder(), "--reward", folder, "--data", "prompts.jsonl"));
    return lines;
  }

  /** That of the best model, which is saved: the one with the lowest loss after the beginning. */
  private static double accuracy(List<Metrics> log) {
    return log.stream()
        .filter(Metrics.Evaluation.class::isInstance)
        .map(Metrics.Evaluation.class::cast)
        .filter(evaluation -> evaluation.iter() > 0)
        .min(Comparator.comparingDouble(Metrics.Evaluation::valLoss))
        .map(evaluation -> evaluation.others().getOrDefault("eval_accuracy", 0.0))
        .orElse(0.0);
  }

  /** The best model, or the last one where none was better than the beginning. */
  private static GptClassifier copy(GptClassifier trained, Path best) {
    if (AtomicFolder.exists(best)) {
      return GptClassifier.load(best, trained.backend());
    }
    GptClassifier copy = new GptClassifier(trained.backend(), trained.config());
    copy.parameters()
        .byName()
        .forEach((name, to) -> to.set(trained.parameters().get(name).toFloats()));
    return copy;
  }
}
