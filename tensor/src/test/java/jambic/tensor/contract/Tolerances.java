package jambic.tensor.contract;

import jambic.tensor.DType;
import java.util.Map;

/** Every tolerance of the backend tests, by kernel and element type. */
public final class Tolerances {
  /** What is compared. */
  public enum Kernel {
    /** Matrix products, per term of the sum. */
    LINEAR,
    /** Layer normalization. */
    NORM,
    /** Nonlinearities and their slopes. */
    ACTIVATION,
    /** Attention, per key. */
    ATTENTION,
    /** Sums of a few numbers: residuals, repeated tokens. */
    SUM,
    /** Cross-entropy. */
    LOSS,
    /** One update. */
    OPTIMIZER,
    /** Numbers computed elsewhere in double precision: PyTorch's fixtures. */
    PARITY
  }

  private record Key(Kernel kernel, DType dtype) {}

  private static final Map<Key, Tolerance> ALL =
      Map.of(
          new Key(Kernel.LINEAR, DType.F32), new Tolerance(2e-6, 1e-6),
          new Key(Kernel.LINEAR, DType.I8), new Tolerance(2e-6, 1e-6),
          new Key(Kernel.NORM, DType.F32), new Tolerance(2e-6, 2e-6),
          new Key(Kernel.ACTIVATION, DType.F32), new Tolerance(3e-7, 5e-7),
          new Key(Kernel.ATTENTION, DType.F32), new Tolerance(2e-6, 2e-6),
          new Key(Kernel.SUM, DType.F32), new Tolerance(1e-6, 1e-6),
          new Key(Kernel.LOSS, DType.F32), new Tolerance(2e-6, 2e-6),
          new Key(Kernel.OPTIMIZER, DType.F32), new Tolerance(1e-6, 2e-6),
          new Key(Kernel.PARITY, DType.F32), new Tolerance(1e-5, 1e-4));

  private Tolerances() {}

  /**
   * The tolerance of a kernel.
   *
   * @param kernel what is compared
   * @param dtype the type it computes with
   * @return the tolerance against the reference backend
   */
  public static Tolerance of(Kernel kernel, DType dtype) {
    Tolerance tolerance = ALL.get(new Key(kernel, dtype));
    if (tolerance == null) {
      throw new IllegalArgumentException("no tolerance is stated for " + kernel + " in " + dtype);
    }
    return tolerance;
  }

  /**
   * The tolerance of a kernel in 32 bits.
   *
   * @param kernel what is compared
   * @return the tolerance against the reference backend
   */
  public static Tolerance f32(Kernel kernel) {
    return of(kernel, DType.F32);
  }
}
