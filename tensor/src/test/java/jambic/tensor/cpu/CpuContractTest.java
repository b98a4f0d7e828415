package jambic.tensor.cpu;

import static org.junit.jupiter.api.Assumptions.abort;

import jambic.tensor.Backends;
import jambic.tensor.contract.BackendContract;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider.Unavailable;
import java.util.List;
import org.junit.jupiter.api.Tag;

/** The SIMD backend keeps the contract, with the same bits on one thread and on several. */
@Tag("width")
class CpuContractTest extends BackendContract {
  @Override
  protected List<Backend> open() {
    if (new CpuProvider().probe() instanceof Unavailable missing) {
      return abort("the SIMD backend is skipped: " + missing.reason() + "; " + missing.remedy());
    }
    return List.of(Backends.open("cpu", 1), Backends.open("cpu", 2), Backends.open("cpu", 3));
  }
}
