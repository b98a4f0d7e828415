package jambic.train.config;

import jambic.model.ConfigMessage.Name;

/** Refuses hyperparameters out of their range, by name. */
final class Bounds {
  private Bounds() {}

  static void atLeast(String name, int value, int least) {
    check(value >= least, "%s must be at least %d, not %d", new Name(name), least, value);
  }

  static void inUnitInterval(String name, double value) {
    Name of = new Name(name);
    check(value >= 0 && value < 1, "%s must be at least 0 and below 1, not %s", of, value);
    check((float) value < 1, "%s must be at most %s, not %s", of, Math.nextDown(1f), value);
  }

  static void finiteAndPositive(String name, double value) {
    Name of = new Name(name);
    check(value > 0, "%s must be above 0, not %s", of, value);
    fits(name, value);
    check((float) value > 0, "%s must be at least %s, not %s", of, Float.MIN_VALUE, value);
  }

  static void finiteAndNotNegative(String name, double value) {
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

  static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new HyperparameterException(message, arguments);
    }
  }
}
