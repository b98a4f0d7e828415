package jambic.tensor.contract;

import static org.junit.jupiter.api.Assertions.fail;

import jambic.tensor.Program;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs a launch on the reference and on the backends under test and compares: the numbers with the
 * reference's, the bits of a second run, of a captured run and of every other backend with the
 * first's, and that nothing but the outputs changed.
 */
public final class Contract implements AutoCloseable {
  /** Describes one launch. */
  @FunctionalInterface
  public interface Case {
    /**
     * Makes the tensors of the launch.
     *
     * @param scene gives them out
     * @return launches the kernel
     */
    Runnable build(Scene scene);
  }

  private final Backend reference;
  private final List<Backend> backends;
  private final int[] shifts;
  private final double wider;
  private final Map<Backend, Region> regions = new IdentityHashMap<>();

  /**
   * A judge.
   *
   * @param reference the oracle
   * @param backends the backend under test, in configurations that must agree to the bit
   * @param shifts how far behind a region's own alignment tensors are put, one run each
   */
  public Contract(Backend reference, List<Backend> backends, int... shifts) {
    this(reference, backends, 1, shifts.clone());
  }

  private Contract(Backend reference, List<Backend> backends, double wider, int[] shifts) {
    this.reference = reference;
    this.backends = backends;
    this.shifts = shifts;
    this.wider = wider;
    backends.forEach(backend -> regions.put(backend, backend.region()));
    regions.put(reference, reference.region());
  }

  /**
   * The same judge in place of this one, for backends that round more coarsely than 32 bits.
   *
   * @param factor what every tolerance is multiplied by; bits must agree as before
   * @return the judge, to be closed in place of this one
   */
  public Contract wider(double factor) {
    regions.values().forEach(Region::close);
    return new Contract(reference, backends, wider * factor, shifts);
  }

  /**
   * The backends under test.
   *
   * @return one configuration or more
   */
  public List<Backend> backends() {
    return backends;
  }

  /**
   * Sets up tensors, for tests beyond {@link #check}.
   *
   * @param backend one under test
   * @param title the case, which seeds all content
   * @return an empty scene, to be closed before the next
   */
  public Scene scene(Backend backend, String title) {
    return scene(backend, title, 0, 0);
  }

  private Scene scene(Backend backend, String title, int shift, int variant) {
    return new Scene(backend, regions.get(backend), title, shift, variant);
  }

  /** Closes the reference and the backends under test. */
  @Override
  public void close() {
    regions.values().forEach(Region::close);
    regions.keySet().forEach(Backend::close);
  }

  /**
   * Checks one launch: the first backend in every variant at every shift, and the others, which
   * must agree with it to the bit, in every variant.
   *
   * @param title the kernel and its sizes
   * @param tolerance of all its outputs
   * @param launch the launch
   */
  public void check(String title, Tolerance tolerance, Case launch) {
    List<float[]> expected;
    int variants;
    try (Scene scene = scene(reference, title, 0, 0)) {
      launch.build(scene).run();
      expected = scene.readOutputs();
      variants = scene.variants();
    }
    for (int variant = 0; variant < variants; variant++) {
      String how = title + (variant == 0 ? "" : ", aliased as " + variant);
      List<float[]> first = List.of();
      for (int shift : shifts) {
        try (Scene scene = scene(backends.getFirst(), title, shift, variant)) {
          String where = how + ", shift " + shift + ", on " + scene.backend().description();
          first = run(where, scene, launch.build(scene));
          requireClose(where, scene.outputNames(), expected, first, tolerance.times(wider));
        }
      }
      for (Backend backend : backends.subList(1, backends.size())) {
        try (Scene scene = scene(backend, title, shifts[shifts.length - 1], variant)) {
          String where = how + ", on " + backend.description();
          List<float[]> got = run(where, scene, launch.build(scene));
          requireSame(where, "the first backend", scene.outputNames(), first, got);
        }
      }
    }
  }

  /** Runs a launch three times: as it is, and captured twice. */
  private static List<float[]> run(String title, Scene scene, Runnable launch) {
    launch.run();
    List<float[]> got = scene.readOutputs();
    requireUnharmed(title, scene, true);

    scene.reset();
    Program program = scene.backend().capture(launch);
    requireUnharmed(title + ", capturing", scene, false);
    for (int run = 2; run <= 3; run++) {
      program.run();
      String which = "run " + run + ", captured,";
      requireSame(title, which, scene.outputNames(), got, scene.readOutputs());
      requireUnharmed(title + ", " + which, scene, true);
      scene.reset();
    }
    return got;
  }

  /**
   * Fails unless every number is close to the one expected.
   *
   * @param title the kernel and its sizes
   * @param names the outputs
   * @param expected what they should hold
   * @param got what they hold
   * @param tolerance how close is close
   */
  public static void requireClose(
      String title,
      List<String> names,
      List<float[]> expected,
      List<float[]> got,
      Tolerance tolerance) {
    for (int o = 0; o < names.size(); o++) {
      requireClose(title + ", " + names.get(o), expected.get(o), got.get(o), tolerance);
    }
  }

  /**
   * Fails unless every number is close to the one expected.
   *
   * @param title the kernel, its sizes and the output
   * @param expected what it should hold
   * @param got what it holds
   * @param tolerance how close is close
   */
  public static void requireClose(
      String title, float[] expected, float[] got, Tolerance tolerance) {
    if (expected.length != got.length) {
      fail(title + ": " + got.length + " numbers instead of " + expected.length);
    }
    int bad = 0;
    int worst = -1;
    for (int i = 0; i < got.length; i++) {
      if (!tolerance.allows(expected[i], got[i])) {
        bad++;
        if (worst < 0
            || !(Math.abs(got[i] - expected[i]) <= Math.abs(got[worst] - expected[worst]))) {
          worst = i;
        }
      }
    }
    if (bad > 0) {
      fail(
          title
              + ": expected "
              + expected[worst]
              + ", got "
              + got[worst]
              + " at index "
              + worst
              + ", the worst of "
              + bad
              + " wrong in "
              + got.length
              + "; allowed: "
              + tolerance);
    }
  }

  private static void requireSame(
      String title, String run, List<String> names, List<float[]> first, List<float[]> again) {
    for (int o = 0; o < names.size(); o++) {
      int at = Arrays.mismatch(Scene.bits(first.get(o)), Scene.bits(again.get(o)));
      if (at >= 0) {
        String values = first.get(o)[at] + " and " + again.get(o)[at];
        fail(
            title
                + ", "
                + names.get(o)
                + ": "
                + run
                + " gave other bits at index "
                + at
                + ": "
                + values);
      }
    }
  }

  private static void requireUnharmed(String title, Scene scene, boolean launched) {
    String damage = scene.damage(launched);
    if (!damage.isEmpty()) {
      fail(title + ": " + damage);
    }
  }
}
