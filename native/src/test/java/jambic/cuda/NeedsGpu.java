package jambic.cuda;

import jambic.tensor.spi.BackendProvider.Unavailable;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips a class where there is no GPU, and says which backend that leaves untested and why. */
final class NeedsGpu implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return new CudaProvider().probe() instanceof Unavailable(String reason, String remedy)
        ? ConditionEvaluationResult.disabled(
            "the backend cuda is skipped: %s; %s".formatted(reason, remedy))
        : ConditionEvaluationResult.enabled("there is a GPU");
  }
}
