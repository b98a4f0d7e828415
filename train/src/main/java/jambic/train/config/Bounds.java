package jambic.train.config;

import jambic.model.ConfigMessage.Name;

/** Refuses hyperparameters out of their range, by name. */
public final class Bounds {
  private Bounds() {}

  /**
   * Refuses a number that is too small.
   *
   * @param name of the hyperparameter
   * @param value its value
   * @param least the smallest allowed one
   * @throws HyperparameterException if it is smaller
   */
  public static void atLeast(String name, int value, int least) {
    check(value >= least, "%s must be at least %d, not %d", new Name(name), least, value);
  }

  /**
   * Refuses a number outside of [0, 1).
   *
   * @param name of the hyperparameter
   * @param value its value
   * @throws HyperparameterException if it is not in there, also with 32 bits
   */
  public static void inUnitInterval(String name, double value) {
    Name of = new Name(name);
    check(value >= 0 && value < 1, "%s must be at least 0 and below 1, not %s", of, value);
    check((float) value < 1, "%s must be at most %s, not %s", of, Math.nextDown(1f), value);
  }

  /**
   * Refuses a number that is not above 0 and finite, with 32 bits.
   *
   * @param name of the hyperparameter
   * @param value its value
   * @throws HyperparameterException if it is not
   */
  public static void finiteAndPositive(String name, double value) {
    Name of = new Name(name);
    check(value > 0, "%s must be above 0, not %s", of, value);
    fits(name, value);
    check((float) value > 0, "%s must be at least %s, not %s", of, Float.MIN_VALUE, value);
  }

  /**
   * Refuses a number below 0, or one that is not finite with 32 bits.
   *
   * @param name of the hyperparameter
   * @param value its value
   * @throws HyperparameterException if it is one
   */
  public static void finiteAndNotNegative(String name, double value) {
    check(value >= 0, "%s must be at least 0, not %s", new Name(name), value);
    fits(name, value);
  }

  /** Kernels compute in 32 bits. */
  private static void fits(String name, double value) {
    check(
        (float) value < Float.POSITIVE_INFINITY,
        "%s must be finite, at most %s, not %s",
        new Name(name),
        Float.MAX_VALUE,
        value);
  }

  /**
   * Refuses what does not hold.
   *
   * @param condition what should hold
   * @param message a format for the arguments
   * @param arguments hyperparameters as {@link Name}, and values
   * @throws HyperparameterException if it does not
   */
  public static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new HyperparameterException(message, arguments);
    }
  }
}
