// Layer normalization (NormKernels): a warp has a row, in registers. Gain and bias, their gradients and the statistics
// are 32-bit floats.
#include "columns.cuh"
#include "reduce.cuh"
#include "storage.cuh"

// Groups of columns that a row has. Widths beyond all models' would not fit into registers: loops leave them in memory.
#ifndef GROUPS
#define GROUPS 3
#endif
constexpr int UNROLLED = GROUPS <= 16 ? GROUPS : 1;

// Blocks for which a multiprocessor must have registers: what hides how far memory is.
constexpr int FORWARD_BLOCKS = GROUPS * PACK <= 32 ? 8 : 1;
constexpr int BACKWARD_BLOCKS = GROUPS * PACK <= 24 ? 2 : 1;

template <bool inPacks>
__device__ inline void normalize(
    real* out, float* mean, float* rstd, const real* x, const float* g, const float* b, float eps, int c) {
  Columns<inPacks> columns{c};
  Share<real> xs[GROUPS];
#pragma unroll UNROLLED
  for (int k = 0; k < GROUPS; k++) {
    xs[k] = columns.read(x, k);
  }
  float sum = 0;
#pragma unroll UNROLLED
  for (int k = 0; k < GROUPS; k++) {
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      sum += xs[k][i];
    }
  }
  float mu = warpSum(sum) / c;
  float rest = 0; // what rounding left of the mean: it counts where a row varies little
  float squares = 0;
#pragma unroll UNROLLED
  for (int k = 0; k < GROUPS; k++) {
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      float centered = columns.has(k, i) ? xs[k][i] - mu : 0;
      rest += centered;
      squares += centered * centered;
    }
  }
  rest = warpSum(rest) / c;
  float rs = 1 / sqrtf(warpSum(squares) / c - rest * rest + eps);
#pragma unroll UNROLLED
  for (int k = 0; k < GROUPS; k++) {
    Share<float> gain = columns.read(g, k);
    Share<float> bias = {};
    if (b != nullptr) {
      bias = columns.read(b, k);
    }
    float normal[PACK];
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      normal[i] = (xs[k][i] - mu - rest) * rs * gain[i] + bias[i];
    }
    columns.write(out, k, normal);
  }
  if (threadIdx.x % 32 == 0) {
    *mean = mu + rest;
    *rstd = rs;
  }
}

// Blocks of 128 threads.
extern "C" __global__ void __launch_bounds__(128, FORWARD_BLOCKS) layerNorm(
    real* out, float* mean, float* rstd, const real* x, const float* g, const float* b, float eps, int rows, int c) {
  int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (r >= rows) {
    return;
  }
  index_t at = (index_t)r * c;
  if (c % PACK == 0 && packed(out, x, g, b)) {
    normalize<true>(out + at, mean + r, rstd + r, x + at, g, b, eps, c);
  } else {
    normalize<false>(out + at, mean + r, rstd + r, x + at, g, b, eps, c);
  }
}

// With n = (x - mean) rstd and dn = dout g: dx = rstd (dn - mean(dn) - n mean(dn n)), and down the columns dg = sum of
// dout n, db = sum of dout. All of a row is read before any of it is written: dx may be dout.
template <bool inPacks>
__device__ inline void differentiate(
    real* dx,
    float* partials,
    const real* dout,
    const real* x,
    const float* g,
    const float* mean,
    const float* rstd,
    int rows,
    int c,
    bool accumulate) {
  Columns<inPacks> columns{c};
  float dg[GROUPS][PACK] = {};
  float db[GROUPS][PACK] = {};
  for (int r = blockIdx.x * WARPS + threadIdx.x / 32; r < rows; r += gridDim.x * WARPS) {
    index_t at = (index_t)r * c;
    Share<real> xs[GROUPS];
    Share<real> ds[GROUPS];
#pragma unroll UNROLLED
    for (int k = 0; k < GROUPS; k++) {
      xs[k] = columns.read(x + at, k);
      ds[k] = columns.read(dout + at, k);
    }
    float mu = mean[r];
    float rs = rstd[r];
    float sum = 0;
    float along = 0;
#pragma unroll UNROLLED
    for (int k = 0; k < GROUPS; k++) {
      Share<float> gain = columns.read(g, k);
#pragma unroll
      for (int i = 0; i < PACK; i++) {
        float normal = (xs[k][i] - mu) * rs;
        float d = ds[k][i];
        sum += d * gain[i];
        along += d * gain[i] * normal;
        dg[k][i] += d * normal;
        db[k][i] += d;
      }
    }
    sum = warpSum(sum) / c;
    along = warpSum(along) / c;
#pragma unroll UNROLLED
    for (int k = 0; k < GROUPS; k++) {
      Share<float> gain = columns.read(g, k);
      Share<real> before = {};
      if (accumulate) {
        before = columns.read(dx + at, k);
      }
      float slopes[PACK];
#pragma unroll
      for (int i = 0; i < PACK; i++) {
        float normal = (xs[k][i] - mu) * rs;
        slopes[i] = before[i] + rs * (ds[k][i] * gain[i] - sum - normal * along);
      }
      columns.write(dx + at, k, slopes);
    }
  }
  if (partials != nullptr) {
#pragma unroll UNROLLED
    for (int k = 0; k < GROUPS; k++) {
      writeSums(partials + (index_t)blockIdx.x * c, c, k, dg[k], inPacks);
      writeSums(partials + (index_t)(gridDim.x + blockIdx.x) * c, c, k, db[k], inPacks);
    }
  }
}

// As many blocks as there are partial sums (2, blocks, c) of dg and db, which may be null; 256 threads.
extern "C" __global__ void __launch_bounds__(256, BACKWARD_BLOCKS) layerNormBackward(
    real* dx,
    float* partials,
    const real* dout,
    const real* x,
    const float* g,
    const float* mean,
    const float* rstd,
    int rows,
    int c,
    int accumulate) {
  if (c % PACK == 0 && packed(dx, dout, x, g)) {
    differentiate<true>(dx, partials, dout, x, g, mean, rstd, rows, c, accumulate);
  } else {
    differentiate<false>(dx, partials, dout, x, g, mean, rstd, rows, c, accumulate);
  }
}
