package jambic.cuda;

import static jambic.cuda.FakeDriver.settings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jambic.cuda.FakeDriver.Answer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Discovery, memory, products, capture and failures, on a driver that computes on the host. */
@Execution(ExecutionMode.CONCURRENT)
class FakeDriverTest {
  private static final Map<String, String> AS_IT_IS = Map.of();
  private static final Map<String, String> MIB_100 = settings("FAKE_MEMORY", "104857600");

  @TempDir private static Path folder;

  private static FakeDriver fake;

  @BeforeAll
  static void compile() throws Exception {
    Optional<FakeDriver> compiled = FakeDriver.compile(folder);
    assumeTrue(
        compiled.isPresent(), "the fake driver is skipped: there is no C compiler (cc) here");
    fake = compiled.orElseThrow();
  }

  private static void agrees(Answer answer, String... lines) {
    assertThat(withoutNccl(answer)).containsExactly(lines);
    assertThat(answer.exitCode()).isZero();
  }

  /** What is said, but for the last line: whether a machine has NCCL is no matter of the driver. */
  private static List<String> withoutNccl(Answer answer) {
    return answer.output().lines().filter(line -> !line.contains("NCCL")).toList();
  }

  private static void fails(Answer answer, String... lines) {
    assertThat(answer.output().lines()).containsExactly(lines);
    assertThat(answer.exitCode()).isEqualTo(1);
  }

  @Test
  void everythingIsFoundAndNamed() throws Exception {
    agrees(
        fake.run(AS_IT_IS, "probe"),
        "Available[description=Fake GPU, compute capability 9.0, 8 GiB, driver for CUDA 13.0]",
        "found " + folder.resolve("libcuda.so.1") + ", which runs CUDA up to 13.0",
        "found Fake GPU, compute capability 9.0, 8 GiB",
        "found " + folder.resolve("libnvrtc.so.13"),
        "found " + folder.resolve("libcublasLt.so.13"));
  }

  @Test
  void librariesOfCuda12Serve() throws Exception {
    FakeDriver old = fake.in(folder.resolve("12"), "libnvrtc.so.12", "libcublasLt.so.12");
    for (String version : List.of("12000", "13000")) {
      Answer answer = old.run(settings("FAKE_DRIVER_VERSION", version), "probe");
      assertThat(answer.output())
          .contains("found " + old.folder().resolve("libnvrtc.so.12"))
          .contains("found " + old.folder().resolve("libcublasLt.so.12"));
    }
    agrees(
        old.run(settings("FAKE_DRIVER_VERSION", "12000"), "linear"),
        "products agree",
        "objects 0, bytes 0");
  }

  @Test
  void aDriverForCuda12TakesLibrariesOfCuda12() throws Exception {
    FakeDriver both =
        fake.in(
            folder.resolve("both"),
            "libnvrtc.so.13",
            "libnvrtc.so.12",
            "libcublasLt.so.13",
            "libcublasLt.so.12");
    assertThat(both.run(settings("FAKE_DRIVER_VERSION", "12080"), "probe").output())
        .contains("driver for CUDA 12.8")
        .contains("libnvrtc.so.12", "libcublasLt.so.12")
        .doesNotContain(".so.13");
    FakeDriver half = fake.in(folder.resolve("half"), "libnvrtc.so.12", "libcublasLt.so.13");
    assertThat(half.run(settings("FAKE_DRIVER_VERSION", "12080"), "probe").output())
        .contains("the driver runs CUDA up to 12.8, and " + half.folder() + "/libcublasLt.so.13")
        .contains("pip install nvidia-cublas-cu12 nvidia-cuda-nvrtc-cu12");
    FakeDriver mixed = fake.in(folder.resolve("mixed"), "libnvrtc.so.13", "libcublasLt.so.12");
    assertThat(mixed.run(AS_IT_IS, "probe").output())
        .contains("found " + mixed.folder().resolve("libnvrtc.so.13"))
        .contains("found " + mixed.folder().resolve("libcublasLt.so.12"));
  }

