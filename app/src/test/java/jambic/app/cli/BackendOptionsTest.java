package jambic.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What a resumed run computes with. */
class BackendOptionsTest {
  @TempDir Path folder;
  private RunFolder run;

  @BeforeEach
  void begin() {
    run = new RunFolder(folder);
    run.write(Map.of(RunRecord.BACKEND, "cuda", RunRecord.DTYPE, "fp32"));
  }

  private Optional<String> dtypeOn(String backend, String... words) {
    BackendOptions options = new BackendOptions();
    CommandLine.populateCommand(options, words);
    return options.dtype(run.record(), backend);
  }

  @Test
  void theTypeStaysWithTheBackend() {
    assertThat(dtypeOn("cuda")).contains("fp32");
    assertThat(dtypeOn("cuda", "--backend=cuda")).contains("fp32");
    assertThat(dtypeOn("cuda", "--backend=auto")).contains("fp32");
    assertThat(dtypeOn("cpu", "--backend=cpu")).isEmpty();
    assertThat(dtypeOn("cpu", "--backend=auto")).isEmpty();
    assertThat(dtypeOn("cuda", "--backend=cuda", "--dtype=tf32")).contains("tf32");
  }

  @Test
  void whatChangesHowItComputesIsSaid() {
    String end = ", so it will not be the one it would have been";
    assertThat(run.moved("cuda", Optional.of("fp32"))).isEmpty();
    assertThat(run.moved("cuda", Optional.of("tf32")))
        .contains("the run goes on with dtype tf32 (was fp32)" + end);
    assertThat(run.moved("cuda", Optional.empty()))
        .contains("the run goes on with dtype bf16 (was fp32)" + end);
    assertThat(run.moved("cpu", Optional.empty()))
        .contains("the run goes on with backend cpu (was cuda)" + end);
    run.write(Map.of(RunRecord.BACKEND, "cuda"));
    assertThat(run.moved("cuda", Optional.of("bf16"))).isEmpty();
    assertThat(run.moved("cpu", Optional.empty()))
        .contains("the run goes on with backend cpu (was cuda), dtype fp32 (was bf16)" + end);
  }
}
