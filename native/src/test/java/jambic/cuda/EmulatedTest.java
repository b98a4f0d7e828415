package jambic.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import jambic.cuda.FakeDriver.Answer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The CUDA backend computes, on a machine without a GPU: its kernels run in an emulator, which
 * finds wrong indices, missing barriers and reads of what nobody wrote, and takes fragments of
 * tensor cores apart as PTX defines them. It says nothing about speed, nor about a device's own
 * rounding of exponentials.
 */
@Execution(ExecutionMode.CONCURRENT)
class EmulatedTest {
  @TempDir private static Path folder;

  private static FakeDriver emulated;

  @BeforeAll
  static void compile() throws Exception {
    Optional<FakeDriver> compiled = FakeDriver.compileEmulated(folder);
    assumeTrue(
        compiled.isPresent(), "emulated kernels are skipped: there is no C++ compiler (c++) here");
    emulated = compiled.orElseThrow();
  }

  @TestFactory
  Stream<DynamicTest> theContractIn32Bits() throws Exception {
    return outcomes("contract");
  }

  @TestFactory
  Stream<DynamicTest> productsInTf32() throws Exception {
    return outcomes("tf32");
  }

  /** What cuBLASLt refuses, when it is asked or only when it should launch it, is done without. */
  @TestFactory
  Stream<DynamicTest> productsWithoutEpilogues() throws Exception {
    return Stream.concat(
        outcomes("tf32", "FAKE_EPILOGUES", "15"),
        outcomes("bf16", "FAKE_EPILOGUES", "7", "FAKE_LATE", "1"));
  }

  @TestFactory
  Stream<DynamicTest> aModelInBfloat16() throws Exception {
    return outcomes("bf16");
  }

  /** Where memory is scarce, weights are rounded for each product. */
  @TestFactory
  Stream<DynamicTest> aModelInBfloat16WithoutSpareMemory() throws Exception {
    return outcomes("bf16", "FAKE_MEMORY", Long.toString(256L << 20));
  }

  @TestFactory
  Stream<DynamicTest> headsInBfloat16() throws Exception {
    return Stream.concat(
        outcomes("heads"), outcomes("heads", "FAKE_MEMORY", Long.toString(256L << 20)));
  }

  @TestFactory
  Stream<DynamicTest> copiesOfWeights() throws Exception {
    return outcomes("copies");
  }

  /** Each kernel by itself, at widths and alignments that take every path. */
  @TestFactory
  Stream<DynamicTest> kernelsInBfloat16() throws Exception {
    return outcomes("kernels");
  }

  @TestFactory
  Stream<DynamicTest> attentionInBfloat16() throws Exception {
    return outcomes("attention");
  }

  private static Stream<DynamicTest> outcomes(String scenario, String... settings)
      throws Exception {
    Map<String, String> all = FakeDriver.settings(settings);
    all.put("FAKE_EMULATOR", folder.toString());
    Answer answer = emulated.run(EmulatedMain.class, all, scenario);
    assertThat(answer.exitCode()).as(answer.output()).isZero();
    assertThat(answer.output().lines()).as(answer.output()).hasSizeGreaterThan(3);
    return answer
        .output()
        .lines()
        .map(line ->
            dynamicTest(
                line,
                () -> {
                  if (line.contains(" skipped ")) {
                    abort(line);
                  }
                  if (!line.endsWith(" passed")) {
                    fail(line);
                  }
                }));
  }
}