  @Test
  void itOpensInEachPrecisionAndLeavesNothing() throws Exception {
    String device = "Fake GPU, compute capability 9.0, 8 GiB, driver for CUDA 13.0";
    agrees(
        fake.run(AS_IT_IS, "open", "BEST"),
        device + ", bf16",
        "activations BF16",
        "objects 0, bytes 0");
    agrees(
        fake.run(AS_IT_IS, "open", "TF32"),
        device + ", tf32",
        "activations F32",
        "objects 0, bytes 0");
  }

  @Test
  void productsAreThoseOfTheReference() throws Exception {
    agrees(fake.run(AS_IT_IS, "linear"), "products agree", "objects 0, bytes 0");
  }

  @Test
  void tenThousandStepsTakeNothing() throws Exception {
    agrees(
        fake.run(AS_IT_IS, "steps"),
        "captured equals eager",
        "more: 0 allocations, 0 bytes, 0 objects",
        "objects 0, bytes 0");
  }

  @Test
  void bytesTravelThroughPinnedMemory() throws Exception {
    agrees(fake.run(AS_IT_IS, "staging"), "bytes arrive", "objects 0, bytes 0");
  }

  @Test
  void threadsWaitForARecording() throws Exception {
    agrees(fake.run(AS_IT_IS, "recording"), "recorded as run: true", "objects 0, bytes 0");
  }

  @Test
  void aForgottenProgramIsFreed() throws Exception {
    agrees(fake.run(AS_IT_IS, "forgotten"), "few are left: true", "objects 0, bytes 0");
  }

  @Test
  void outOfMemorySaysWhatLowersIt() throws Exception {
    Answer model = fake.run(MIB_100, "memory");
    assertThat(model.output().lines().toList().getLast())
        .isEqualTo(
            "out of GPU memory: a tensor F32(10485760, 1) needs 40.0 MiB, of the GPU's 100.0 MiB"
                + " only 27.9 MiB are free and this process holds 72.1 MiB; end what else uses the"
                + " GPU, or take a smaller model");
    Answer batch = fake.run(MIB_100, "memory", "rewound");
    assertThat(batch.output())
        .endsWith(
            "this process holds 72.1 MiB; end what else uses the GPU, or take a smaller batch or a"
                + " shorter context\n");
    Answer opening = fake.run(settings("FAKE_MEMORY", "1000000"), "memory");
    assertThat(opening.output())
        .contains("out of GPU memory: the workspace of cuBLASLt needs 32.0 MiB, ")
        .contains("; end what else uses the GPU. See whether");
  }

  @Test
  void whereMemoryIsScarceTensorsTakeTheirOwnAndNoRateIsMeasured() throws Exception {
    fails(
        fake.run(MIB_100, "memory"),
        "peak rate OptionalDouble.empty",
        "region of 40 MiB",
        "region of 40 MiB",
        "objects 0, bytes 0",
        "out of GPU memory: a tensor F32(10485760, 1) needs 40.0 MiB, of the GPU's 100.0 MiB only"
            + " 27.9 MiB are free and this process holds 72.1 MiB; end what else uses the GPU, or"
            + " take a smaller model");
    assertThat(fake.run(AS_IT_IS, "memory").output()).startsWith("peak rate OptionalDouble[");
  }

  @Test
  void aLostDeviceSaysWhatToDo() throws Exception {
    for (String error :
        List.of(
            "700 (CUDA_ERROR_ILLEGAL_ADDRESS)",
            "702 (CUDA_ERROR_LAUNCH_TIMEOUT)",
            "716 (CUDA_ERROR_MISALIGNED_ADDRESS)",
            "999 (CUDA_ERROR_UNKNOWN)")) {
      fails(
          fake.run(settings("FAKE_LAUNCH", error.substring(0, 3)), "launch"),
          "cuLaunchKernel of relu failed with error "
              + error
              + "; this process has lost the GPU and all that it held there: start it again, and if"
              + " that does not help, look at nvidia-smi and for Xid in the system's log",
          "DeviceLostException");
    }
    assertThat(fake.run(settings("FAKE_LAUNCH", "1"), "launch").output())
        .contains("failed with error 1 (CUDA_ERROR_INVALID_VALUE)\nCudaException");
  }

