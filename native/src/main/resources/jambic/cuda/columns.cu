// A bias in all rows, and its gradient: column sums.
#include "columns.cuh"

template <bool inPacks>
__device__ inline void sumStretch(float* partials, const real* x, int rows, int c) {
  Columns<inPacks> columns{c};
  int rowsEach = (rows + gridDim.y - 1) / gridDim.y;
  int from = blockIdx.y * rowsEach;
  int to = from + rowsEach < rows ? from + rowsEach : rows;
  float sum[PACK] = {};
#pragma unroll 4
  for (int r = from + threadIdx.x / 32; r < to; r += WARPS) {
    Share<real> row = columns.read(x + (index_t)r * c, blockIdx.x);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      sum[i] += value(row.at[i]);
    }
  }
  writeSums(partials + (index_t)blockIdx.y * c, c, blockIdx.x, sum, inPacks);
}

// Grid (groups of columns, stretches of rows), 256 threads; partials (stretches, c).
extern "C" __global__ void columnPartials(float* partials, const real* x, int rows, int c) {
  if (c % PACK == 0 && packed(x)) {
    sumStretch<true>(partials, x, rows, c);
  } else {
    sumStretch<false>(partials, x, rows, c);
  }
}

// Adds the partial sums (2, stretches, c) of each column to two rows, each of which may be null. Grid (ceil(c / 32),
// rows), 1024 threads: there is little to add, and it is far away.
extern "C" __global__ void addPartials(float* first, float* second, const float* partials, int stretches, int c) {
  __shared__ float sums[32][32];
  constexpr int FLYING = 4;
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
#pragma unroll
    for (int i = 0; i < FLYING; i++) {
      int stretch = s + i * 32;
      sum += column < c && stretch < stretches ? from[(index_t)stretch * c] : 0;
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
    row[column] += all;
  }
}

// Every row of a matrix of n numbers, each of c.
extern "C" __global__ void repeatRow(real* out, const real* row, index_t n, int c) {
  for (index_t i = firstIndex(); i < n; i += indexStep()) {
    out[i] = row[i % c];
  }
}
