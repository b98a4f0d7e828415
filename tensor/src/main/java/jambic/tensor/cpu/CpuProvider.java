package jambic.tensor.cpu;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider;

/**
 * Offers the SIMD backend wherever the Vector API is there. This class does not touch that API, so
 * it loads, and explains, where the module is missing.
 */
public final class CpuProvider implements BackendProvider {
  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  /** For the service loader. */
  public CpuProvider() {}

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Availability probe() {
    if (ModuleLayer.boot().findModule(VECTOR_MODULE).isEmpty()) {
      return new Unavailable(
          "the Java runtime was started without its module " + VECTOR_MODULE,
          "add --add-modules " + VECTOR_MODULE + " to the java command");
    }
    return new Available(CpuBackend.describe(Runtime.getRuntime().availableProcessors()));
  }

  @Override
  public Backend open(int threads) {
    return new CpuBackend(threads);
  }
}
