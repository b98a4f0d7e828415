// A bias in all rows, and its gradient: column sums.
#include "columns.cuh"

struct Plain {
  const real* x;
  int c;

  __device__ void operator()(float (&sum)[1], int r, int column) const { sum[0] += value(x[(index_t)r * c + column]); }
};

// Grid (ceil(c / 64), stretches of rows), 256 threads; partials (stretches, c).
extern "C" __global__ void columnPartials(float* partials, const real* x, int rows, int c) {
  sumColumns<1>(partials, rows, c, Plain{x, c});
}

// Adds the partial sums of each column to it.
extern "C" __global__ void addPartials(float* sums, const float* partials, int stretches, int c) {
  int column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column < c) {
    float sum = 0;
#pragma unroll 8
    for (int s = 0; s < stretches; s++) {
      sum += partials[(index_t)s * c + column];
    }
    sums[column] += sum;
  }
}

// Every row of a matrix of n numbers, each of c.
extern "C" __global__ void repeatRow(real* out, const real* row, index_t n, int c) {
  for (index_t i = firstIndex(); i < n; i += indexStep()) {
    out[i] = row[i % c];
  }
}
