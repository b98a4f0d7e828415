#pragma once
// What the kernels of attention have in common (AttentionKernels); HEAD is the head size, at most 128.
#ifndef HEAD
#define HEAD 64
#endif
#include "dropout.cuh"
#include "reduce.cuh"
#include "storage.cuh"

constexpr float LOG2E = 1.4426950408889634f;

// A tensor of (batch, rows, heads HEAD) that may be columns of a wider one.
template <typename T>
struct Rows {
  T* data;
  index_t stride; // of a row, in elements

  __device__ T* head(int b, int rows, int h) const { return data + (index_t)b * rows * stride + h * HEAD; }
};

struct Attention {
  Rows<const real> q; // (batch, queries, heads HEAD)
  Rows<const real> k; // (batch, keys, heads HEAD)
  Rows<const real> v;
  Rows<real> out;     // (batch, queries, heads HEAD)
  float* lse;         // (batch, heads, queries), or null
  const int* lengths; // (batch): keys at or past it are padding; or null
  int heads;
  int queries;
  int keys;
  int causal;
  float scale; // of scores
  Dropout dropout;

  __device__ int length(int b) const { return lengths == nullptr || lengths[b] > keys ? keys : lengths[b]; }

  // How many keys, from the first, query t sees.
  __device__ int seen(int b, int t) const {
    int limit = length(b);
    return causal && t + 1 < limit ? t + 1 : limit;
  }

  __device__ index_t row(int b, int h, int t) const { return ((index_t)b * heads + h) * queries + t; }

  // The first block of a mask that belongs to 64 keys of a query.
  __device__ unsigned long long mask(index_t row, int key) const {
    return (row * ((keys + 63) / 64) + key / 64) * 16;
  }
};

struct AttentionGradients {
  Rows<real> dq;
  Rows<real> dk;
  Rows<real> dv;
  Rows<const real> dout;
  float* delta; // (batch, heads, queries): dout · out
};

// A warp for each row of each head; blocks of 128 threads.
extern "C" __global__ void attentionDelta(const Attention a, const AttentionGradients g, int rows) {
  int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; // (batch, queries, heads): neighbours in memory
  if (r >= rows) {
    return;
  }
  int h = r % a.heads;
  int t = r / a.heads % a.queries;
  int b = r / a.heads / a.queries;
  const real* out = a.out.head(b, a.queries, h) + t * a.out.stride;
  const real* dout = g.dout.head(b, a.queries, h) + t * g.dout.stride;
  float sum = 0;
  for (int d = threadIdx.x % 32; d < HEAD; d += 32) {
    sum += value(out[d]) * value(dout[d]);
  }
  sum = warpSum(sum);
  if (threadIdx.x % 32 == 0) {
    g.delta[a.row(b, h, t)] = sum;
  }
}
