// Written in the form of jextract, from nccl.h 2.22

package jambic.cuda.bindings;

import java.lang.invoke.*;
import java.lang.foreign.*;
import java.nio.ByteOrder;
import java.util.*;
import java.util.function.*;
import java.util.stream.*;

import static java.lang.foreign.ValueLayout.*;
import static java.lang.foreign.MemoryLayout.PathElement.*;

public class Nccl extends Nccl$shared {

    Nccl() {
        // Should not be called directly
    }

    static final Arena LIBRARY_ARENA = Arena.ofAuto();

    static final SymbolLookup SYMBOL_LOOKUP = SymbolLookup.loaderLookup()
            .or(Linker.nativeLinker().defaultLookup());

    private static final int ncclSuccess = (int)0L;
    /**
     * {@snippet lang=c :
     * enum ncclResult_t.ncclSuccess = 0
     * }
     */
    public static int ncclSuccess() {
        return ncclSuccess;
    }
    private static final int ncclInvalidArgument = (int)4L;
    /**
     * {@snippet lang=c :
     * enum ncclResult_t.ncclInvalidArgument = 4
     * }
     */
    public static int ncclInvalidArgument() {
        return ncclInvalidArgument;
    }
    private static final int ncclInt8 = (int)0L;
    /**
     * {@snippet lang=c :
     * enum ncclDataType_t.ncclInt8 = 0
     * }
     */
    public static int ncclInt8() {
        return ncclInt8;
    }

    private static class ncclGetErrorString {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_POINTER,
            Nccl.C_INT
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclGetErrorString");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * const char *ncclGetErrorString(ncclResult_t result)
     * }
     */
    public static FunctionDescriptor ncclGetErrorString$descriptor() {
        return ncclGetErrorString.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * const char *ncclGetErrorString(ncclResult_t result)
     * }
     */
    public static MethodHandle ncclGetErrorString$handle() {
        return ncclGetErrorString.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * const char *ncclGetErrorString(ncclResult_t result)
     * }
     */
    public static MemorySegment ncclGetErrorString$address() {
        return ncclGetErrorString.ADDR;
    }

    /**
     * {@snippet lang=c :
     * const char *ncclGetErrorString(ncclResult_t result)
     * }
     */
    public static MemorySegment ncclGetErrorString(int result) {
        var mh$ = ncclGetErrorString.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclGetErrorString", result);
            }
            return (MemorySegment)mh$.invokeExact(result);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclGetLastError {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_POINTER,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclGetLastError");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * const char *ncclGetLastError(ncclComm_t comm)
     * }
     */
    public static FunctionDescriptor ncclGetLastError$descriptor() {
        return ncclGetLastError.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * const char *ncclGetLastError(ncclComm_t comm)
     * }
     */
    public static MethodHandle ncclGetLastError$handle() {
        return ncclGetLastError.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * const char *ncclGetLastError(ncclComm_t comm)
     * }
     */
    public static MemorySegment ncclGetLastError$address() {
        return ncclGetLastError.ADDR;
    }

