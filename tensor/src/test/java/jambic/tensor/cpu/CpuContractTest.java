package jambic.tensor.cpu;

import jambic.tensor.contract.BackendContract;
import jambic.tensor.spi.Backend;
import java.util.List;
import org.junit.jupiter.api.Tag;

/** The SIMD backend keeps the contract, with the same bits on one thread and on several. */
@Tag("width")
class CpuContractTest extends BackendContract {
  @Override
  protected List<Backend> open() {
    return List.of(new CpuBackend(1), new CpuBackend(2), new CpuBackend(3));
  }
}
