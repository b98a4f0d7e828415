package jambic.app.terminal;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;

/**
 * Measures steps once they are warm: those that begin after half of the time is over, and after the
 * first two, in which the JVM compiles the kernels however long they take.
 */
public final class SteadySteps {
  /** The fewest to report a median of. */
  public static final int LEAST = 3;

  private static final int WARM_UP = 2;

  private final double seconds;
  private final IntConsumer tooFew;
  private final LongSupplier nanoTime;

  /**
   * A measurement.
   *
   * @param seconds how long it takes, longer only where steps are slow
   * @param tooFew is told how many there are when that time is over, if it has to go on
   * @param nanoTime the clock
   */
  public SteadySteps(double seconds, IntConsumer tooFew, LongSupplier nanoTime) {
    this.seconds = seconds;
    this.tooFew = tooFew;
    this.nanoTime = nanoTime;
  }

  /**
   * Runs steps.
   *
   * @param step runs the step of a number, from 0
   * @return the milliseconds of each that was warm, the shortest first
   */
  public List<Double> measure(IntConsumer step) {
    List<Double> millis = new ArrayList<>();
    boolean told = false;
    long start = nanoTime.getAsLong();
    long now = start;
    for (int i = 0; millis.size() < LEAST || now - start < seconds * 1e9; i++) {
      if (!told && now - start >= seconds * 1e9) {
        tooFew.accept(millis.size());
        told = true;
      }
      step.accept(i);
      long then = now;
      now = nanoTime.getAsLong();
      if (i >= WARM_UP && then - start >= seconds * 0.5e9) {
        millis.add((now - then) * 1e-6);
      }
    }
    Collections.sort(millis);
    return millis;
  }
}
