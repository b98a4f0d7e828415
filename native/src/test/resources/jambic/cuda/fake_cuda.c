// A driver, cuBLASLt and NVRTC that compute on the host, for tests of what calls them: device memory is host memory,
// copies and matrix products are done, kernels are only counted, and graphs replay. Compiled to one library that
// answers to all three names. Every object that is made is counted until it is destroyed.
//
// FAKE_DRIVER_VERSION, FAKE_DEVICES, FAKE_MAJOR, FAKE_MEMORY (bytes), FAKE_INIT, FAKE_CONTEXT, FAKE_MODULE, FAKE_LAUNCH,
// FAKE_LT and FAKE_COMPILE (statuses: of cuBLASLt's creation and of a compilation) change what it answers;
// FAKE_EPILOGUES (statuses) what cuBLASLt says to a product with an epilogue, with FAKE_LATE only when it is
// launched.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS_DEVICE, OBJECTS_HOST, OBJECTS_STREAM, OBJECTS_EVENT, OBJECTS_MODULE, OBJECTS_GRAPH, OBJECTS_EXEC, OBJECTS_LT, OBJECTS_PROGRAM, OBJECTS_CONTEXT, KINDS };

static long objects[KINDS];
static long bytes_taken;
static long launches;
static long allocations;

// Of emulated_nvrtc.cpp, with which FAKE_EMULATOR (a folder) makes kernels compute.
char *emulatedCompile(const char *name, const char *source, int headers, const char *const *texts,
    const char *const *names, int count, const char *const *options);
void *emulatedLoad(const char *library);
void *emulatedKernel(void *module, const char *name);
void *emulatedLaunch(void *module, void *kernel, int gx, int gy, int gz, int threads, int shared, void **arguments);
void emulatedRun(void *launch);
void emulatedFree(void *launch);

typedef struct Op {
  int kind; // 0: copy, 1: product, 2: kernel
  void *launch;
  void *to;
  const void *from;
  size_t bytes;
  struct Product *product;
} Op;

typedef struct Graph {
  Op *ops;
  int count, capacity;
} Graph;

typedef struct Stream {
  Graph *recording;
} Stream;

typedef struct Product {
  int compute, trans_a, trans_b, epilogue, in, out;
  long m, n, k, aux_ld, ldb, ldd;
  float beta;
  const void *a, *b;
  void *d, *aux;
  const void *bias;
} Product;

static long setting(const char *name, long otherwise) {
  const char *value = getenv(name);
  return value ? atol(value) : otherwise;
}