    /**
     * {@snippet lang=c :
     * const char *ncclGetLastError(ncclComm_t comm)
     * }
     */
    public static MemorySegment ncclGetLastError(MemorySegment comm) {
        var mh$ = ncclGetLastError.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclGetLastError", comm);
            }
            return (MemorySegment)mh$.invokeExact(comm);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclGetVersion {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclGetVersion");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclGetVersion(int *version)
     * }
     */
    public static FunctionDescriptor ncclGetVersion$descriptor() {
        return ncclGetVersion.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclGetVersion(int *version)
     * }
     */
    public static MethodHandle ncclGetVersion$handle() {
        return ncclGetVersion.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclGetVersion(int *version)
     * }
     */
    public static MemorySegment ncclGetVersion$address() {
        return ncclGetVersion.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclGetVersion(int *version)
     * }
     */
    public static int ncclGetVersion(MemorySegment version) {
        var mh$ = ncclGetVersion.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclGetVersion", version);
            }
            return (int)mh$.invokeExact(version);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclGetUniqueId {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclGetUniqueId");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclGetUniqueId(ncclUniqueId *uniqueId)
     * }
     */
    public static FunctionDescriptor ncclGetUniqueId$descriptor() {
        return ncclGetUniqueId.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclGetUniqueId(ncclUniqueId *uniqueId)
     * }
     */
    public static MethodHandle ncclGetUniqueId$handle() {
        return ncclGetUniqueId.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclGetUniqueId(ncclUniqueId *uniqueId)
     * }
     */
    public static MemorySegment ncclGetUniqueId$address() {
        return ncclGetUniqueId.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclGetUniqueId(ncclUniqueId *uniqueId)
     * }
     */
    public static int ncclGetUniqueId(MemorySegment uniqueId) {
        var mh$ = ncclGetUniqueId.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclGetUniqueId", uniqueId);
            }
            return (int)mh$.invokeExact(uniqueId);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclCommInitRank {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_INT,
            ncclUniqueId.layout(),
            Nccl.C_INT
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclCommInitRank");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommInitRank(ncclComm_t *comm, int nranks, ncclUniqueId commId, int rank)
     * }
     */
    public static FunctionDescriptor ncclCommInitRank$descriptor() {
        return ncclCommInitRank.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommInitRank(ncclComm_t *comm, int nranks, ncclUniqueId commId, int rank)
     * }
     */
    public static MethodHandle ncclCommInitRank$handle() {
        return ncclCommInitRank.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommInitRank(ncclComm_t *comm, int nranks, ncclUniqueId commId, int rank)
     * }
     */
    public static MemorySegment ncclCommInitRank$address() {
        return ncclCommInitRank.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclCommInitRank(ncclComm_t *comm, int nranks, ncclUniqueId commId, int rank)
     * }
     */
    public static int ncclCommInitRank(MemorySegment comm, int nranks, MemorySegment commId, int rank) {
        var mh$ = ncclCommInitRank.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclCommInitRank", comm, nranks, commId, rank);
            }
            return (int)mh$.invokeExact(comm, nranks, commId, rank);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclCommDestroy {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclCommDestroy");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommDestroy(ncclComm_t comm)
     * }
     */
    public static FunctionDescriptor ncclCommDestroy$descriptor() {
        return ncclCommDestroy.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommDestroy(ncclComm_t comm)
     * }
     */
    public static MethodHandle ncclCommDestroy$handle() {
        return ncclCommDestroy.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommDestroy(ncclComm_t comm)
     * }
     */
    public static MemorySegment ncclCommDestroy$address() {
        return ncclCommDestroy.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclCommDestroy(ncclComm_t comm)
     * }
     */
    public static int ncclCommDestroy(MemorySegment comm) {
        var mh$ = ncclCommDestroy.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclCommDestroy", comm);
            }
            return (int)mh$.invokeExact(comm);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclCommAbort {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclCommAbort");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommAbort(ncclComm_t comm)
     * }
     */
    public static FunctionDescriptor ncclCommAbort$descriptor() {
        return ncclCommAbort.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommAbort(ncclComm_t comm)
     * }
     */
    public static MethodHandle ncclCommAbort$handle() {
        return ncclCommAbort.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommAbort(ncclComm_t comm)
     * }
     */
    public static MemorySegment ncclCommAbort$address() {
        return ncclCommAbort.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclCommAbort(ncclComm_t comm)
     * }
     */
    public static int ncclCommAbort(MemorySegment comm) {
        var mh$ = ncclCommAbort.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclCommAbort", comm);
            }
            return (int)mh$.invokeExact(comm);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclCommGetAsyncError {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclCommGetAsyncError");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *asyncError)
     * }
     */
    public static FunctionDescriptor ncclCommGetAsyncError$descriptor() {
        return ncclCommGetAsyncError.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *asyncError)
     * }
     */
    public static MethodHandle ncclCommGetAsyncError$handle() {
        return ncclCommGetAsyncError.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *asyncError)
     * }
     */
    public static MemorySegment ncclCommGetAsyncError$address() {
        return ncclCommGetAsyncError.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *asyncError)
     * }
     */
    public static int ncclCommGetAsyncError(MemorySegment comm, MemorySegment asyncError) {
        var mh$ = ncclCommGetAsyncError.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclCommGetAsyncError", comm, asyncError);
            }
            return (int)mh$.invokeExact(comm, asyncError);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclBroadcast {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_POINTER,
            Nccl.C_LONG,
            Nccl.C_INT,
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclBroadcast");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclBroadcast(const void *sendbuff, void *recvbuff, size_t count, ncclDataType_t datatype, int root, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static FunctionDescriptor ncclBroadcast$descriptor() {
        return ncclBroadcast.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclBroadcast(const void *sendbuff, void *recvbuff, size_t count, ncclDataType_t datatype, int root, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static MethodHandle ncclBroadcast$handle() {
        return ncclBroadcast.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclBroadcast(const void *sendbuff, void *recvbuff, size_t count, ncclDataType_t datatype, int root, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static MemorySegment ncclBroadcast$address() {
        return ncclBroadcast.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclBroadcast(const void *sendbuff, void *recvbuff, size_t count, ncclDataType_t datatype, int root, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static int ncclBroadcast(MemorySegment sendbuff, MemorySegment recvbuff, long count, int datatype, int root, MemorySegment comm, MemorySegment stream) {
        var mh$ = ncclBroadcast.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclBroadcast", sendbuff, recvbuff, count, datatype, root, comm, stream);
            }
            return (int)mh$.invokeExact(sendbuff, recvbuff, count, datatype, root, comm, stream);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclAllGather {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_POINTER,
            Nccl.C_LONG,
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclAllGather");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclAllGather(const void *sendbuff, void *recvbuff, size_t sendcount, ncclDataType_t datatype, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static FunctionDescriptor ncclAllGather$descriptor() {
        return ncclAllGather.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclAllGather(const void *sendbuff, void *recvbuff, size_t sendcount, ncclDataType_t datatype, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static MethodHandle ncclAllGather$handle() {
        return ncclAllGather.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclAllGather(const void *sendbuff, void *recvbuff, size_t sendcount, ncclDataType_t datatype, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static MemorySegment ncclAllGather$address() {
        return ncclAllGather.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclAllGather(const void *sendbuff, void *recvbuff, size_t sendcount, ncclDataType_t datatype, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static int ncclAllGather(MemorySegment sendbuff, MemorySegment recvbuff, long sendcount, int datatype, MemorySegment comm, MemorySegment stream) {
        var mh$ = ncclAllGather.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclAllGather", sendbuff, recvbuff, sendcount, datatype, comm, stream);
            }
            return (int)mh$.invokeExact(sendbuff, recvbuff, sendcount, datatype, comm, stream);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclSend {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_LONG,
            Nccl.C_INT,
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclSend");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclSend(const void *sendbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static FunctionDescriptor ncclSend$descriptor() {
        return ncclSend.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclSend(const void *sendbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static MethodHandle ncclSend$handle() {
        return ncclSend.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclSend(const void *sendbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static MemorySegment ncclSend$address() {
        return ncclSend.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclSend(const void *sendbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static int ncclSend(MemorySegment sendbuff, long count, int datatype, int peer, MemorySegment comm, MemorySegment stream) {
        var mh$ = ncclSend.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclSend", sendbuff, count, datatype, peer, comm, stream);
            }
            return (int)mh$.invokeExact(sendbuff, count, datatype, peer, comm, stream);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclRecv {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_LONG,
            Nccl.C_INT,
            Nccl.C_INT,
            Nccl.C_POINTER,
            Nccl.C_POINTER
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclRecv");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclRecv(void *recvbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static FunctionDescriptor ncclRecv$descriptor() {
        return ncclRecv.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclRecv(void *recvbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static MethodHandle ncclRecv$handle() {
        return ncclRecv.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclRecv(void *recvbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static MemorySegment ncclRecv$address() {
        return ncclRecv.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclRecv(void *recvbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm, cudaStream_t stream)
     * }
     */
    public static int ncclRecv(MemorySegment recvbuff, long count, int datatype, int peer, MemorySegment comm, MemorySegment stream) {
        var mh$ = ncclRecv.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclRecv", recvbuff, count, datatype, peer, comm, stream);
            }
            return (int)mh$.invokeExact(recvbuff, count, datatype, peer, comm, stream);
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclGroupStart {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclGroupStart");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclGroupStart(void)
     * }
     */
    public static FunctionDescriptor ncclGroupStart$descriptor() {
        return ncclGroupStart.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclGroupStart(void)
     * }
     */
    public static MethodHandle ncclGroupStart$handle() {
        return ncclGroupStart.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclGroupStart(void)
     * }
     */
    public static MemorySegment ncclGroupStart$address() {
        return ncclGroupStart.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclGroupStart(void)
     * }
     */
    public static int ncclGroupStart() {
        var mh$ = ncclGroupStart.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclGroupStart");
            }
            return (int)mh$.invokeExact();
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }

    private static class ncclGroupEnd {
        public static final FunctionDescriptor DESC = FunctionDescriptor.of(
            Nccl.C_INT
        );

        public static final MemorySegment ADDR = SYMBOL_LOOKUP.findOrThrow("ncclGroupEnd");

        public static final MethodHandle HANDLE = Linker.nativeLinker().downcallHandle(ADDR, DESC);
    }

    /**
     * Function descriptor for:
     * {@snippet lang=c :
     * ncclResult_t ncclGroupEnd(void)
     * }
     */
    public static FunctionDescriptor ncclGroupEnd$descriptor() {
        return ncclGroupEnd.DESC;
    }

    /**
     * Downcall method handle for:
     * {@snippet lang=c :
     * ncclResult_t ncclGroupEnd(void)
     * }
     */
    public static MethodHandle ncclGroupEnd$handle() {
        return ncclGroupEnd.HANDLE;
    }

    /**
     * Address for:
     * {@snippet lang=c :
     * ncclResult_t ncclGroupEnd(void)
     * }
     */
    public static MemorySegment ncclGroupEnd$address() {
        return ncclGroupEnd.ADDR;
    }

    /**
     * {@snippet lang=c :
     * ncclResult_t ncclGroupEnd(void)
     * }
     */
    public static int ncclGroupEnd() {
        var mh$ = ncclGroupEnd.HANDLE;
        try {
            if (TRACE_DOWNCALLS) {
                traceDowncall("ncclGroupEnd");
            }
            return (int)mh$.invokeExact();
        } catch (Error | RuntimeException ex) {
           throw ex;
        } catch (Throwable ex$) {
           throw new AssertionError("should not reach here", ex$);
        }
    }
}

