// Layer normalization (NormKernels): a warp has a row, in blocks of 128 threads. Gain and bias, their gradients and
// the statistics are 32-bit floats.
#include "columns.cuh"
#include "reduce.cuh"
#include "storage.cuh"

// The columns of a row that a lane has, in packs where the row lies right: f(column, values, count).
template <typename F>
__device__ inline void eachColumn(int c, bool inPacks, const F& f) {
  int lane = threadIdx.x % 32;
  if (inPacks) {
    for (int j = lane * PACK; j < c; j += 32 * PACK) {
      f(j, true);
    }
  } else {
    for (int j = lane; j < c; j += 32) {
      f(j, false);
    }
  }
}

// The pack at a column, or the one number there.
__device__ inline int read(float (&to)[PACK], const real* row, int j, bool pack) {
  if (pack) {
    Pack p = *reinterpret_cast<const Pack*>(row + j);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      to[i] = value(p.at[i]);
    }
    return PACK;
  }
  to[0] = value(row[j]);
  return 1;
}

__device__ inline void write(real* row, int j, const float (&from)[PACK], bool pack) {
  if (pack) {
    Pack p;
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      p.at[i] = stored(from[i]);
    }
    *reinterpret_cast<Pack*>(row + j) = p;
  } else {
    row[j] = stored(from[0]);
  }
}

extern "C" __global__ void layerNorm(
    real* out, float* mean, float* rstd, const real* x, const float* g, const float* b, float eps, int rows, int c) {
  int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (r >= rows) {
    return;
  }
  const real* xRow = x + (index_t)r * c;
  real* outRow = out + (index_t)r * c;
  bool inPacks = c % PACK == 0 && packed(xRow, outRow);
  float sum = 0;
  eachColumn(c, inPacks, [&](int j, bool pack) {
    float xs[PACK];
    int n = read(xs, xRow, j, pack);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      sum += i < n ? xs[i] : 0;
    }
  });
  float mu = warpSum(sum) / c;
  float rest = 0; // what rounding left of the mean: it counts where a row varies little
  float squares = 0;
  eachColumn(c, inPacks, [&](int j, bool pack) {
    float xs[PACK];
    int n = read(xs, xRow, j, pack);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      rest += i < n ? xs[i] - mu : 0;
      squares += i < n ? (xs[i] - mu) * (xs[i] - mu) : 0;
    }
  });
  rest = warpSum(rest) / c;
  float rs = 1 / sqrtf(warpSum(squares) / c - rest * rest + eps);
  eachColumn(c, inPacks, [&](int j, bool pack) {
    float xs[PACK];
    int n = read(xs, xRow, j, pack);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      if (i < n) {
        xs[i] = (xs[i] - mu - rest) * rs * g[j + i] + (b == nullptr ? 0 : b[j + i]);
      }
    }
    write(outRow, j, xs, pack);
  });
  if (threadIdx.x % 32 == 0) {
    mean[r] = mu + rest;
    rstd[r] = rs;
  }
}

// With n = (x - mean) rstd: the terms of dg and of db.
struct NormTerms {
  const real* dout;
  const real* x;
  const float* mean;
  const float* rstd;
  int c;

  __device__ void operator()(float (&sum)[2], int r, int column) const {
    float d = value(dout[(index_t)r * c + column]);
    sum[0] += d * ((value(x[(index_t)r * c + column]) - mean[r]) * rstd[r]);
    sum[1] += d;
  }
};

// Goes before layerNormBackward, which may overwrite dout. Partials (2, stretches, c).
extern "C" __global__ void layerNormPartials(
    float* partials, const real* dout, const real* x, const float* mean, const float* rstd, int rows, int c) {
  sumColumns<2>(partials, rows, c, NormTerms{dout, x, mean, rstd, c});
}

// With dn = dout g: dx = rstd (dn - mean(dn) - n mean(dn n)).
extern "C" __global__ void layerNormBackward(
    real* dx,
    const real* dout,
    const real* x,
    const float* g,
    const float* mean,
    const float* rstd,
    int rows,
    int c,
    int accumulate) {
  int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (r >= rows) {
    return;
  }
  const real* xRow = x + (index_t)r * c;
  const real* doutRow = dout + (index_t)r * c;
  real* dxRow = dx + (index_t)r * c;
  bool inPacks = c % PACK == 0 && packed(xRow, doutRow, dxRow);
  float mu = mean[r];
  float rs = rstd[r];
  float sum = 0;
  float along = 0;
  eachColumn(c, inPacks, [&](int j, bool pack) {
    float xs[PACK];
    float ds[PACK];
    int n = read(xs, xRow, j, pack);
    read(ds, doutRow, j, pack);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      if (i < n) {
        float dn = ds[i] * g[j + i];
        sum += dn;
        along += dn * ((xs[i] - mu) * rs);
      }
    }
  });
  sum = warpSum(sum) / c;
  along = warpSum(along) / c;
  eachColumn(c, inPacks, [&](int j, bool pack) {
    float xs[PACK];
    float ds[PACK];
    float before[PACK] = {};
    int n = read(xs, xRow, j, pack);
    read(ds, doutRow, j, pack);
    if (accumulate) {
      read(before, dxRow, j, pack);
    }
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      if (i < n) {
        float normal = (xs[i] - mu) * rs;
        ds[i] = before[i] + rs * (ds[i] * g[j + i] - sum - normal * along);
      }
    }
    write(dxRow, j, ds, pack);
  });
}
