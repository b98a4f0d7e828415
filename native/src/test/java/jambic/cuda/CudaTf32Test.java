package jambic.cuda;

import jambic.tensor.Backends;
import jambic.tensor.Precision;
import jambic.tensor.contract.Contract;
import jambic.tensor.contract.LinearContract;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** Products keep the contract in TF32, as closely as its factors are; all else is as in 32 bits. */
@ExtendWith(NeedsGpu.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CudaTf32Test implements LinearContract {
  /** Factors have 10 bits of mantissa in place of 23. */
  private static final double WIDER = 1 << 13;

  private Contract contract;

  @BeforeAll
  void open() {
    contract =
        new Contract(
                Backends.open("reference", 1),
                List.of(Backends.open("cuda", 1, Precision.TF32)),
                0,
                5)
            .wider(WIDER);
  }

  @AfterAll
  void close() {
    if (contract != null) {
      contract.close();
    }
  }

  @Override
  public Contract contract() {
    return contract;
  }
}
