// A bias in all rows, and its gradient: column sums.
#include "columns.cuh"

template <bool inPacks>
struct Summands {
  const real* x;
  Columns<inPacks> columns;
  int stride;

  using Loaded = Share<real>;

  __device__ Loaded load(int r, bool there) const { return columns.read(x + (index_t)r * stride, blockIdx.x, there); }

  __device__ void add(const Loaded& share, int r, float (&sum)[PACK]) const {
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      sum[i] += share[i];
    }
  }
};

// Grid (groups of columns, stretches of rows), 256 threads; partials (stretches, c).
extern "C" __global__ void columnPartials(float* partials, const real* x, int rows, int c, int stride) {
  if (c % PACK == 0 && stride % PACK == 0 && packed(x)) {
    sumStretch<true>(partials, rows, c, Summands<true>{x, {c}, stride});
  } else {
    sumStretch<false>(partials, rows, c, Summands<false>{x, {c}, stride});
  }
}

// Sums the partial sums (2, stretches, c) of each column into two rows, each of which may be null, or adds them to these.
// Grid (ceil(c / 32), rows), 1024 threads: there is little to add, and it is far away.
extern "C" __global__ void __launch_bounds__(1024) addPartials(
    float* first, float* second, const float* partials, int stretches, int c, int accumulate) {
  __shared__ float sums[32][32];
  float* row = blockIdx.y == 0 ? first : second;
  if (row == nullptr) {
    return;
  }
  int lane = threadIdx.x % 32;
  int warp = threadIdx.x / 32;
  int column = blockIdx.x * 32 + lane;
  const float* from = partials + (index_t)blockIdx.y * stretches * c + column;
  float sum = 0;
  for (int s = warp; s < stretches; s += FLYING * 32) {
    float terms[FLYING];
#pragma unroll
    for (int f = 0; f < FLYING; f++) {
      bool there = column < c && s + f * 32 < stretches;
      float term = *(there ? from + (index_t)(s + f * 32) * c : partials);
      terms[f] = there ? term : 0;
    }
#pragma unroll
    for (int f = 0; f < FLYING; f++) {
      sum += terms[f];
    }
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp == 0 && column < c) {
    float all = 0;
#pragma unroll
    for (int w = 0; w < 32; w++) {
      all += sums[w][lane];
    }
    row[column] = accumulate ? row[column] + all : all;
  }
}

// Every row of a matrix of n numbers, each of c.
extern "C" __global__ void repeatRow(real* out, const real* row, index_t n, int c, int stride) {
  for (index_t i = firstIndex(); i < n; i += indexStep()) {
    out[i / c * stride + i % c] = row[i % c];
  }
}
