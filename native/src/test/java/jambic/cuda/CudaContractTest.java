package jambic.cuda;

import jambic.tensor.Backends;
import jambic.tensor.Precision;
import jambic.tensor.contract.BackendContract;
import jambic.tensor.spi.Backend;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;

/** The CUDA backend keeps the contract in 32 bits. */
@ExtendWith(NeedsGpu.class)
class CudaContractTest extends BackendContract {
  @Override
  protected List<Backend> open() {
    return List.of(Backends.open("cuda", 1, Precision.FP32));
  }

  /** Ids are on the device, where kernels stay inside the tables. */
  @Override
  public boolean refusesIndices() {
    return false;
  }
}
