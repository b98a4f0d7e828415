// A GPU of one multiprocessor in plain C++: every thread of a block is a fiber, blocks run one after the other, and
// warp instructions wait for all 32 lanes. Enough of CUDA C++ to compile the kernels as they are.
#pragma once
#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
static inline uint2 make_uint2(unsigned x, unsigned y) { return uint2{x, y}; }

namespace emulator {
struct Gate { // where a warp or a block waits for its last thread
  int arrived = 0;
  int passed = 0;
};

struct Copy {
  void* to;
  const void* from;
  bool there;
  size_t bytes;
};

struct Fiber {
  ucontext_t start;
  jmp_buf at;
  bool begun = false;
  bool done = false;
  Gate* gate = nullptr;
  int passed = 0;
  std::vector<Copy> copies;
};

struct Warp {
  Gate gate;
  const void* in[32];
  void* out[32];
};

constexpr int STACK = 64 << 10;
constexpr int MOST_THREADS = 1024;
inline std::vector<Fiber> fibers(MOST_THREADS);
inline std::vector<char> stacks((size_t)STACK* MOST_THREADS);
inline Warp warps[MOST_THREADS / 32];
inline Gate block;
inline jmp_buf scheduler;
inline int current;
inline int threads;
inline void (*body)(void**);
inline void** arguments;

inline void wait(Gate& gate) {
  Fiber& fiber = fibers[current];
  fiber.gate = &gate;
  fiber.passed = gate.passed;
  if (_setjmp(fiber.at) == 0) {
    _longjmp(scheduler, 1);
  }
}

inline void arrive(Gate& gate, int all) {
  if (++gate.arrived == all) {
    gate.arrived = 0;
    gate.passed++;
  } else {
    wait(gate);
  }
}

// One instruction of a whole warp: the last lane computes all lanes' results from all lanes' operands.
template <typename In, typename Out, typename F>
inline void together(const In& in, Out& out, const F& compute) {
  Warp& warp = warps[current / 32];
  int lane = current % 32;
  warp.in[lane] = &in;
  warp.out[lane] = &out;
  if (++warp.gate.arrived == 32) {
    compute(warp.in, warp.out);
    warp.gate.arrived = 0;
    warp.gate.passed++;
  } else {
    wait(warp.gate);
  }
}

inline void enter() {
  body(arguments);
  fibers[current].done = true;
  _longjmp(scheduler, 1);
}

// Lets a thread run until it waits or ends.
inline void resume(int thread) {
  current = thread;
  Fiber& fiber = fibers[thread];
  fiber.gate = nullptr;
  if (_setjmp(scheduler) == 0) {
    if (fiber.begun) {
      _longjmp(fiber.at, 1);
    }
    fiber.begun = true;
    getcontext(&fiber.start);
    fiber.start.uc_stack.ss_sp = stacks.data() + (size_t)thread * STACK;
    fiber.start.uc_stack.ss_size = STACK;
    fiber.start.uc_link = nullptr;
    makecontext(&fiber.start, enter, 0);
    setcontext(&fiber.start);
  }
}

inline bool runnable(const Fiber& fiber) {
  return !fiber.done && (fiber.gate == nullptr || fiber.gate->passed != fiber.passed);
}

// Lets every thread of a warp run that can; whether any could.
inline bool resumeWarp(int warp) {
  bool moved = false;
  for (int i = warp * 32; i < warp * 32 + 32 && i < threads; i++) {
    if (runnable(fibers[i])) {
      resume(i);
      moved = true;
    }
  }
  return moved;
}

// Runs a block to its end. By `order` the first warp runs ahead as far as it can, or the last one, or all keep pace:
// what a missing barrier spoils differs between these.
inline void runBlock(int order) {
  for (int i = 0; i < threads; i++) {
    Fiber& fiber = fibers[i];
    fiber.begun = fiber.done = false;
    fiber.gate = nullptr;
    fiber.copies.clear();
  }
  for (auto& warp : warps) {
    warp.gate = Gate{};
  }
  block = Gate{};
  int count = (threads + 31) / 32;
  bool moved = true;
  while (moved) {
    moved = false;
    for (int i = 0; i < count; i++) {
      int warp = order == 1 ? count - 1 - i : i;
      while (resumeWarp(warp)) {
        moved = true;
        if (order == 2) {
          break;
        }
      }
    }
  }
  for (int i = 0; i < threads; i++) {
    if (!fibers[i].done) {
      fprintf(stderr, "deadlock: thread %d waits for some that have ended or wait elsewhere\n", i);
      abort();
    }
  }
}

} // namespace emulator

