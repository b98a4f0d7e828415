package jambic.model.nn;

/**
 * Position embeddings that are computed (Vaswani et al., 2017, section 3.5). The paper takes sines
 * and cosines by turns; programs put all sines first, which a trained model cannot tell apart.
 */
public enum SinusoidalPositions {
  /** Frequencies {@code 10000^(-2i/C)}, as the paper's; sines, then cosines: Marian's. */
  MARIAN,
  /**
   * Frequencies {@code 10000^(-i/(C/2 - 1))}; sines, then cosines: those of tensor2tensor and
   * fairseq.
   */
  FAIRSEQ;

  /**
   * Computes a table.
   *
   * @param first the position of its first row
   * @param count rows
   * @param width C
   * @return (count, width)
   */
  public float[] table(int first, int count, int width) {
    float[] table = new float[Math.multiplyExact(count, width)];
    int half = this == MARIAN ? Math.ceilDiv(width, 2) : width / 2;
    for (int row = 0; row < count; row++) {
      for (int i = 0; i < half; i++) {
        double angle = (first + row) * frequency(i, width);
        table[row * width + i] = (float) StrictMath.sin(angle);
        if (half + i < width) {
          table[row * width + half + i] = (float) StrictMath.cos(angle);
        }
      }
    }
    return table;
  }

  private double frequency(int i, int width) {
    return switch (this) {
      case MARIAN -> StrictMath.pow(10_000, -2.0 * i / width);
      case FAIRSEQ -> StrictMath.pow(10_000, -i / Math.max(1.0, width / 2 - 1.0));
    };
  }
}
