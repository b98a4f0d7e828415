package jambic.tensor.reference;

import jambic.tensor.Backends;
import jambic.tensor.contract.BackendContract;
import jambic.tensor.spi.Backend;
import java.util.List;

/**
 * The reference does not prove its own numbers here (finite differences and PyTorch's fixtures do),
 * but that it aliases, repeats and stays inside its outputs like any other backend.
 */
class ReferenceContractTest extends BackendContract {
  @Override
  protected List<Backend> open() {
    return List.of(Backends.open("reference", 1));
  }
}
