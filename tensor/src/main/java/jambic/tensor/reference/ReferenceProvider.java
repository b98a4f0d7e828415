package jambic.tensor.reference;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider;

/** Offers the reference backend, which works everywhere and which {@code auto} picks last. */
public final class ReferenceProvider implements BackendProvider {
  /** For the service loader. */
  public ReferenceProvider() {}

  @Override
  public String name() {
    return ReferenceBackend.NAME;
  }

  @Override
  public int priority() {
    return Integer.MIN_VALUE;
  }

  @Override
  public Availability probe() {
    return new Available(ReferenceBackend.DESCRIPTION);
  }

  @Override
  public Backend open(int threads) {
    return new ReferenceBackend();
  }
}