  @Test
  void librariesThatDoNotFitSayWhatToDo() throws Exception {
    assertThat(fake.run(settings("FAKE_MODULE", "209"), "launch").output())
        .contains("cuModuleLoadData of activation.cu failed with error 209 (CUDA_ERROR_NO_BINARY")
        .contains("; the driver does not run what this NVRTC compiles: update the driver, or");
    assertThat(fake.run(settings("FAKE_LT", "1"), "launch").output())
        .contains("cublasLtCreate failed with error 1 (CUBLAS_STATUS_NOT_INITIALIZED); the GPU has")
        .contains("too little memory left, or the driver is too old for this cuBLASLt: end what");
  }

  @Test
  void absenceHasAReasonAndARemedy() throws Exception {
    Answer old = fake.run(settings("FAKE_DRIVER_VERSION", "11040"), "probe");
    assertThat(old.output())
        .contains("the driver " + folder.resolve("libcuda.so.1") + " is too old: it runs CUDA up")
        .contains("to 11.4, and the libraries are of 12.0")
        .contains("Update NVIDIA's driver");
    Answer between = fake.run(settings("FAKE_DRIVER_VERSION", "12040"), "probe");
    assertThat(between.output())
        .contains("the driver runs CUDA up to 12.4, and " + folder.resolve("libnvrtc.so.13"))
        .contains("install the libraries of CUDA 12");
    assertThat(fake.run(settings("FAKE_DEVICES", "0"), "probe").output())
        .contains("the driver " + folder.resolve("libcuda.so.1") + " sees no GPU")
        .contains("found " + folder.resolve("libcuda.so.1") + ", which runs CUDA up to 13.0");
    assertThat(fake.run(settings("FAKE_INIT", "804"), "probe").output())
        .contains("the driver " + folder.resolve("libcuda.so.1") + " does not start: cuInit")
        .contains("cuInit returned 804 (CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE)")
        .contains("found " + folder.resolve("libcuda.so.1"));
    assertThat(fake.run(settings("FAKE_INIT", "34"), "probe").output())
        .contains(folder.resolve("libcuda.so.1") + " is no driver but the toolkit's stub of one")
        .contains("take " + folder + " out of LD_LIBRARY_PATH");
    assertThat(fake.run(settings("FAKE_MAJOR", "7"), "probe").output())
        .contains("compute capability 7.0, and the kernels need 8.0");
    fails(
        fake.run(settings("FAKE_DEVICES", "0"), "open", "BEST"),
        "backend cuda is not available: the driver "
            + folder.resolve("libcuda.so.1")
            + " sees no GPU (CUDA_ERROR_NO_DEVICE). Look what CUDA_VISIBLE_DEVICES hides, and"
            + " whether nvidia-smi lists the GPU");
  }

  @Test
  void whatIsThereIsListedBesideWhatIsNot() throws Exception {
    FakeDriver alone = fake.in(folder.resolve("alone"), "libcublasLt.so.13");
    Path empty = Files.createDirectory(folder.resolve("empty"));
    Answer probed = alone.run(settings("CUDA_HOME", empty.toString()), "probe");
    assertThat(probed.output()).contains("NCCL");
    assertThat(withoutNccl(probed))
        .startsWith(
            "Unavailable[reason=there is no libnvrtc.so.13 or libnvrtc.so.12, and CUDA_HOME names "
                + empty
                + ", where no library of CUDA 13 or 12 is, remedy=Install the CUDA toolkit and set"
                + " CUDA_HOME, or install Python's wheel (pip install nvidia-cuda-nvrtc)]",
            "found " + alone.folder().resolve("libcuda.so.1") + ", which runs CUDA up to 13.0",
            "found Fake GPU, compute capability 9.0, 8 GiB",
            "found " + alone.folder().resolve("libcublasLt.so.13"),
            "not there: " + empty.resolve("lib64/libnvrtc.so.13"))
        .endsWith("CUDA_HOME names " + empty + ", where no library of CUDA 13 or 12 is");
  }

