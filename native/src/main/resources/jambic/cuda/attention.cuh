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

  __device__ int length(int b) const { return lengths == nullptr ? keys : 1 + inside(lengths[b] - 1, keys); }

  // How many keys, from the first, query t sees of a sequence of this length.
  __device__ int seen(int length, int t) const { return causal && t + 1 < length ? t + 1 : length; }

  __device__ index_t row(int b, int h, int t) const { return ((index_t)b * heads + h) * queries + t; }

  // Blocks of a mask that a query has: 16 for each 64 keys.
  __device__ unsigned long long masks() const { return (keys + 63) / 64 * 16; }

  // The first of them that belongs to 64 keys.
  __device__ unsigned long long mask(index_t row, int key) const { return row * masks() + key / 64 * 16; }
};

struct AttentionGradients {
  Rows<real> dq;
  Rows<real> dk;
  Rows<real> dv;
  Rows<const real> dout;
  float* delta; // (batch, heads, queries): dout · out
};
