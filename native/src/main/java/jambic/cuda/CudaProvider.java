package jambic.cuda;

import jambic.cuda.Installation.Lacking;
import jambic.cuda.Installation.Ready;
import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider;
import jambic.tensor.spi.UnavailableException;
import java.util.ArrayList;
import java.util.List;

/** Offers the CUDA backend wherever a GPU, its driver and the libraries are. */
public final class CudaProvider implements BackendProvider {
  private static final String REMEDY =
      "See whether nvidia-smi works, or compute on the backend cpu";

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
    return switch (look(Libraries.ofSystem())) {
      case Ready ready -> new Available(ready.description());
      case Lacking lacking -> new Unavailable(lacking.reason(), lacking.remedy());
    };
  }

  @Override
  public List<String> details() {
    Libraries libraries = Libraries.ofSystem();
    Installation installation = look(libraries);
    List<String> lines = new ArrayList<>(installation.found());
    if (installation instanceof Lacking lacking) {
      lacking.tried().forEach(file -> lines.add("not there: " + file));
    }
    libraries.misnomer().ifPresent(lines::add);
    lines.add(NcclLibrary.describe(libraries));
    return lines;
  }

  /** Never throws: a driver that answers oddly is a reason, too. */
  private static Installation look(Libraries libraries) {
    try {
      return Installation.of(libraries);
    } catch (JambicException e) {
      return new Lacking(e.getMessage(), REMEDY, List.of(), List.of());
    }
  }

  @Override
  public Backend open(int threads) {
    return open(threads, Precision.BEST);
  }

  @Override
  public Backend open(int threads, Precision precision) {
    return switch (look(Libraries.ofSystem())) {
      case Ready ready -> open(ready, precision == Precision.BEST ? Precision.BF16 : precision);
      case Lacking lacking ->
          throw new UnavailableException(
              name(), new Unavailable(lacking.reason(), lacking.remedy()));
    };
  }

  private Backend open(Ready ready, Precision precision) {
    try {
      Context context = new Context(ready.device());
      try {
        return new CudaBackend(
            ready.device(),
            context,
            ready.description(),
            precision,
            KernelCache.ofUser(System.getenv()));
      } catch (RuntimeException e) {
        context.close(); // and all that was made in it
        throw e;
      }
    } catch (JambicException e) {
      UnavailableException unavailable =
          new UnavailableException(name(), new Unavailable(e.getMessage(), REMEDY));
      unavailable.initCause(e);
      throw unavailable;
    }
  }
}
