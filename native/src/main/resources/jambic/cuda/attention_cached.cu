// Attention over remembered keys and values (AttentionKernels.cached): the caches' new rows, and decoding. Long pieces
// go through the kernel `attention` with `starts`.
#include "attention.cuh"

// Grid (queries, batch): k and v of each token to its place in the caches.
extern "C" __global__ void appendCached(
    real* kCache, real* vCache, const Rows<const real> k, const Rows<const real> v, const int* starts, int cached, int c) {
  int t = blockIdx.x, b = blockIdx.y;
  index_t to = ((index_t)b * cached + inside(starts[b] + t, cached)) * c;
  index_t from = (index_t)b * gridDim.x + t;
  for (int j = threadIdx.x; j < c; j += blockDim.x) {
    kCache[to + j] = k.data[from * k.stride + j];
    vCache[to + j] = v.data[from * v.stride + j];
  }
}

constexpr int KEYS = 1024; // scored before their values are added up
constexpr int LANES = HEAD <= 32 ? 32 : HEAD <= 64 ? 64 : 128; // threads that have one number of a value row each
constexpr int TEAMS = 256 / LANES;

// Grid (queries, heads, batch), 256 threads: a thread scores a key at a time, then teams of threads add up values.
extern "C" __global__ void __launch_bounds__(256) attentionDecode(const Attention a) {
  __shared__ float q[HEAD];
  __shared__ float weights[KEYS];
  __shared__ float parts[TEAMS][LANES];
  int t = blockIdx.x, h = blockIdx.y, b = blockIdx.z;
  const real* k = a.k.head(b, a.keys, h);
  const real* v = a.v.head(b, a.keys, h);
  int team = threadIdx.x / LANES, d = threadIdx.x % LANES;
  if (threadIdx.x < HEAD) {
    q[threadIdx.x] = value(a.q.head(b, a.queries, h)[t * a.q.stride + threadIdx.x]) * a.scale;
  }
  bool inPacks = HEAD % PACK == 0 && a.k.stride % PACK == 0 && packed(k);
  int seen = a.seen(b, t);
  float max = minusInfinity(), sum = 0, o = 0;
  for (int from = 0; from < seen; from += KEYS) {
    int count = seen - from < KEYS ? seen - from : KEYS;
    __syncthreads(); // q is there, the weights before have been used
    float most = minusInfinity();
    for (int s = threadIdx.x; s < count; s += blockDim.x) {
      const real* row = k + (from + s) * a.k.stride;
      float score = 0;
      if (inPacks) {
#pragma unroll
        for (int i = 0; i < HEAD / PACK; i++) {
          Pack p = packAt(row, i);
#pragma unroll
          for (int j = 0; j < PACK; j++) {
            score += value(p.at[j]) * q[i * PACK + j];
          }
        }
      } else {
        for (int i = 0; i < HEAD; i++) {
          score += value(row[i]) * q[i];
        }
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
#pragma unroll 8
      for (int s = team; s < count; s += TEAMS) {
        o += weights[s] * value(v[(from + s) * a.v.stride + d]);
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
    a.out.head(b, a.queries, h)[t * a.out.stride + threadIdx.x] = stored(total / sum);
  }
}
