// Attention over keys and values in pages (AttentionKernels.paged): the new rows, and a block for each query of each
// head.
#include "attention.cuh"

struct Paged {
  Rows<const real> q; // (rows, heads HEAD), as are the next three
  Rows<const real> k;
  Rows<const real> v;
  Rows<real> out;
  real* kPages; // (pages, size, c)
  real* vPages;
  const int* rows;   // (batch + 1)
  const int* starts; // (batch)
  const int* pages;  // (batch, width)
  int batch;
  int width;
  int size;
  int c;
  float scale; // of scores

  // The sequence that a row belongs to.
  __device__ int sequence(int row) const {
    int low = 0, high = batch - 1;
    while (low < high) {
      int middle = (low + high + 1) / 2;
      if (rows[middle] <= row) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  // Where position p of sequence b starts in either pool.
  __device__ index_t at(int b, int p) const {
    return ((index_t)pages[b * width + p / size] * size + p % size) * c;
  }
};

// Grid (rows).
extern "C" __global__ void appendPaged(const Paged a) {
  int row = blockIdx.x, b = a.sequence(row);
  index_t to = a.at(b, a.starts[b] + row - a.rows[b]);
  for (int j = threadIdx.x; j < a.c; j += blockDim.x) {
    a.kPages[to + j] = a.k.data[row * a.k.stride + j];
    a.vPages[to + j] = a.v.data[row * a.v.stride + j];
  }
}

constexpr int KEYS = 1024; // scored before their values are added up
constexpr int LANES = HEAD <= 32 ? 32 : HEAD <= 64 ? 64 : 128; // threads that have one number of a value row each
constexpr int TEAMS = 256 / LANES;

// Grid (rows, heads), 256 threads: a thread scores a key at a time, then teams of threads add up values.
extern "C" __global__ void __launch_bounds__(256) attentionPaged(const Paged a) {
  __shared__ float q[HEAD];
  __shared__ float weights[KEYS];
  __shared__ float parts[TEAMS][LANES];
  int row = blockIdx.x, column = blockIdx.y * HEAD, b = a.sequence(row);
  int team = threadIdx.x / LANES, d = threadIdx.x % LANES;
  if (threadIdx.x < HEAD) {
    q[threadIdx.x] = value(a.q.data[row * a.q.stride + column + threadIdx.x]) * a.scale;
  }
  int seen = a.starts[b] + row - a.rows[b] + 1;
  float max = minusInfinity(), sum = 0, o = 0;
  for (int from = 0; from < seen; from += KEYS) {
    int count = seen - from < KEYS ? seen - from : KEYS;
    __syncthreads(); // q is there, the weights before have been used
    float most = minusInfinity();
    for (int s = threadIdx.x; s < count; s += blockDim.x) {
      const real* key = a.kPages + a.at(b, from + s) + column;
      float score = 0;
      for (int i = 0; i < HEAD; i++) {
        score += value(key[i]) * q[i];
      }
      weights[s] = score;
      most = fmaxf(most, score);
    }
    most = fmaxf(max, blockMax(most));
    float shrink = exp2Fast((max - most) * LOG2E);
    max = most;
    float added = 0;
    for (int s = threadIdx.x; s < count; s += blockDim.x) {
      float weight = exp2Fast((weights[s] - most) * LOG2E);
      weights[s] = weight;
      added += weight;
    }
    sum = sum * shrink + blockSum(added); // which also waits for the weights
    o *= shrink;
    if (d < HEAD) {
      for (int s = team; s < count; s += TEAMS) {
        o += weights[s] * value(a.vPages[a.at(b, from + s) + column + d]);
      }
    }
  }
  parts[team][d] = o;
  __syncthreads();
  if (threadIdx.x < HEAD) {
    float total = 0;
#pragma unroll
    for (int i = 0; i < TEAMS; i++) {
      total += parts[i][threadIdx.x];
    }
    a.out.data[row * a.out.stride + column + threadIdx.x] = stored(total / sum);
  }
}
