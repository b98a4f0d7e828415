package jambic.train.run;

import java.util.Optional;
import java.util.function.Supplier;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * What a flight recording shows of a run: {@code jambic.Step}, {@code jambic.Evaluation} and {@code
 * jambic.Checkpoint}, beside the {@code jambic.Kernel} of every {@link jambic.tensor.Launch}.
 * Without a recording, or in a runtime without the module {@code jdk.jfr}, nothing happens here.
 */
final class TrainingEvents {
  private static final boolean RECORDABLE = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  private TrainingEvents() {}

  /** Runs an iteration, which may be given up on the way. */
  static Optional<Metrics.Step> step(Supplier<Optional<Metrics.Step>> body) {
    return RECORDABLE ? StepEvent.record(body) : body.get();
  }

  /** Runs an evaluation, which may be given up on the way. */
  static Optional<Metrics.Evaluation> evaluation(Supplier<Optional<Metrics.Evaluation>> body) {
    return RECORDABLE ? EvaluationEvent.record(body) : body.get();
  }

  /** Writes a checkpoint. */
  static void checkpoint(int iteration, String name, Runnable body) {
    if (RECORDABLE) {
      CheckpointEvent.record(iteration, name, body);
    } else {
      body.run();
    }
  }

  // The events stand apart from the above, because they cannot be loaded without jdk.jfr.

  @Name("jambic.Step")
  @Label("Step")
  @Category("Jambic")
  @Description("One iteration of training: batches, gradients, update")
  @StackTrace(false)
  private static final class StepEvent extends Event {
    @Label("Iteration")
    int iteration;

    @Label("Loss")
    @Description("Mean training loss of the batch, in nats a token")
    double loss;

    @Label("Learning Rate in Millionths")
    @Description("The tools that show events round to thousandths")
    double learningRateMillionths;

    @Label("Gradient Norm")
    @Description("Before clipping")
    double gradientNorm;

    @Label("Tokens per Second")
    double tokensPerSecond;

    static Optional<Metrics.Step> record(Supplier<Optional<Metrics.Step>> body) {
      StepEvent event = new StepEvent();
      event.begin();
      Optional<Metrics.Step> done = body.get();
      event.end();
      if (event.shouldCommit() && done.isPresent()) {
        Metrics.Step step = done.get();
        event.iteration = step.iter();
        event.loss = step.loss();
        event.learningRateMillionths = 1e6 * step.lr();
        event.gradientNorm = step.gradNorm();
        event.tokensPerSecond = step.tokensPerSecond();
        event.commit();
      }
      return done;
    }
  }

  @Name("jambic.Evaluation")
  @Label("Evaluation")
  @Category("Jambic")
  @Description("One estimate of the losses on both parts of the data")
  @StackTrace(false)
  private static final class EvaluationEvent extends Event {
    @Label("Iteration")
    @Description("Updates behind the model")
    int iteration;

    @Label("Training Loss")
    double trainLoss;

    @Label("Validation Loss")
    double valLoss;

    static Optional<Metrics.Evaluation> record(Supplier<Optional<Metrics.Evaluation>> body) {
      EvaluationEvent event = new EvaluationEvent();
      event.begin();
      Optional<Metrics.Evaluation> evaluation = body.get();
      event.end();
      if (event.shouldCommit() && evaluation.isPresent()) {
        event.iteration = evaluation.get().iter();
        event.trainLoss = evaluation.get().trainLoss();
        event.valLoss = evaluation.get().valLoss();
        event.commit();
      }
      return evaluation;
    }
  }

  @Name("jambic.Checkpoint")
  @Label("Checkpoint")
  @Category("Jambic")
  @Description("Model and moments written to the run's folder")
  @StackTrace(false)
  private static final class CheckpointEvent extends Event {
    @Label("Iteration")
    @Description("Updates behind the model")
    int iteration;

    @Label("Name")
    String name;

    static void record(int iteration, String name, Runnable body) {
      CheckpointEvent event = new CheckpointEvent();
      event.begin();
      body.run();
      event.iteration = iteration;
      event.name = name;
      event.commit();
    }
  }
}
