/**
 * Data sets and batches, run configurations and their presets, learning rate schedules, and the
 * metrics of a run.
 */
package jambic.train;
