/**
 * Models as files, of whatever architecture: a {@link jambic.model.checkpoint.ModelFormat} knows
 * one, a {@link jambic.model.checkpoint.Checkpoint} opens and saves its models, also as PEFT's
 * adapters.
 */
package jambic.model.checkpoint;
