// Pointwise nonlinearities (ActivationKernels).
#include "columns.cuh"

struct Relu {
  static __device__ float forward(float x) { return x > 0 ? x : (x != x ? x : 0.0f); }
  static __device__ float slope(float x) { return x > 0 ? 1.0f : 0.0f; }
};

#ifdef STORAGE_BF16
// How much of the normal distribution lies below x: of exp(-x^2 / 2), which falls off as it does on the negative side, a
// polynomial in 1 / (1 + 0.3765 |x|). Within 3e-5 of the exact value, relatively: a bfloat16 has steps of 4e-3 at best.
// Coefficients by linear programming over [0, 14].
struct GeluErf {
  struct Normal {
    float below;
    float peak; // exp(-x^2 / 2)
  };
  static __device__ Normal normal(float x) {
    float t = quotient(1, 1 + 0.3765f * fabsf(x));
    float tail = (((-0.0909646899f * t + 0.197980016f) * t + 0.0852789655f) * t + 0.158005863f) * t + 0.149685666f;
    float peak = exponential(-0.5f * x * x);
    tail *= t * peak;
    return Normal{x > 0 ? 1 - tail : tail, peak};
  }
  static __device__ float forward(float x) { return x * normal(x).below; }
  static __device__ float slope(float x) {
    Normal n = normal(x);
    return n.below + x * 0.39894228040143268f * n.peak;
  }
};
#else
// How much of the normal distribution lies below x is erfc(-x / sqrt 2) / 2: no cancellation on either side.
struct GeluErf {
  static __device__ float below(float x) { return 0.5f * erfcf(-0.70710678118654752f * x); }
  static __device__ float forward(float x) { return x * below(x); }
  static __device__ float slope(float x) { return below(x) + x * 0.39894228040143268f * exponential(-0.5f * x * x); }
};
#endif

// (1 + tanh u) / 2 is the logistic function of 2u; with the exponential of -|2u| nothing cancels or overflows.
struct GeluTanh {
  static __device__ float twice(float x) { return 2 * 0.79788456080286536f * (x + 0.044715f * x * x * x); }
  static __device__ float forward(float x) {
    float u2 = twice(x);
    float e = exponential(-fabsf(u2));
    return quotient(x * (u2 > 0 ? 1 : e), 1 + e);
  }
  static __device__ float slope(float x) {
    float u2 = twice(x);
    float e = exponential(-fabsf(u2));
    float part = quotient(1, 1 + e);
    float steep = 2 * 0.79788456080286536f * (1 + 3 * 0.044715f * x * x);
    return (u2 > 0 ? 1 : e) * part + x * steep * e * part * part;
  }
};

// With the exponential of -|x| nothing overflows.
struct Silu {
  static __device__ float forward(float x) {
    float e = exponential(-fabsf(x));
    return quotient(x * (x > 0 ? 1 : e), 1 + e);
  }
  static __device__ float slope(float x) {
    float e = exponential(-fabsf(x));
    float part = quotient(1, 1 + e);
    return (x > 0 ? 1 : e) * part + x * e * part * part;
  }
};

template <typename F>
__device__ inline void activate(real* out, const real* x, index_t n) {
  index_t packs = packed(out, x) ? n / PACK : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    Pack p = packAt(x, i);
    float numbers[PACK];
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      numbers[j] = F::forward(value(p.at[j]));
    }
    packAt(out, i) = packOf(numbers);
  }
  for (index_t i = packs * PACK + firstIndex(); i < n; i += indexStep()) {
    out[i] = stored(F::forward(value(x[i])));
  }
}

template <typename F>
__device__ inline void differentiate(real* dx, const real* dout, const real* x, index_t n) {
  index_t packs = packed(dx, dout, x) ? n / PACK : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    Pack p = packAt(x, i);
    Pack d = packAt(dout, i);
    float slopes[PACK];
#pragma unroll
    for (int j = 0; j < PACK; j++) {
      slopes[j] = value(d.at[j]) * F::slope(value(p.at[j]));
    }
    packAt(dx, i) = packOf(slopes);
  }
  for (index_t i = packs * PACK + firstIndex(); i < n; i += indexStep()) {
    dx[i] = stored(value(dout[i]) * F::slope(value(x[i])));
  }
}

// The same row by row, and partial sums of the columns of what is stored: the gradient of a bias.
template <typename F, bool inPacks>
struct Slopes {
  real* dx;
  const real* dout;
  const real* x;
  Columns<inPacks> columns;

  struct Loaded {
    Share<real> dout;
    Share<real> x;
  };

  __device__ Loaded load(int r, bool there) const {
    index_t row = (index_t)r * columns.c;
    return Loaded{columns.read(dout + row, blockIdx.x, there), columns.read(x + row, blockIdx.x, there)};
  }

  __device__ void add(const Loaded& share, int r, float (&sum)[PACK]) const {
    float slopes[PACK];
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      slopes[i] = share.dout[i] * F::slope(share.x[i]);
      sum[i] += value(stored(slopes[i]));
    }
    columns.write(dx + (index_t)r * columns.c, blockIdx.x, slopes);
  }
};

template <typename F>
__device__ inline void differentiateAndSum(
    float* partials, real* dx, const real* dout, const real* x, int rows, int c) {
  if (c % PACK == 0 && packed(dx, dout, x)) {
    sumStretch<true>(partials, rows, c, Slopes<F, true>{dx, dout, x, {c}});
  } else {
    sumStretch<false>(partials, rows, c, Slopes<F, false>{dx, dout, x, {c}});
  }
}

// On the grid of columnPartials, those that also sum.
extern "C" __global__ void relu(real* out, const real* x, index_t n) { activate<Relu>(out, x, n); }
extern "C" __global__ void reluBackward(real* dx, const real* dout, const real* x, index_t n) {
  differentiate<Relu>(dx, dout, x, n);
}
extern "C" __global__ void reluBackwardSums(
    float* partials, real* dx, const real* dout, const real* x, int rows, int c) {
  differentiateAndSum<Relu>(partials, dx, dout, x, rows, c);
}

extern "C" __global__ void geluErf(real* out, const real* x, index_t n) { activate<GeluErf>(out, x, n); }
extern "C" __global__ void geluErfBackward(real* dx, const real* dout, const real* x, index_t n) {
  differentiate<GeluErf>(dx, dout, x, n);
}
extern "C" __global__ void geluErfBackwardSums(
    float* partials, real* dx, const real* dout, const real* x, int rows, int c) {
  differentiateAndSum<GeluErf>(partials, dx, dout, x, rows, c);
}

extern "C" __global__ void geluTanh(real* out, const real* x, index_t n) { activate<GeluTanh>(out, x, n); }
extern "C" __global__ void geluTanhBackward(real* dx, const real* dout, const real* x, index_t n) {
  differentiate<GeluTanh>(dx, dout, x, n);
}
extern "C" __global__ void geluTanhBackwardSums(
    float* partials, real* dx, const real* dout, const real* x, int rows, int c) {
  differentiateAndSum<GeluTanh>(partials, dx, dout, x, rows, c);
}

extern "C" __global__ void silu(real* out, const real* x, index_t n) { activate<Silu>(out, x, n); }
extern "C" __global__ void siluBackward(real* dx, const real* dout, const real* x, index_t n) {
  differentiate<Silu>(dx, dout, x, n);
}
extern "C" __global__ void siluBackwardSums(
    float* partials, real* dx, const real* dout, const real* x, int rows, int c) {
  differentiateAndSum<Silu>(partials, dx, dout, x, rows, c);
}
