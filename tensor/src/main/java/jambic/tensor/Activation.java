package jambic.tensor;

/** The pointwise nonlinearity of a feed-forward layer. */
public enum Activation {
  /** {@code max(0, x)}. */
  RELU,
  /** {@code x * (1 + erf(x / sqrt 2)) / 2} (Hendrycks and Gimpel, 2016), exact: nanoGPT's. */
  GELU_ERF,
  /**
   * {@code x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) / 2}, the tanh approximation of GELU:
   * GPT-2's.
   */
  GELU_TANH,
  /** {@code x / (1 + exp(-x))}, also called swish (Elfwing et al., 2017). */
  SILU
}
