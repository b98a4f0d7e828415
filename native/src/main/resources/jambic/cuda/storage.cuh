#pragma once
// How activations lie in memory: as 32-bit floats or, with STORAGE_BF16, as bfloat16. Arithmetic is in 32 bits.
#include "ptx.cuh"

typedef long long index_t;

#ifdef STORAGE_BF16
struct real {
  unsigned short bits;
};

__device__ inline float value(real x) { return __uint_as_float((unsigned)x.bits << 16); }
__device__ inline real stored(float x) { return real{narrow(x)}; }

// e^x and a / b, as closely as eight bits of mantissa deserve: within 1e-5 while e^x counts.
__device__ inline float exponential(float x) { return exp2Fast(1.4426950408889634f * x); }
__device__ inline float quotient(float a, float b) { return a * reciprocalFast(b); }
#else
typedef float real;

__device__ inline float value(float x) { return x; }
__device__ inline real stored(float x) { return x; }

__device__ inline float exponential(float x) { return expf(x); }
__device__ inline float quotient(float a, float b) { return a / b; }
#endif

// What one memory instruction moves at best: 16 bytes.
template <typename T>
struct alignas(16) PackOf {
  T at[16 / sizeof(T)];
};
typedef PackOf<real> Pack;
constexpr int PACK = 16 / sizeof(real);

__device__ inline Pack packOf(const float (&numbers)[PACK]) {
#ifdef STORAGE_BF16
  PackOf<unsigned> pairs;
#pragma unroll
  for (int i = 0; i < PACK / 2; i++) {
    pairs.at[i] = narrow2(numbers[2 * i], numbers[2 * i + 1]);
  }
  return reinterpret_cast<const Pack&>(pairs);
#else
  return Pack{{numbers[0], numbers[1], numbers[2], numbers[3]}};
#endif
}

template <typename T>
__device__ inline PackOf<T>& packAt(T* x, index_t i) {
  return reinterpret_cast<PackOf<T>*>(x)[i];
}
template <typename T>
__device__ inline const PackOf<T>& packAt(const T* x, index_t i) {
  return reinterpret_cast<const PackOf<T>*>(x)[i];
}

// Whether packs can be read at all of these addresses.
template <typename... Pointers>
__device__ inline bool packed(Pointers... pointers) {
  return (((unsigned long long)pointers | ...) & 15) == 0;
}

// An index that came from outside, such as a token id: never past a tensor of n, whatever it is.
__device__ inline int inside(int index, int n) { return index < 0 ? 0 : index < n ? index : n - 1; }

// This thread among all of a launch, and how many there are.
__device__ inline index_t firstIndex() { return blockIdx.x * (index_t)blockDim.x + threadIdx.x; }
__device__ inline index_t indexStep() { return gridDim.x * (index_t)blockDim.x; }
