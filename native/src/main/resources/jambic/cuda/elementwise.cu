// Sums, copies and dropout (ElementwiseKernels).
#include "dropout.cuh"
#include "lists.cuh"
#include "storage.cuh"

extern "C" __global__ void fill(const index_t* table, int count, float number) {
  Lists tensors{table, count};
  Chunk chunk = tensors.chunk(blockIdx.x);
  real* out = tensors.data<real>(0, chunk.tensor);
  for (index_t i = chunk.from + threadIdx.x; i < chunk.to; i += blockDim.x) {
    out[i] = stored(number);
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

// out = x dropout(y), or dropout(y) alone. A thread draws two neighbouring blocks: four pairs of elements, 16 apart.
template <bool RESIDUAL>
__device__ inline void drop(real* out, const real* x, const real* y, index_t n, const Dropout& dropout) {
  unsigned step = dropout.threshold == 0 ? 0 : *dropout.step;
  for (index_t t = firstIndex(); t < (n + 63) / 64 * 8; t += indexStep()) {
    index_t group = t / 8;
    int pair = t % 8 * 2;
    Words a = drawBlock(dropout, step, group * 16 + pair);
    Words b = drawBlock(dropout, step, group * 16 + pair + 1);
#pragma unroll
    for (int w = 0; w < 4; w++) {
      index_t i = group * 64 + w * 16 + pair;
      if (i < n) {
        float branch = value(y[i]) * factor(dropout, a.at[w]);
        out[i] = stored(RESIDUAL ? value(x[i]) + branch : branch);
      }
      if (i + 1 < n) {
        float branch = value(y[i + 1]) * factor(dropout, b.at[w]);
        out[i + 1] = stored(RESIDUAL ? value(x[i + 1]) + branch : branch);
      }
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