inline dim3 threadIdxOf() { return dim3{(unsigned)emulator::current, 0, 0}; }
#define threadIdx (threadIdxOf())
inline dim3 blockIdx, blockDim, gridDim;

inline void __syncthreads() { emulator::arrive(emulator::block, emulator::threads); }

template <typename T>
inline T __shfl_xor_sync(unsigned, T x, int mask) {
  T y{};
  emulator::together(x, y, [mask](const void** in, void** out) {
    for (int l = 0; l < 32; l++) {
      *(T*)out[l] = *(const T*)in[l ^ mask];
    }
  });
  return y;
}

inline unsigned __ballot_sync(unsigned, bool x) {
  unsigned y = 0;
  emulator::together(x, y, [](const void** in, void** out) {
    unsigned all = 0;
    for (int l = 0; l < 32; l++) {
      all |= (unsigned)*(const bool*)in[l] << l;
    }
    for (int l = 0; l < 32; l++) {
      *(unsigned*)out[l] = all;
    }
  });
  return y;
}

inline float __uint_as_float(unsigned x) {
  float y;
  memcpy(&y, &x, 4);
  return y;
}
inline unsigned __float_as_uint(float x) {
  unsigned y;
  memcpy(&y, &x, 4);
  return y;
}
inline float __int_as_float(int x) { return __uint_as_float((unsigned)x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }

// What the fake driver knows of a kernel: how to call it with pointers to its arguments, and their sizes.
struct Kernel {
  void (*call)(void**);
  int count;
  size_t sizes[64];
};

template <typename... A, size_t... I>
inline void callWith(void (*kernel)(A...), void** p, std::index_sequence<I...>) {
  kernel(*(typename std::remove_const<A>::type*)p[I]...);
}
template <typename... A>
inline void callWith(void (*kernel)(A...), void** p) {
  callWith(kernel, p, std::index_sequence_for<A...>());
}
template <typename... A>
inline Kernel describe(void (*)(A...), void (*call)(void**)) {
  return Kernel{call, sizeof...(A), {sizeof(A)...}};
}

// For every kernel of the source.
#define EMULATED(name)                                            \
  static void call_##name(void** p) { callWith(name, p); }        \
  extern "C" Kernel emulated_##name = describe(name, call_##name);

constexpr size_t SHARED_BYTES = 256 << 10;
alignas(128) inline unsigned char sharedMemory[SHARED_BYTES];

extern "C" int emulate(const Kernel* kernel, int gx, int gy, int gz, int threads, int shared, void** arguments) {
  static int order = 0;
  order = (order + 1) % 3; // each launch another one: the bits must not depend on it
  gridDim = dim3{(unsigned)gx, (unsigned)gy, (unsigned)gz};
  blockDim = dim3{(unsigned)threads, 1, 1};
  emulator::threads = threads;
  emulator::body = kernel->call;
  emulator::arguments = arguments;
  for (int i = 0; i < gx * gy * gz; i++) {
    int j = order == 1 ? gx * gy * gz - 1 - i : i;
    blockIdx = dim3{(unsigned)(j % gx), (unsigned)(j / gx % gy), (unsigned)(j / gx / gy)};
    memset(sharedMemory, 0xff, shared + 256); // NaN: nothing may be read before it is written
    emulator::runBlock(order);
    for (int b = shared; b < shared + 256; b++) {
      if (sharedMemory[b] != 0xff) {
        fprintf(stderr, "a kernel writes behind its %d bytes of shared memory\n", shared);
        abort();
      }
    }
  }
  return 0;
}
