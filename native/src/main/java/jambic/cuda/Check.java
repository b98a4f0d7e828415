package jambic.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;

import jambic.cuda.bindings.CublasLt;
import jambic.cuda.bindings.CudaDriver;
import jambic.cuda.bindings.Nccl;
import jambic.cuda.bindings.Nvrtc;
import jambic.tensor.DeviceLostException;
import jambic.tensor.JambicException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/** Where the status of a native call becomes an exception: nothing else looks at one. */
final class Check {
  /**
   * After these the context is gone, and so is everything on the device: those that cuda.h says it
   * of, and those that it says nothing more of.
   */
  private static final Set<String> LOST =
      Set.of(
          "CUDA_ERROR_ECC_UNCORRECTABLE",
          "CUDA_ERROR_NVLINK_UNCORRECTABLE",
          "CUDA_ERROR_CONTAINED",
          "CUDA_ERROR_ILLEGAL_ADDRESS",
          "CUDA_ERROR_LAUNCH_TIMEOUT",
          "CUDA_ERROR_CONTEXT_IS_DESTROYED",
          "CUDA_ERROR_ASSERT",
          "CUDA_ERROR_HARDWARE_STACK_ERROR",
          "CUDA_ERROR_ILLEGAL_INSTRUCTION",
          "CUDA_ERROR_MISALIGNED_ADDRESS",
          "CUDA_ERROR_INVALID_ADDRESS_SPACE",
          "CUDA_ERROR_INVALID_PC",
          "CUDA_ERROR_LAUNCH_FAILED",
          "CUDA_ERROR_TENSOR_MEMORY_LEAK",
          "CUDA_ERROR_MPS_CLIENT_TERMINATED",
          "CUDA_ERROR_EXTERNAL_DEVICE",
          "CUDA_ERROR_UNKNOWN",
          "CUBLAS_STATUS_EXECUTION_FAILED");

  private Check() {}

  /** Throws unless a call of the driver succeeded. */
  static void driver(int status, String call) {
    if (status != CudaDriver.CUDA_SUCCESS()) {
      throw failure(status, driverName(status), call);
    }
  }

  /** Throws unless a call of cuBLASLt succeeded. */
  static void cublasLt(int status, String call) {
    if (status != CublasLt.CUBLAS_STATUS_SUCCESS()) {
      throw failure(status, string(CublasLt.cublasLtGetStatusName(status)), call);
    }
  }

  /** Throws unless a call of NVRTC succeeded. */
  static void nvrtc(int status, String call) {
    if (status != Nvrtc.NVRTC_SUCCESS()) {
      throw failure(status, string(Nvrtc.nvrtcGetErrorString(status)), call);
    }
  }

  /** Throws unless a call of NCCL succeeded, with what it says of its last failure. */
  static void nccl(int status, String call) {
    if (status != Nccl.ncclSuccess()) {
      String last = string(Nccl.ncclGetLastError(MemorySegment.NULL)).strip();
      throw new CudaException(status, string(Nccl.ncclGetErrorString(status)), call, last);
    }
  }

  /** The driver's name of a status. */
  static String driverName(int status) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(ADDRESS);
      return CudaDriver.cuGetErrorName(status, name) == CudaDriver.CUDA_SUCCESS()
          ? string(name.get(ADDRESS, 0))
          : "unknown";
    }
  }

  private static JambicException failure(int status, String name, String call) {
    CudaException failure = new CudaException(status, name, call, advice(name));
    return LOST.contains(name) ? new DeviceLostException(failure.getMessage(), failure) : failure;
  }

  private static String advice(String name) {
    return switch (name) {
      case "CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED" ->
          "the GPU has too little memory left: end what else uses it, or take a smaller model or"
              + " batch";
      case "CUDA_ERROR_DEVICE_UNAVAILABLE" ->
          "another process has the GPU for itself: end it, or choose another GPU with"
              + " CUDA_VISIBLE_DEVICES";
      case "CUDA_ERROR_NO_BINARY_FOR_GPU",
          "CUDA_ERROR_INVALID_IMAGE",
          "CUDA_ERROR_UNSUPPORTED_PTX_VERSION" ->
          "the driver does not run what this NVRTC compiles: update the driver, or install the"
              + " NVRTC of the CUDA version that nvidia-smi shows";
      case "CUBLAS_STATUS_NOT_INITIALIZED" ->
          "the GPU has too little memory left, or the driver is too old for this cuBLASLt: end what"
              + " else uses the GPU, or update the driver";
      default ->
          LOST.contains(name)
              ? "this process has lost the GPU and all that it held there: start it again, and if"
                  + " that does not help, look at nvidia-smi and for Xid in the system's log"
              : "";
    };
  }

  private static String string(MemorySegment characters) {
    return characters.reinterpret(Long.MAX_VALUE).getString(0);
  }
}
