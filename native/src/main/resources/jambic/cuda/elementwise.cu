// Sums, copies and dropout (ElementwiseKernels).
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

extern "C" __global__ void add(real* out, const real* a, const real* b, index_t n) {
  index_t packs = packed(out, a, b) ? n / PACK : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    Pack x = packAt(a, i);
    Pack y = packAt(b, i);
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      x.at[j] = stored(value(x.at[j]) + value(y.at[j]));
    }
    packAt(out, i) = x;
  }
  for (index_t i = packs * PACK + firstIndex(); i < n; i += indexStep()) {
    out[i] = stored(value(a[i]) + value(b[i]));
  }
}

// The numbers from a place on of n; zeros behind them.
__device__ inline Pack readFrom(const real* x, index_t from, index_t n, bool inPacks) {
  Pack pack = {};
  if (inPacks && from + PACK <= n) {
    pack = packAt(x + from, 0);
  } else {
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      pack.at[j] = from + j < n ? x[from + j] : pack.at[j];
    }
  }
  return pack;
}

__device__ inline void writeTo(real* out, index_t from, index_t n, bool inPacks, const Pack& pack) {
  if (inPacks && from + PACK <= n) {
    packAt(out + from, 0) = pack;
  } else {
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      if (from + j < n) {
        out[from + j] = pack.at[j];
      }
    }
  }
}

// out = x + dropout(y), or dropout(y) alone. A block's four words are of elements 16 apart: a thread draws the blocks of
// four packs, while these are on their way.
template <bool RESIDUAL>
__device__ inline void drop(real* out, const real* x, const real* y, index_t n, const Dropout& dropout) {
  constexpr int SHARES = 16 / PACK; // of a group of 64
  unsigned step = dropout.threshold == 0 ? 0 : *dropout.step;
  bool inPacks = packed(out, x, y);
  for (index_t t = firstIndex(); t < (n + 63) / 64 * SHARES; t += indexStep()) {
    index_t from = t / SHARES * 64 + t % SHARES * PACK;
    Pack xs[4];
    Pack ys[4];
#pragma unroll
    for (int w = 0; w < 4; w++) {
      ys[w] = readFrom(y, from + w * 16, n, inPacks);
      if (RESIDUAL) {
        xs[w] = readFrom(x, from + w * 16, n, inPacks);
      }
    }
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      Words words = drawBlock(dropout, step, t * PACK + j);
#pragma unroll
      for (int w = 0; w < 4; w++) {
        float branch = value(ys[w].at[j]) * factor(dropout, words.at[w]);
        ys[w].at[j] = stored(RESIDUAL ? value(xs[w].at[j]) + branch : branch);
      }
    }
#pragma unroll
    for (int w = 0; w < 4; w++) {
      writeTo(out, from + w * 16, n, inPacks, ys[w]);
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
extern "C" __global__ void narrowAll(unsigned short* out, const float* x, index_t n) {
  index_t packs = packed(out, x) ? n / 4 : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    PackOf<float> p = packAt(x, i);
    reinterpret_cast<uint2*>(out)[i] = make_uint2(narrow2(p.at[0], p.at[1]), narrow2(p.at[2], p.at[3]));
  }
  for (index_t i = packs * 4 + firstIndex(); i < n; i += indexStep()) {
    out[i] = narrow(x[i]);
  }
}

extern "C" __global__ void widenAll(float* out, const unsigned short* x, index_t n) {
  for (index_t i = firstIndex(); i < n; i += indexStep()) {
    out[i] = __uint_as_float((unsigned)x[i] << 16);
  }
}
