package jambic.cuda;

import static jambic.cuda.bindings.CublasLt.*;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.cuda.DeviceMemory.Purpose;
import jambic.cuda.bindings.cublasLtMatmulHeuristicResult_t;
import jambic.tensor.DType;
import jambic.tensor.Precision;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Matrix products by cuBLASLt. The algorithm for a kind of product is chosen when it is first asked
 * for and then kept, so that the same product has the same bits.
 */
final class Matmul implements AutoCloseable {
  private static final long WORKSPACE_BYTES = 32 << 20;
  private static final int FASTEST_ALIGNMENT = 256;

  /**
   * What an epilogue's operands must be aligned to: algorithms are chosen by the alignment of
   * matrices, and those with an epilogue may read 16 bytes of a bias at a time wherever it starts.
   */
  private static final int EPILOGUE_ALIGNMENT = 16;

  /** What the columns of a GELU's inputs must have a multiple of. */
  private static final int AUX_MULTIPLE = 8;

  /** What is done to a product before it is stored. */
  enum Epilogue {
    NOTHING(CUBLASLT_EPILOGUE_DEFAULT()),
    BIAS(CUBLASLT_EPILOGUE_BIAS()),
    GELU(CUBLASLT_EPILOGUE_GELU()),
    GELU_BIAS(CUBLASLT_EPILOGUE_GELU_BIAS()),
    /** The input of the GELU is stored too. */
    GELU_AUX(CUBLASLT_EPILOGUE_GELU_AUX()),
    GELU_AUX_BIAS(CUBLASLT_EPILOGUE_GELU_AUX_BIAS());

    private final int code;

    Epilogue(int code) {
      this.code = code;
    }

    private boolean addsBias() {
      return this == BIAS || this == GELU_BIAS || this == GELU_AUX_BIAS;
    }

    private boolean keepsInput() {
      return this == GELU_AUX || this == GELU_AUX_BIAS;
    }
  }

  /**
   * A kind of product, {@code D = op(A) op(B) + beta C} with C = D, all column-major as cuBLAS
   * counts.
   *
   * @param m rows of D
   * @param n columns of D
   * @param k summands of an element
   * @param transA whether A is stored transposed, as (k, m)
   * @param transB whether B is stored transposed, as (n, k)
   * @param strideB elements from one stored column of B to the next; those of A follow each other
   * @param strideD the same of D
   * @param in the type of A and B
   * @param out the type of D and of the bias
   * @param epilogue what is done to the product
   * @param accumulate whether beta is 1, else 0
   * @param alignment of all addresses, in bytes
   */
  record Kind(
      int m,
      int n,
      int k,
      boolean transA,
      boolean transB,
      int strideB,
      int strideD,
      DType in,
      DType out,
      Epilogue epilogue,
      boolean accumulate,
      int alignment) {}

  /** A kind with its descriptors and its algorithm. */
  private record Plan(
      MemorySegment operation,
      MemorySegment a,
      MemorySegment b,
      MemorySegment d,
      MemorySegment algorithm) {}

