package jambic.cuda;

import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider;
import java.util.ArrayList;
import java.util.List;

/** Offers the CUDA backend wherever a GPU, its driver and the libraries are. */
public final class CudaProvider implements BackendProvider {
  /** For the service loader. */
  public CudaProvider() {}

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public int priority() {
    return 200;
  }

  @Override
  public Availability probe() {
    return switch (look()) {
      case Installation.Ready ready -> new Available(describe(ready));
      case Installation.Lacking(String reason, String remedy, _) -> new Unavailable(reason, remedy);
    };
  }

  @Override
  public List<String> details() {
    List<String> lines = new ArrayList<>();
    switch (look()) {
      case Installation.Ready ready ->
          ready.libraries().forEach(file -> lines.add("found " + file));
      case Installation.Lacking lacking ->
          lacking.tried().forEach(file -> lines.add("not there: " + file));
    }
    return lines;
  }

  /** Never throws: a driver that answers oddly is a reason, too. */
  private static Installation look() {
    try {
      return Installation.of(Libraries.ofSystem());
    } catch (JambicException e) {
      return new Installation.Lacking(e.getMessage(), "See whether nvidia-smi works", List.of());
    }
  }

  private static String describe(Installation.Ready ready) {
    Device device = ready.device();
    return "%s, compute capability %d.%d, %d GiB, driver for CUDA %s"
        .formatted(
            device.name(),
            device.major(),
            device.minor(),
            device.memoryBytes() >> 30,
            ready.driverVersion());
  }

  @Override
  public Backend open(int threads) {
    return open(threads, Precision.BEST);
  }

  @Override
  public Backend open(int threads, Precision precision) {
    return switch (Installation.of(Libraries.ofSystem())) {
      case Installation.Ready ready ->
          new CudaBackend(
              ready.device(),
              describe(ready),
              precision == Precision.BEST ? Precision.BF16 : precision,
              KernelCache.ofUser(System.getenv()));
      case Installation.Lacking(String reason, String remedy, _) ->
          throw new JambicException(reason + ". " + remedy);
    };
  }
}
