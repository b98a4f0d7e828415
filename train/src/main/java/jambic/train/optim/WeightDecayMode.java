package jambic.train.optim;

/** Which parameters weight decay shrinks. */
public enum WeightDecayMode {
  /** Matrices and embedding tables only, not biases nor LayerNorm's vectors: nanoGPT's choice. */
  MATRICES,
  /** Every parameter: PyTorch's AdamW left to itself, the lecture's choice. */
  ALL
}