  @Test
  void aGpuThatNvrtcDoesNotKnowIsToldWhenLookedAt() throws Exception {
    assertThat(fake.run(settings("FAKE_MAJOR", "12"), "probe").output())
        .contains("NVRTC 13.0 does not know this GPU's architecture sm_120, only sm_80, sm_90")
        .contains(
            "(pip install -U nvidia-cuda-nvrtc) and let CUDA_HOME name its folder, which ends")
        .contains("in site-packages/nvidia/cu13");
  }

  @Test
  void anNvrtcWithoutItsOtherHalfSaysWhatBelongsWhere() throws Exception {
    String nothingCompiled = folder.resolve("fresh").toString();
    Map<String, String> settings = settings("FAKE_COMPILE", "7", "XDG_CACHE_HOME", nothingCompiled);
    assertThat(fake.run(settings, "launch").output())
        .contains("NVRTC 13.0 does not find a libnvrtc-builtins.so.13.0 that is its own, which")
        .contains("belongs beside the libnvrtc.so.13 that 'jambic doctor' names");
  }

  @Test
  void aGpuThatDoesNotOpenIsRefusedAndLetGo() throws Exception {
    agrees(
        fake.run(settings("FAKE_CONTEXT", "46"), "refused"),
        "backend cuda is not available: cuDevicePrimaryCtxRetain failed with error 46"
            + " (CUDA_ERROR_DEVICE_UNAVAILABLE); another process has the GPU for itself: end it, or"
            + " choose another GPU with CUDA_VISIBLE_DEVICES. See whether nvidia-smi works, or"
            + " compute on the backend cpu",
        "contexts 0");
    agrees(
        fake.run(settings("FAKE_LT", "1"), "refused"),
        "backend cuda is not available: cublasLtCreate failed with error 1"
            + " (CUBLAS_STATUS_NOT_INITIALIZED); the GPU has too little memory left, or the driver is"
            + " too old for this cuBLASLt: end what else uses the GPU, or update the driver. See"
            + " whether nvidia-smi works, or compute on the backend cpu",
        "contexts 0");
  }

  @Test
  void autoTakesTheNextWhereTheGpuDoesNotOpen() throws Exception {
    agrees(
        fake.run(settings("FAKE_LT", "3"), "auto"),
        "on reference",
        "not on cuda: cublasLtCreate failed with error 3 (CUBLAS_STATUS_FAKE)",
        "not on cpu: the Java runtime was started without its module jdk.incubator.vector");
    assertThat(fake.run(settings("FAKE_CONTEXT", "46"), "auto").output())
        .contains("on reference", "not on cuda: cuDevicePrimaryCtxRetain failed with error 46");
    agrees(fake.run(AS_IT_IS, "auto"), "on cuda");
  }

  @Test
  void whatOnlyTheGpuCanIsNotComputedInAnotherWay() throws Exception {
    agrees(fake.run(AS_IT_IS, "auto-bf16"), "on cuda");
    assertThat(fake.run(settings("FAKE_CONTEXT", "46"), "auto-bf16").output())
        .contains(
            "the backend reference computes in fp32 only, not in bf16; choose that type, or the"
                + " backend cuda; no cuda here: cuDevicePrimaryCtxRetain failed",
            "another process has the GPU for itself")
        .doesNotContain("on reference");
  }

  @Test
  void aLibraryWithoutAFunctionIsNamed() throws Exception {
    FakeDriver poor = fake.in(folder.resolve("poor"), "libnvrtc.so.13");
    Path products = poor.folder().resolve("libcublasLt.so.13");
    Files.copy(LibrariesTest.OTHERS, products);
    assertThat(poor.run(AS_IT_IS, "probe").output())
        .contains(products + " lacks the function cublasLtCreate", "Install it anew");
  }
}
