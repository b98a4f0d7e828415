package jambic.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;

import jambic.cuda.bindings.CublasLt;
import jambic.cuda.bindings.CudaDriver;
import jambic.cuda.bindings.Nvrtc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/** Where the status of a native call becomes an exception: nothing else looks at one. */
final class Check {
  /** After these the context is gone, and so is everything on the device. */
  private static final Set<Integer> LOST =
      Set.of(
          CudaDriver.CUDA_ERROR_ECC_UNCORRECTABLE(),
          CudaDriver.CUDA_ERROR_ILLEGAL_ADDRESS(),
          CudaDriver.CUDA_ERROR_LAUNCH_FAILED());

  private Check() {}

  /** Throws unless a call of the driver succeeded. */
  static void driver(int status, String call) {
    if (status != CudaDriver.CUDA_SUCCESS()) {
      throw new CudaException(status, driverName(status), call, advice(status));
    }
  }

  /** Throws unless a call of cuBLASLt succeeded. */
  static void cublasLt(int status, String call) {
    if (status != CublasLt.CUBLAS_STATUS_SUCCESS()) {
      String name = string(CublasLt.cublasLtGetStatusName(status));
      throw new CudaException(status, name, call, "");
    }
  }

  /** Throws unless a call of NVRTC succeeded. */
  static void nvrtc(int status, String call) {
    if (status != Nvrtc.NVRTC_SUCCESS()) {
      throw new CudaException(status, string(Nvrtc.nvrtcGetErrorString(status)), call, "");
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

  private static String advice(int status) {
    if (status == CudaDriver.CUDA_ERROR_OUT_OF_MEMORY()) {
      return "lower --batch-size or --block-size, or end what else uses the GPU";
    }
    if (status == CudaDriver.CUDA_ERROR_DEVICE_UNAVAILABLE()) {
      return "another process has the GPU for itself: end it, or choose another GPU with"
          + " CUDA_VISIBLE_DEVICES";
    }
    return LOST.contains(status)
        ? "the GPU's memory is lost; the last checkpoint is whole, so start again with --resume"
        : "";
  }

  private static String string(MemorySegment characters) {
    return characters.reinterpret(Long.MAX_VALUE).getString(0);
  }
}
