package jambic.tensor.contract;

import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/**
 * What every backend must do. A test class of a backend extends this one and says how to open it;
 * the tests are inherited, a family of kernels from each interface.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContract
    implements RegionContract,
        CaptureContract,
        LinearContract,
        EmbeddingContract,
        NormContract,
        ActivationContract,
        AttentionContract,
        ElementwiseContract,
        LossContract,
        OptimizerContract,
        IndexContract,
        ThreadsContract,
        PagedAttentionContract,
        QuantizedContract,
        OpsContract,
        TranslationContract,
        ParityContract {
  private Contract contract;

  /** For subclasses. */
  protected BackendContract() {}

  /**
   * Opens the backend under test.
   *
   * @return one configuration or more (numbers of threads, say) which must agree to the bit
   */
  protected abstract List<Backend> open();

  /**
   * How tensors are misplaced.
   *
   * @return by how many elements tensors start behind a region's own alignment, one run each
   */
  protected int[] shifts() {
    return new int[] {0, 5};
  }

  @BeforeAll
  final void openBackends() {
    contract = new Contract(Backends.open("reference", 1), open(), shifts());
  }

  @AfterAll
  final void closeBackends() {
    if (contract != null) {
      contract.close();
    }
  }

  @Override
  public final Contract contract() {
    return contract;
  }
}
