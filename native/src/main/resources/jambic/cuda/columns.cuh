#pragma once
// Sums down the columns of a matrix of rows: blocks of 64 columns by a stretch of rows write partial sums, which a
// second launch adds up in order.
#include "storage.cuh"

constexpr int COLUMNS = 64;   // of a block: two for each lane
constexpr int ROW_LANES = 8;  // warps of a block, each takes every eighth row

// What one row of a (rows, c) matrix adds to each sum; a functor gives SUMS numbers at (row, column).
template <int SUMS, typename F>
__device__ inline void sumColumns(float* partials, int rows, int c, const F& terms) {
  __shared__ float sums[SUMS][ROW_LANES][COLUMNS];
  int lane = threadIdx.x % 32;
  int warp = threadIdx.x / 32;
  int rowsEach = (rows + gridDim.y - 1) / gridDim.y;
  int from = blockIdx.y * rowsEach;
  int to = from + rowsEach < rows ? from + rowsEach : rows;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    int column = blockIdx.x * COLUMNS + half * 32 + lane;
    float sum[SUMS] = {};
    if (column < c) {
#pragma unroll 4
      for (int r = from + warp; r < to; r += ROW_LANES) {
        terms(sum, r, column);
      }
    }
#pragma unroll
    for (int s = 0; s < SUMS; s++) {
      sums[s][warp][half * 32 + lane] = sum[s];
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < SUMS * COLUMNS; i += blockDim.x) {
    int s = i / COLUMNS;
    int column = blockIdx.x * COLUMNS + i % COLUMNS;
    if (column < c) {
      float sum = 0;
#pragma unroll
      for (int w = 0; w < ROW_LANES; w++) {
        sum += sums[s][w][i % COLUMNS];
      }
      partials[((index_t)s * gridDim.y + blockIdx.y) * c + column] = sum; // (SUMS, stretches, c)
    }
  }
}
