package jambic.train.optim;

/** Which {@link Optimizer} a run has. */
public enum OptimizerKind {
  /** {@link AdamW} for every parameter. */
  ADAMW,
  /** {@link Muon} for the matrices of the blocks, AdamW for all else. */
  MUON
}
