/**
 * Data sets and batches, run configurations and their presets, learning rate schedules, the
 * training loop, and the metrics of a run.
 *
 * <p>A {@link jambic.train.config.TrainConfig} has every hyperparameter, a {@link
 * jambic.train.config.Preset} a whole set of them, and a {@link jambic.train.Trainer} carries a run
 * out and keeps its folder:
 *
 * {@snippet file="jambic/train/OverviewTest.java" region=train}
 *
 * <p>{@link jambic.train.plan.Plan} says what a run will cost before it is started. A flight
 * recording shows {@code jambic.Step}, {@code jambic.Evaluation} and {@code jambic.Checkpoint};
 * {@link jambic.train.run.TensorBoardLog} writes what TensorBoard reads.
 */
package jambic.train;
