// The update of parameters (OptimizerKernels). Parameters, gradients and moments are 32-bit floats.
#include "lists.cuh"
#include "reduce.cuh"
#include "storage.cuh"

// The sum of squares of each chunk.
extern "C" __global__ void sumSquares(float* sums, const index_t* table, int count) {
  Lists grads{table, count};
  Chunk chunk = grads.chunk(blockIdx.x);
  const float* g = grads.data<const float>(0, chunk.tensor) + chunk.from;
  int n = (int)(chunk.to - chunk.from);
  int packs = packed(g) ? n / 4 : 0;
  float sum = 0;
  for (int i = threadIdx.x; i < packs; i += blockDim.x) {
    PackOf<float> x = packAt(g, i);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      sum += x.at[j] * x.at[j];
    }
  }
  for (int i = packs * 4 + threadIdx.x; i < n; i += blockDim.x) {
    sum += g[i] * g[i];
  }
  sum = blockSum(sum);
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = sum;
  }
}

// One block: the root of all sums, and the factor that brings it down to maxNorm.
extern "C" __global__ void __launch_bounds__(1024) clipScale(
    float* norm, float* scale, const float* sums, int count, float maxNorm) {
  double sum = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    sum += sums[i];
  }
  sum = blockSum(sum);
  if (threadIdx.x == 0) {
    double root = sqrt(sum);
    *norm = (float)root;
    double factor = maxNorm / (root + 1e-6);
    *scale = maxNorm == 0 || factor > 1 ? 1.0f : (float)factor; // NaN stays NaN
  }
}

struct AdamW {
  float lr, c1, c2, clip, beta1, rest1, beta2, rest2, eps, weightDecay; // rest is 1 - beta

  __device__ void update(float& p, float& m, float& v, float grad) const {
    float g = grad * clip;
    m = beta1 * m + rest1 * g;
    v = beta2 * v + rest2 * g * g;
    p = p - lr * weightDecay * p - lr * (m / c1) / (sqrtf(v / c2) + eps);
  }
};

// Lists: parameters, first moments, second moments, gradients, and the parameters' copies in bfloat16, or null.
extern "C" __global__ void adamW(
    const index_t* table,
    int count,
    const float* hyper,
    const float* scale,
    float beta1,
    float rest1,
    float beta2,
    float rest2,
    float eps,
    float weightDecay) {
  AdamW adam{hyper[0], hyper[1], hyper[2], *scale, beta1, rest1, beta2, rest2, eps, weightDecay};
  Lists tensors{table, count};
  Chunk chunk = tensors.chunk(blockIdx.x);
  float* ps = tensors.data<float>(0, chunk.tensor) + chunk.from;
  float* ms = tensors.data<float>(1, chunk.tensor) + chunk.from;
  float* vs = tensors.data<float>(2, chunk.tensor) + chunk.from;
  const float* gs = tensors.data<const float>(3, chunk.tensor) + chunk.from;
  unsigned short* copies = tensors.data<unsigned short>(4, chunk.tensor);
  unsigned short* copy = copies ? copies + chunk.from : nullptr;
  int n = (int)(chunk.to - chunk.from);
  int packs = packed(ps, ms, vs, gs) ? n / 4 : 0;
  for (int i = threadIdx.x; i < packs; i += blockDim.x) {
    PackOf<float> p = packAt(ps, i), m = packAt(ms, i), v = packAt(vs, i);
    const PackOf<float> g = packAt(gs, i);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      adam.update(p.at[j], m.at[j], v.at[j], g.at[j]);
    }
    packAt(ps, i) = p;
    packAt(ms, i) = m;
    packAt(vs, i) = v;
    if (copy) {
      reinterpret_cast<uint2*>(copy)[i] = make_uint2(narrow2(p.at[0], p.at[1]), narrow2(p.at[2], p.at[3]));
    }
  }
  for (int i = packs * 4 + threadIdx.x; i < n; i += blockDim.x) {
    adam.update(ps[i], ms[i], vs[i], gs[i]);
    if (copy) {
      copy[i] = narrow(ps[i]);
    }
  }
}

// The direction of Muon: Nesterov momentum.
extern "C" __global__ void momentum(
    float* out, float* m, const float* grad, const float* scale, float beta, float rest, index_t n) {
  float clip = *scale;
  index_t packs = packed(out, m, grad) ? n / 4 : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    PackOf<float> mean = packAt(m, i), direction;
    const PackOf<float> g = packAt(grad, i);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      float share = rest * (g.at[j] * clip);
      mean.at[j] = beta * mean.at[j] + share;
      direction.at[j] = share + beta * mean.at[j];
    }
    packAt(m, i) = mean;
    packAt(out, i) = direction;
  }
  for (index_t i = packs * 4 + firstIndex(); i < n; i += indexStep()) {
    float share = rest * (grad[i] * clip);
    float mean = beta * m[i] + share;
    m[i] = mean;
    out[i] = share + beta * mean;
  }
}

// out = x / (norm + eps)
extern "C" __global__ void normalize(float* out, const float* x, const float* norm, float eps, index_t n) {
  float divisor = *norm + eps;
  index_t packs = packed(out, x) ? n / 4 : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    PackOf<float> pack = packAt(x, i);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      pack.at[j] /= divisor;
    }
    packAt(out, i) = pack;
  }
  for (index_t i = packs * 4 + firstIndex(); i < n; i += indexStep()) {
    out[i] = x[i] / divisor;
  }
}

// out = a x + b y
__device__ inline void sumOf(float* out, const float* x, const float* y, float a, float b, index_t n) {
  index_t packs = packed(out, x, y) ? n / 4 : 0;
  for (index_t i = firstIndex(); i < packs; i += indexStep()) {
    PackOf<float> sum = packAt(x, i);
    const PackOf<float> other = packAt(y, i);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      sum.at[j] = a * sum.at[j] + b * other.at[j];
    }
    packAt(out, i) = sum;
  }
  for (index_t i = packs * 4 + firstIndex(); i < n; i += indexStep()) {
    out[i] = a * x[i] + b * y[i];
  }
}

extern "C" __global__ void weightedSum(float* out, const float* x, const float* y, float a, float b, index_t n) {
  sumOf(out, x, y, a, b, n);
}

// p = p (1 - lr decay) - lr factor direction
extern "C" __global__ void descend(
    float* param, const float* direction, const float* hyper, float factor, float weightDecay, index_t n) {
  float lr = *hyper;
  sumOf(param, param, direction, 1 - lr * weightDecay, -lr * factor, n);
}