static float load(const void *x, int type, size_t i) {
  if (type == 0) return ((const float *)x)[i];
  uint32_t bits = (uint32_t)((const uint16_t *)x)[i] << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

// A factor of a product: TF32 has 10 bits of mantissa, and tensor cores cut off the others.
static float factor(const Product *p, const void *x, size_t i) {
  float value = load(x, p->in, i);
  if (p->compute != 77) return value;
  uint32_t bits;
  memcpy(&bits, &value, 4);
  bits &= 0xffffe000;
  memcpy(&value, &bits, 4);
  return value;
}

static void store(void *x, int type, size_t i, float value) {
  if (type == 0) {
    ((float *)x)[i] = value;
    return;
  }
  uint32_t bits;
  memcpy(&bits, &value, 4);
  ((uint16_t *)x)[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void multiply(const Product *p) {
  if ((double)p->m * p->n * p->k > 1e9) return; // a measurement of speed, whose numbers nobody reads
  for (long j = 0; j < p->n; j++) {
    for (long i = 0; i < p->m; i++) {
      float sum = 0;
      for (long l = 0; l < p->k; l++) {
        float a = factor(p, p->a, p->trans_a ? i * p->k + l : l * p->m + i);
        float b = factor(p, p->b, p->trans_b ? l * p->ldb + j : j * p->ldb + l);
        sum += a * b;
      }
      if (p->beta != 0) sum += p->beta * load(p->d, p->out, j * p->ldd + i);
      if (p->epilogue & 4) sum += load(p->bias, p->out, i); // BIAS
      if (p->epilogue & 128) store(p->aux, p->out, j * p->aux_ld + i, sum); // AUX
      if (p->epilogue & 32) sum = 0.5f * sum * (1 + tanhf(0.7978845608f * (sum + 0.044715f * sum * sum * sum))); // GELU
      store(p->d, p->out, j * p->ldd + i, sum);
    }
  }
}

static void run(const Op *op) {
  if (op->kind == 0) memmove(op->to, op->from, op->bytes);
  if (op->kind == 1) multiply(op->product);
  if (op->kind == 2) launches++;
  if (op->launch) emulatedRun(op->launch);
}

static void forget(const Op *op) {
  free(op->product);
  if (op->launch) emulatedFree(op->launch);
}

static void submit(Stream *stream, Op op) {
  Graph *graph = stream->recording;
  if (!graph) {
    run(&op);
    forget(&op);
    return;
  }
  if (graph->count == graph->capacity) {
    graph->capacity = 2 * graph->capacity + 16;
    graph->ops = realloc(graph->ops, graph->capacity * sizeof(Op));
  }
  graph->ops[graph->count++] = op;
}

static void *made(int kind, size_t size) {
  objects[kind]++;
  return calloc(1, size);
}

static int gone(int kind, void *object) {
  objects[kind]--;
  free(object);
  return 0;
}

long fakeObjects(void) {
  long sum = 0;
  for (int i = 0; i < KINDS; i++) sum += objects[i];
  return sum;
}

long fakeBytes(void) { return bytes_taken; }
long fakeContexts(void) { return objects[OBJECTS_CONTEXT]; }
long fakeLaunches(void) { return launches; }
long fakeAllocations(void) { return allocations; }

// The driver.
int cuInit(int flags) { return (int)setting("FAKE_INIT", 0); }
int cuDriverGetVersion(int *version) { return *version = (int)setting("FAKE_DRIVER_VERSION", 13000), 0; }
int cuGetErrorString(int error, const char **text) { return *text = "an error", 0; }

int cuGetErrorName(int error, const char **text) {
  *text = error == 2 ? "CUDA_ERROR_OUT_OF_MEMORY"
      : error == 46 ? "CUDA_ERROR_DEVICE_UNAVAILABLE"
      : error == 100 ? "CUDA_ERROR_NO_DEVICE"
      : error == 209 ? "CUDA_ERROR_NO_BINARY_FOR_GPU"
      : error == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
      : error == 702 ? "CUDA_ERROR_LAUNCH_TIMEOUT"
      : error == 716 ? "CUDA_ERROR_MISALIGNED_ADDRESS"
      : error == 1 ? "CUDA_ERROR_INVALID_VALUE"
      : error == 900 ? "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
      : error == 804 ? "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"
                     : "CUDA_ERROR_UNKNOWN";
  return 0;
}

int cuDeviceGetCount(int *count) { return *count = (int)setting("FAKE_DEVICES", 1), 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetName(char *name, int length, int device) { return snprintf(name, length, "Fake GPU"), 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = setting("FAKE_MEMORY", 8L << 30), 0; }

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? (int)setting("FAKE_MAJOR", 9) : attribute == 76 ? 0 : attribute == 16 ? 132 : 227 << 10;
  return 0;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
  if (setting("FAKE_CONTEXT", 0)) return (int)setting("FAKE_CONTEXT", 0);
  return *context = made(OBJECTS_CONTEXT, 1), free(*context), 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) { return objects[OBJECTS_CONTEXT]--, 0; }
int cuCtxSetCurrent(void *context) { return 0; }
int cuCtxSynchronize(void) { return 0; }

int cuMemGetInfo_v2(size_t *free, size_t *total) {
  *total = setting("FAKE_MEMORY", 8L << 30);
  *free = *total - bytes_taken;
  return 0;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  if (bytes == 0) return 1; // as the real one
  if (bytes_taken + (long)bytes > setting("FAKE_MEMORY", 8L << 30)) return 2;
  size_t *block = aligned_alloc(256, 256 + (bytes + 255) / 256 * 256);
  *block = bytes;
  memset((char *)block + 256, 0xff, bytes); // NaN
  bytes_taken += bytes;
  objects[OBJECTS_DEVICE]++;
  allocations++;
  *address = (uint64_t)block + 256;
  return 0;
}

int cuMemFree_v2(uint64_t address) {
  size_t *block = (size_t *)(address - 256);
  bytes_taken -= *block;
  return gone(OBJECTS_DEVICE, block);
}

int cuMemHostAlloc(void **address, size_t bytes, int flags) { return *address = made(OBJECTS_HOST, bytes), 0; }
int cuMemFreeHost(void *address) { return gone(OBJECTS_HOST, address); }

static int copy(void *to, const void *from, size_t bytes, Stream *stream) {
  submit(stream, (Op){.to = to, .from = from, .bytes = bytes});
  return 0;
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t n, Stream *s) { return copy((void *)to, from, n, s); }
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t n, Stream *s) { return copy(to, (void *)from, n, s); }
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t n, Stream *s) { return copy((void *)to, (void *)from, n, s); }

int cuMemsetD32Async(uint64_t to, uint32_t value, size_t count, Stream *stream) {
  for (size_t i = 0; i < count; i++) ((uint32_t *)to)[i] = value;
  return stream->recording ? 900 : 0;
}

int cuStreamCreate(void **stream, int flags) { return *stream = made(OBJECTS_STREAM, sizeof(Stream)), 0; }
int cuStreamDestroy_v2(void *stream) { return gone(OBJECTS_STREAM, stream); }
int cuStreamSynchronize(Stream *stream) { return stream->recording ? 900 : 0; }
int cuStreamWaitEvent(Stream *stream, void *event, int flags) { return 0; }

typedef struct Event {
  int captured; // recorded into a graph: nothing on the host can wait for it
} Event;

int cuEventCreate(void **event, int flags) { return *event = made(OBJECTS_EVENT, sizeof(Event)), 0; }
int cuEventRecord(Event *event, Stream *stream) { return event->captured = stream->recording != NULL, 0; }
int cuEventSynchronize(Event *event) { return event->captured ? 907 : 0; }
int cuEventDestroy_v2(void *event) { return gone(OBJECTS_EVENT, event); }

typedef struct Module {
  void *library; // or null
} Module;

typedef struct Function {
  void *library;
  void *kernel;
  int shared; // the most that was asked for
} Function;

static Function functions[1024];
static int function_count;

int cuModuleLoadData(Module **module, const char *image) {
  if (setting("FAKE_MODULE", 0)) return (int)setting("FAKE_MODULE", 0);
  *module = made(OBJECTS_MODULE, sizeof(Module));
  if (image[0] == '/' && !((*module)->library = emulatedLoad(image))) return 200;
  return 0;
}

int cuModuleUnload(void *module) { return gone(OBJECTS_MODULE, module); }

int cuModuleGetFunction(void **function, Module *module, const char *name) {
  if (function_count == sizeof functions / sizeof *functions) {
    fprintf(stderr, "cuModuleGetFunction: more functions than the fake driver keeps\n");
    abort();
  }
  Function *found = &functions[function_count++];
  *found = (Function){module->library, module->library ? emulatedKernel(module->library, name) : NULL, 48 << 10};
  *function = found;
  return module->library && !found->kernel ? 500 : 0;
}

int cuFuncSetAttribute(Function *function, int attribute, int value) {
  if (attribute != 8 || value > 227 << 10) return 1; // MAX_DYNAMIC_SHARED_SIZE_BYTES
  return function->shared = value, 0;
}

int cuLaunchKernel(Function *function, int gx, int gy, int gz, int bx, int by, int bz, int shared, Stream *stream,
    void **arguments, void **extra) {
  if (setting("FAKE_LAUNCH", 0)) return (int)setting("FAKE_LAUNCH", 0);
  if (gx < 1 || gy < 1 || gz < 1 || gy > 65535 || gz > 65535 || bx < 1 || bx > 1024 || shared > function->shared) return 1;
  void *launch = function->kernel
      ? emulatedLaunch(function->library, function->kernel, gx, gy, gz, bx, shared, arguments)
      : NULL;
  submit(stream, (Op){.kind = 2, .launch = launch});
  return 0;
}

int cuStreamBeginCapture_v2(Stream *stream, int mode) {
  if (stream->recording) return 1;
  stream->recording = made(OBJECTS_GRAPH, sizeof(Graph));
  return 0;
}

int cuStreamEndCapture(Stream *stream, Graph **graph) {
  *graph = stream->recording;
  stream->recording = NULL;
  return *graph ? 0 : 1;
}

int cuGraphInstantiateWithFlags(Graph **exec, Graph *graph, long flags) {
  *exec = made(OBJECTS_EXEC, sizeof(Graph));
  (*exec)->ops = malloc((graph->count + 1) * sizeof(Op));
  memcpy((*exec)->ops, graph->ops, graph->count * sizeof(Op));
  (*exec)->count = graph->count;
  return 0;
}

int cuGraphLaunch(Graph *exec, Stream *stream) {
  if (stream->recording) return 900;
  for (int i = 0; i < exec->count; i++) run(&exec->ops[i]);
  return 0;
}

int cuGraphExecDestroy(Graph *exec) {
  for (int i = 0; i < exec->count; i++) forget(&exec->ops[i]);
  free(exec->ops);
  return gone(OBJECTS_EXEC, exec);
}

int cuGraphDestroy(Graph *graph) {
  free(graph->ops);
  return gone(OBJECTS_GRAPH, graph);
}

// cuBLASLt: a descriptor is a Product that only some fields of are set.
int cublasLtCreate(void **handle) {
  return setting("FAKE_LT", 0) ? (int)setting("FAKE_LT", 0) : (*handle = made(OBJECTS_LT, 1), 0);
}
int cublasLtDestroy(void *handle) { return gone(OBJECTS_LT, handle); }
long cublasLtGetVersion(void) { return 130100; }
const char *cublasLtGetStatusName(int status) { return status == 1 ? "CUBLAS_STATUS_NOT_INITIALIZED" : "CUBLAS_STATUS_FAKE"; }
int cublasLtMatmulDescCreate(Product **desc, int compute, int scale) {
  *desc = made(OBJECTS_LT, sizeof(Product));
  (*desc)->compute = compute;
  return 0;
}
int cublasLtMatmulDescDestroy(void *desc) { return gone(OBJECTS_LT, desc); }
int cublasLtMatrixLayoutDestroy(void *layout) { return gone(OBJECTS_LT, layout); }

typedef struct Preference {
  uint64_t workspace;
  uint32_t alignments[4]; // of A, B, C and D
} Preference;

int cublasLtMatmulPreferenceCreate(Preference **preference) {
  *preference = made(OBJECTS_LT, sizeof(Preference));
  for (int i = 0; i < 4; i++) (*preference)->alignments[i] = 256;
  return 0;
}
int cublasLtMatmulPreferenceDestroy(void *preference) { return gone(OBJECTS_LT, preference); }
int cublasLtMatmulPreferenceSetAttribute(Preference *preference, int attribute, const void *value, size_t bytes) {
  if (attribute == 1) return bytes == 8 ? memcpy(&preference->workspace, value, 8), 0 : 7;
  if (attribute < 5 || attribute > 8) return 7;
  return bytes == 4 ? memcpy(&preference->alignments[attribute - 5], value, 4), 0 : 7;
}

int cublasLtMatmulDescSetAttribute(Product *desc, int attribute, const void *value, size_t bytes) {
  switch (attribute) {
    case 3: return bytes == 4 ? memcpy(&desc->trans_a, value, 4), 0 : 7;
    case 4: return bytes == 4 ? memcpy(&desc->trans_b, value, 4), 0 : 7;
    case 7: return bytes == 4 ? memcpy(&desc->epilogue, value, 4), 0 : 7;
    case 8: return bytes == 8 ? memcpy(&desc->bias, value, 8), 0 : 7;
    case 11: return bytes == 8 ? memcpy(&desc->aux, value, 8), 0 : 7;
    case 12: return bytes == 8 ? memcpy(&desc->aux_ld, value, 8), 0 : 7;
    default: return 7;
  }
}

typedef struct Layout {
  int type;
  long rows, columns, ld;
} Layout;

int cublasLtMatrixLayoutCreate(void **layout, int type, long rows, long columns, long ld) {
  Layout *made_one = made(OBJECTS_LT, sizeof(Layout));
  *made_one = (Layout){type, rows, columns, ld};
  *layout = made_one;
  return 0;
}

// The first bytes of an algorithm: what it was chosen for.
typedef struct Algorithm {
  Preference preference;
  int epilogue;
} Algorithm;

int cublasLtMatmulAlgoGetHeuristic(void *handle, Product *desc, Layout *a, Layout *b, Layout *c, Layout *d,
    Preference *preference, int requested, Algorithm *result, int *count) {
  *count = 0;
  if ((desc->epilogue & 4 && !desc->bias) || (desc->epilogue & 128 && !desc->aux)) return 7;
  if (desc->epilogue & 128 && (desc->aux_ld % 8 || desc->aux_ld < d->rows)) return 15; // as the real one
  if (desc->epilogue != 1 && setting("FAKE_EPILOGUES", 0) && !setting("FAKE_LATE", 0)) {
    return (int)setting("FAKE_EPILOGUES", 0);
  }
  *result = (Algorithm){*preference, desc->epilogue};
  *count = 1;
  return 0;
}

// What the real one would answer with an error that takes the whole context along.
static void aligned(const void *address, uint32_t alignment, const char *what) {
  if ((uintptr_t)address % alignment) {
    fprintf(stderr, "cublasLtMatmul: %s at %p is not aligned to %u bytes\n", what, address, alignment);
    abort();
  }
}

int cublasLtMatmul(void *handle, Product *desc, const float *alpha, const void *a, Layout *la, const void *b, Layout *lb,
    const float *beta, const void *c, Layout *lc, void *d, Layout *ld, const Algorithm *algo, void *workspace, size_t bytes,
    Stream *stream) {
  if (desc->epilogue != 1 && setting("FAKE_EPILOGUES", 0)) return (int)setting("FAKE_EPILOGUES", 0);
  if ((uintptr_t)workspace % 256 || bytes < algo->preference.workspace || algo->epilogue != desc->epilogue) return 7;
  const void *matrices[] = {a, b, c, d};
  for (int i = 0; i < 4; i++) aligned(matrices[i], algo->preference.alignments[i], "a matrix");
  if (desc->epilogue & 4) aligned(desc->bias, 16, "a bias"); // https://github.com/pytorch/pytorch/pull/194497
  if (desc->epilogue & 128) aligned(desc->aux, 16, "a GELU's input");
  long k = desc->trans_a ? la->rows : la->columns;
  int fits = ld->rows == (desc->trans_a ? la->columns : la->rows)
      && ld->columns == (desc->trans_b ? lb->rows : lb->columns) && k == (desc->trans_b ? lb->columns : lb->rows)
      && la->ld == la->rows && lb->ld >= lb->rows && ld->ld >= ld->rows && *alpha == 1 && c == d;
  if (!fits) return 7;
  Product *product = malloc(sizeof(Product));
  *product = *desc;
  product->m = ld->rows;
  product->n = ld->columns;
  product->k = k;
  product->ldb = lb->ld;
  product->ldd = ld->ld;
  product->in = la->type;
  product->out = ld->type;
  product->a = a;
  product->b = b;
  product->d = d;
  product->beta = *beta;
  submit(stream, (Op){.kind = 1, .product = product});
  return 0;
}

// NVRTC: machine code is the source's name or, emulated, a library's path.
typedef struct Source {
  char name[256];
  const char *text;
  int headers;
  const char *const *texts;
  const char *const *names;
  char *code;
} Source;

int nvrtcVersion(int *major, int *minor) { return *major = 13, *minor = 0, 0; }
const char *nvrtcGetErrorString(int status) { return "NVRTC_FAKE"; }
int nvrtcGetNumSupportedArchs(int *count) { return *count = 3, 0; }
int nvrtcGetSupportedArchs(int *all) { return all[0] = 80, all[1] = 90, all[2] = 100, 0; }

int nvrtcCreateProgram(Source **program, const char *source, const char *name, int headers, const char *const *texts,
    const char *const *names) {
  Source *made_one = made(OBJECTS_PROGRAM, sizeof(Source));
  snprintf(made_one->name, sizeof made_one->name, "%s", name);
  made_one->text = source;
  made_one->headers = headers;
  made_one->texts = texts;
  made_one->names = names;
  *program = made_one;
  return 0;
}

int nvrtcCompileProgram(Source *program, int count, const char *const *options) {
  program->code = getenv("FAKE_EMULATOR")
      ? emulatedCompile(program->name, program->text, program->headers, program->texts, program->names, count, options)
      : strdup(program->name);
  return program->code[0] ? (int)setting("FAKE_COMPILE", 0) : 6;
}

int nvrtcDestroyProgram(Source **program) {
  free((*program)->code);
  return gone(OBJECTS_PROGRAM, *program);
}

int nvrtcGetCUBINSize(Source *program, size_t *size) { return *size = strlen(program->code) + 1, 0; }
int nvrtcGetCUBIN(Source *program, char *image) { return strcpy(image, program->code), 0; }
int nvrtcGetProgramLogSize(char *program, size_t *size) { return *size = 1, 0; }
int nvrtcGetProgramLog(char *program, char *log) { return *log = 0, 0; }
