// Sums, products, copies and dropout (ElementwiseKernels).
#include "dropout.cuh"
#include "lists.cuh"
#include "storage.cuh"

extern "C" __global__ void fill(const index_t* table, int count, float number) {
  Lists tensors{table, count};
  Chunk chunk = tensors.chunk(blockIdx.x);
  real* out = tensors.data<real>(0, chunk.tensor) + chunk.from;
  int n = (int)(chunk.to - chunk.from);
  int packs = packed(out) ? n / PACK : 0;
  Pack pack;
#pragma unroll
  for (int j = 0; j < PACK; j++) {
    pack.at[j] = stored(number);
  }
  for (int i = threadIdx.x; i < packs; i += blockDim.x) {
    packAt(out, i) = pack;
  }
  for (int i = packs * PACK + threadIdx.x; i < n; i += blockDim.x) {
    out[i] = pack.at[0];
  }
}

// out = operation(a, b), element by element.
template <typename Operation>
__device__ inline void combine(real* out, const real* a, const real* b, index_t n, const Operation& operation) {
  index_t packs = packed(out, a, b) ? n / PACK : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    Pack x = packAt(a, i);
    Pack y = packAt(b, i);
    float results[PACK];
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      results[j] = operation(value(x.at[j]), value(y.at[j]));
    }
    packAt(out, i) = packOf(results);
  }
  for (index_t i = packs * PACK + firstIndex(); i < n; i += indexStep()) {
    out[i] = stored(operation(value(a[i]), value(b[i])));
  }
}

extern "C" __global__ void add(real* out, const real* a, const real* b, index_t n) {
  combine(out, a, b, n, [](float x, float y) { return x + y; });
}

extern "C" __global__ void product(real* out, const real* a, const real* b, index_t n) {
  combine(out, a, b, n, [](float x, float y) { return x * y; });
}

extern "C" __global__ void scale(real* out, const real* x, float factor, index_t n) {
  index_t packs = packed(out, x) ? n / PACK : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    Pack pack = packAt(x, i);
    float products[PACK];
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      products[j] = factor * value(pack.at[j]);
    }
    packAt(out, i) = packOf(products);
  }
  for (index_t i = packs * PACK + firstIndex(); i < n; i += indexStep()) {
    out[i] = stored(factor * value(x[i]));
  }
}

// The numbers from a place on, in a pack or one by one; zeros behind n.
template <bool inPacks>
__device__ inline Pack readFrom(const real* x, index_t from, index_t n) {
  if constexpr (inPacks) {
    return packAt(x + from, 0);
  } else {
    Pack pack = {};
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      pack.at[j] = from + j < n ? x[from + j] : pack.at[j];
    }
    return pack;
  }
}

template <bool inPacks>
__device__ inline void writeTo(real* out, index_t from, index_t n, const float (&numbers)[PACK]) {
  if constexpr (inPacks) {
    packAt(out + from, 0) = packOf(numbers);
  } else {
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      if (from + j < n) {
        out[from + j] = stored(numbers[j]);
      }
    }
  }
}

// A block's four words are of elements 16 apart: share t is the blocks of four packs, drawn while these are on their way.
constexpr int SHARES = 16 / PACK; // of a group of 64

template <bool RESIDUAL, bool inPacks>
__device__ inline void dropShare(
    real* out, const real* x, const real* y, index_t from, index_t n, index_t t, unsigned step, const Dropout& dropout) {
  Pack xs[4];
  Pack ys[4];
#pragma unroll
  for (int w = 0; w < 4; w++) {
    ys[w] = readFrom<inPacks>(y, from + w * 16, n);
    if (RESIDUAL) {
      xs[w] = readFrom<inPacks>(x, from + w * 16, n);
    }
  }
  unsigned keeps = 0; // bits of the packs
#pragma unroll
  for (int j = 0; j < PACK; j++) {
    Words words = drawBlock(dropout, step, t * PACK + j);
#pragma unroll
    for (int w = 0; w < 4; w++) {
      keeps |= (unsigned)kept(dropout, words.at[w]) << (w * PACK + j);
    }
  }
#pragma unroll
  for (int w = 0; w < 4; w++) {
    float numbers[PACK];
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      float branch = value(ys[w].at[j]) * (keeps >> (w * PACK + j) & 1 ? dropout.scale : 0.0f);
      numbers[j] = RESIDUAL ? value(xs[w].at[j]) + branch : branch;
    }
    writeTo<inPacks>(out, from + w * 16, n, numbers);
  }
}

// out = x + dropout(y), or dropout(y) alone.
template <bool RESIDUAL>
__device__ inline void drop(real* out, const real* x, const real* y, index_t n, const Dropout& dropout) {
  unsigned step = dropout.threshold == 0 ? 0 : *dropout.step;
  bool inPacks = packed(out, x, y);
  for (index_t t = firstIndex(); t < (n + 63) / 64 * SHARES; t += indexStep()) {
    index_t from = t / SHARES * 64 + t % SHARES * PACK;
    if (inPacks && from + 48 + PACK <= n) {
      dropShare<RESIDUAL, true>(out, x, y, from, n, t, step, dropout);
    } else {
      dropShare<RESIDUAL, false>(out, x, y, from, n, t, step, dropout);
    }
  }
}

extern "C" __global__ void dropout(real* out, const real* x, index_t n, const Dropout dropout) {
  drop<false>(out, x, x, n, dropout);
}

extern "C" __global__ void residual(real* out, const real* x, const real* y, index_t n, const Dropout dropout) {
  drop<true>(out, x, y, n, dropout);
}

// Copies of numbers as bfloat16, for matrix products, and back.
// Zeros behind n, up to the end of the output.
extern "C" __global__ void narrowAll(unsigned short* out, index_t outCount, const float* x, index_t n) {
  index_t packs = packed(out, x) ? n / 4 : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    PackOf<float> p = packAt(x, i);
    reinterpret_cast<uint2*>(out)[i] = make_uint2(narrow2(p.at[0], p.at[1]), narrow2(p.at[2], p.at[3]));
  }
  for (index_t i = packs * 4 + firstIndex(); i < n; i += indexStep()) {
    out[i] = narrow(x[i]);
  }
  for (index_t i = n + firstIndex(); i < outCount; i += indexStep()) {
    out[i] = 0;
  }
}

extern "C" __global__ void widenAll(float* out, const unsigned short* x, index_t n) {
  for (index_t i = firstIndex(); i < n; i += indexStep()) {
    out[i] = __uint_as_float((unsigned)x[i] << 16);
  }
}
