package jambic.cuda;

import static org.junit.jupiter.api.Assumptions.abort;

import jambic.tensor.Backends;
import jambic.tensor.Precision;
import jambic.tensor.contract.BackendContract;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider.Unavailable;
import java.util.List;

/** The CUDA backend keeps the contract in 32 bits. */
class CudaContractTest extends BackendContract {
  @Override
  protected List<Backend> open() {
    if (new CudaProvider().probe() instanceof Unavailable missing) {
      return abort("the CUDA backend is skipped: " + missing.reason() + "; " + missing.remedy());
    }
    return List.of(Backends.open("cuda", 1, Precision.FP32));
  }

  /** Ids are on the device, where kernels stay inside the tables. */
  @Override
  public boolean refusesIndices() {
    return false;
  }
}
