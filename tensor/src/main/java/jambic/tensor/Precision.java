package jambic.tensor;

import java.util.Locale;

/** What a backend computes with. Statistics, losses, moments and weights are F32 in each. */
public enum Precision {
  /** Whatever the backend trains best with. */
  BEST,
  /** 32-bit floating point throughout. */
  FP32,
  /** 32-bit numbers whose matrix products round their factors to 10 bits of mantissa. */
  TF32,
  /** bfloat16 activations and matrix products that sum in 32 bits. */
  BF16;

  /** The name as a user writes it, such as {@code bf16}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