  private final Gpu gpu;
  private final int computeType;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment handle;
  private final MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1f);
  private final MemorySegment zero = arena.allocateFrom(JAVA_FLOAT, 0f);
  private final MemorySegment pointer = arena.allocate(JAVA_LONG);
  private final long workspace;
  private final Map<Kind, Optional<Plan>> plans = new HashMap<>();

  Matmul(Gpu gpu, Precision precision) {
    this.gpu = gpu;
    computeType =
        precision == Precision.TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32() : CUBLAS_COMPUTE_32F();
    gpu.stream().handle();
    MemorySegment out = arena.allocate(ADDRESS);
    Check.cublasLt(cublasLtCreate(out), "cublasLtCreate");
    handle = out.get(ADDRESS, 0);
    workspace = gpu.memory().take(WORKSPACE_BYTES, "the workspace of cuBLASLt", Purpose.OPENING);
  }

  /** The largest power of two that divides all addresses, up to what makes a difference. */
  static int alignment(long... addresses) {
    long bits = FASTEST_ALIGNMENT;
    for (long address : addresses) {
      bits |= address;
    }
    return (int) Long.lowestOneBit(bits);
  }

  /**
   * Launches a product without an epilogue.
   *
   * @param kind which
   * @param d address of D
   * @param a address of A
   * @param b address of B
   * @throws CudaException if cuBLASLt cannot compute it
   */
  void multiply(Kind kind, long d, long a, long b) {
    if (!offer(kind, d, a, b, 0, 0)) {
      throw new CudaException(
          CUBLAS_STATUS_NOT_SUPPORTED(),
          "CUBLAS_STATUS_NOT_SUPPORTED",
          "cuBLASLt's product " + kind,
          "choose another type");
    }
  }

  /**
   * Launches a product, if cuBLASLt can compute it.
   *
   * @param kind which
   * @param d address of D
   * @param a address of A
   * @param b address of B
   * @param bias address of m numbers, where the epilogue adds them
   * @param aux address of the GELU's inputs, shaped as D, where the epilogue stores them
   * @return whether it was launched; if not, nothing has changed
   */
  boolean offer(Kind kind, long d, long a, long b, long bias, long aux) {
    Optional<Plan> found = plans.computeIfAbsent(kind, this::choose);
    if (found.isEmpty()) {
      return false;
    }
    Plan plan = found.get();
    if (kind.epilogue.addsBias()) {
      point(plan, CUBLASLT_MATMUL_DESC_BIAS_POINTER(), bias);
    }
    if (kind.epilogue.keepsInput()) {
      point(plan, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER(), aux);
    }
    MemorySegment target = MemorySegment.ofAddress(d);
    int status =
        cublasLtMatmul(
            handle,
            plan.operation,
            one,
            MemorySegment.ofAddress(a),
            plan.a,
            MemorySegment.ofAddress(b),
            plan.b,
            kind.accumulate ? one : zero,
            target,
            plan.d,
            target,
            plan.d,
            plan.algorithm,
            MemorySegment.ofAddress(workspace),
            WORKSPACE_BYTES,
            gpu.stream().handle());
    if (refuses(status)) { // what its own heuristic had offered
      destroy(plan);
      plans.put(kind, Optional.empty());
      return false;
    }
    Check.cublasLt(status, "cublasLtMatmul");
    return true;
  }

  private static boolean refuses(int status) {
    return status == CUBLAS_STATUS_NOT_SUPPORTED() || status == CUBLAS_STATUS_INVALID_VALUE();
  }

  private static boolean isPossible(Kind kind) {
    return kind.epilogue == Epilogue.NOTHING
        || kind.alignment >= EPILOGUE_ALIGNMENT
            && (!kind.epilogue.keepsInput() || kind.m % AUX_MULTIPLE == 0);
  }

  private void point(Plan plan, int attribute, long address) {
    pointer.set(JAVA_LONG, 0, address);
    set(plan.operation, attribute, pointer);
  }

  private Optional<Plan> choose(Kind kind) {
    if (!isPossible(kind)) {
      return Optional.empty();
    }
    gpu.stream().handle(); // this thread may not have used the device yet
    MemorySegment operation = operation(kind);
    int rowsOfA = kind.transA ? kind.k : kind.m;
    MemorySegment a = layout(kind.in, rowsOfA, kind.transA ? kind.m : kind.k, rowsOfA);
    MemorySegment b =
        kind.transB
            ? layout(kind.in, kind.n, kind.k, kind.strideB)
            : layout(kind.in, kind.k, kind.n, kind.strideB);
    MemorySegment d = layout(kind.out, kind.m, kind.n, kind.strideD);
    MemorySegment found = cublasLtMatmulHeuristicResult_t.allocate(arena);
    try (Arena shortly = Arena.ofConfined()) {
      MemorySegment count = shortly.allocate(JAVA_INT);
      MemorySegment preference = preference(shortly, kind.alignment);
      int status =
          cublasLtMatmulAlgoGetHeuristic(
              handle, operation, a, b, d, d, preference, 1, found, count);
      Check.cublasLt(
          cublasLtMatmulPreferenceDestroy(preference), "cublasLtMatmulPreferenceDestroy");
      boolean none =
          refuses(status) || status == CUBLAS_STATUS_SUCCESS() && count.get(JAVA_INT, 0) == 0;
      if (none) {
        destroy(new Plan(operation, a, b, d, MemorySegment.NULL));
        return Optional.empty();
      }
      Check.cublasLt(status, "cublasLtMatmulAlgoGetHeuristic");
    }
    return Optional.of(new Plan(operation, a, b, d, cublasLtMatmulHeuristicResult_t.algo(found)));
  }

  private MemorySegment operation(Kind kind) {
    try (Arena shortly = Arena.ofConfined()) {
      MemorySegment out = shortly.allocate(ADDRESS);
      Check.cublasLt(
          cublasLtMatmulDescCreate(out, computeType, CUDA_R_32F()), "cublasLtMatmulDescCreate");
      MemorySegment operation = out.get(ADDRESS, 0);
      int yes = CUBLAS_OP_T();
      int no = CUBLAS_OP_N();
      MemorySegment transA = shortly.allocateFrom(JAVA_INT, kind.transA ? yes : no);
      MemorySegment transB = shortly.allocateFrom(JAVA_INT, kind.transB ? yes : no);
      set(operation, CUBLASLT_MATMUL_DESC_TRANSA(), transA);
      set(operation, CUBLASLT_MATMUL_DESC_TRANSB(), transB);
      set(
          operation,
          CUBLASLT_MATMUL_DESC_EPILOGUE(),
          shortly.allocateFrom(JAVA_INT, kind.epilogue.code));
      if (kind.epilogue.keepsInput()) {
        set(
            operation,
            CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD(),
            shortly.allocateFrom(JAVA_LONG, kind.m));
      }
      // Algorithms are chosen for a bias and an auxiliary matrix that are there: until a product
      // names its own, somewhere of the same alignment.
      long address = workspace + kind.alignment % FASTEST_ALIGNMENT;
      MemorySegment somewhere = shortly.allocateFrom(JAVA_LONG, address);
      if (kind.epilogue.addsBias()) {
        set(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER(), somewhere);
      }
      if (kind.epilogue.keepsInput()) {
        set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER(), somewhere);
      }
      return operation;
    }
  }

  private static void set(MemorySegment operation, int attribute, MemorySegment value) {
    Check.cublasLt(
        cublasLtMatmulDescSetAttribute(operation, attribute, value, value.byteSize()),
        "cublasLtMatmulDescSetAttribute");
  }

  private static MemorySegment layout(DType type, long rows, long columns, long stride) {
    try (Arena shortly = Arena.ofConfined()) {
      MemorySegment out = shortly.allocate(ADDRESS);
      int code = type == DType.BF16 ? CUDA_R_16BF() : CUDA_R_32F();
      Check.cublasLt(
          cublasLtMatrixLayoutCreate(out, code, rows, columns, stride),
          "cublasLtMatrixLayoutCreate");
      return out.get(ADDRESS, 0);
    }
  }

  private static MemorySegment preference(Arena shortly, int alignment) {
    MemorySegment out = shortly.allocate(ADDRESS);
    Check.cublasLt(cublasLtMatmulPreferenceCreate(out), "cublasLtMatmulPreferenceCreate");
    MemorySegment preference = out.get(ADDRESS, 0);
    prefer(
        preference,
        CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES(),
        shortly.allocateFrom(JAVA_LONG, WORKSPACE_BYTES));
    MemorySegment least = shortly.allocateFrom(JAVA_INT, alignment);
    prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES(), least);
    prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES(), least);
    prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES(), least);
    prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES(), least);
    return preference;
  }

  private static void prefer(MemorySegment preference, int attribute, MemorySegment value) {
    Check.cublasLt(
        cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, value.byteSize()),
        "cublasLtMatmulPreferenceSetAttribute");
  }

  private static void destroy(Plan plan) {
    Check.cublasLt(cublasLtMatmulDescDestroy(plan.operation), "cublasLtMatmulDescDestroy");
    Check.cublasLt(cublasLtMatrixLayoutDestroy(plan.a), "cublasLtMatrixLayoutDestroy");
    Check.cublasLt(cublasLtMatrixLayoutDestroy(plan.b), "cublasLtMatrixLayoutDestroy");
    Check.cublasLt(cublasLtMatrixLayoutDestroy(plan.d), "cublasLtMatrixLayoutDestroy");
  }

  @Override
  public void close() {
    plans.values().forEach(plan -> plan.ifPresent(Matmul::destroy));
    plans.clear();
    Check.cublasLt(cublasLtDestroy(handle), "cublasLtDestroy");
    gpu.memory().giveBack(workspace, WORKSPACE_BYTES);
    arena.close();
  }
}
