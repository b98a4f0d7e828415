// Attention over remembered keys and values (AttentionKernels.cached and paged): the new rows of what is remembered, and
// decoding. Long pieces of caches go through the kernel `attention` with `starts`.
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

// What one query sees, by 256 threads: a thread scores a key at a time, then teams of threads add up values. Of key s the
// numbers start at(s) behind k, and of its value behind v.
template <typename At>
__device__ inline void decode(
    real* out, const real* query, const real* k, const real* v, int seen, float scale, bool inPacks, const At& at) {
  __shared__ float q[HEAD];
  __shared__ float weights[KEYS];
  __shared__ float parts[TEAMS][LANES];
  int team = threadIdx.x / LANES, d = threadIdx.x % LANES;
  if (threadIdx.x < HEAD) {
    q[threadIdx.x] = value(query[threadIdx.x]) * scale;
  }
  float max = minusInfinity(), sum = 0, o = 0;
  for (int from = 0; from < seen; from += KEYS) {
    int count = seen - from < KEYS ? seen - from : KEYS;
    __syncthreads(); // q is there, the weights before have been used
    float most = minusInfinity();
    for (int s = threadIdx.x; s < count; s += blockDim.x) {
      const real* row = k + at(from + s);
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
        o += weights[s] * value(v[at(from + s) + d]);
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
    out[threadIdx.x] = stored(total / sum);
  }
}

// Grid (queries, heads, batch), 256 threads.
extern "C" __global__ void __launch_bounds__(256) attentionDecode(const Attention a) {
  int t = blockIdx.x, h = blockIdx.y, b = blockIdx.z;
  const real* k = a.k.head(b, a.keys, h);
  index_t stride = a.k.stride;
  decode(
      a.out.head(b, a.queries, h) + t * a.out.stride,
      a.q.head(b, a.queries, h) + t * a.q.stride,
      k,
      a.v.head(b, a.keys, h),
      a.seen(b, t),
      a.scale,
      HEAD % PACK == 0 && stride % PACK == 0 && packed(k),
      [=](int s) { return s * stride; });
}

// Sequences of any lengths whose keys and values lie in pages.
struct Pages {
  real* k; // (count, size, c)
  real* v;
  const int* rows;   // (batch + 1): where the new tokens of each sequence start
  const int* starts; // (batch): how many are remembered
  const int* table;  // (batch, length): the pages of each sequence
  int batch;
  int length;
  int size;
  int count;
  int c;

  // The sequence of a new token.
  __device__ int sequence(int row) const {
    int b = 0;
    while (b + 1 < batch && rows[b + 1] <= row) {
      b++;
    }
    return b;
  }

  // Where a position of a sequence lies.
  __device__ index_t at(int b, int position) const {
    int page = inside(table[(index_t)b * length + inside(position / size, length)], count);
    return ((index_t)page * size + position % size) * c;
  }

  __device__ int position(int b, int row) const { return inside(starts[b] + row - rows[b], length * size); }
};

// A block for each new token.
extern "C" __global__ void appendPaged(const Pages pages, const Rows<const real> k, const Rows<const real> v) {
  int row = blockIdx.x;
  int b = pages.sequence(row);
  index_t to = pages.at(b, pages.position(b, row));
  for (int j = threadIdx.x; j < pages.c; j += blockDim.x) {
    pages.k[to + j] = k.data[row * k.stride + j];
    pages.v[to + j] = v.data[row * v.stride + j];
  }
}

// Grid (new tokens, heads), 256 threads.
extern "C" __global__ void __launch_bounds__(256) attentionPaged(
    real* out, const Pages pages, const Rows<const real> q, float scale) {
  int row = blockIdx.x, h = blockIdx.y;
  int b = pages.sequence(row);
  const real* k = pages.k + h * HEAD;
  decode(
      out + (index_t)row * pages.c + h * HEAD,
      q.data + row * q.stride + h * HEAD,
      k,
      pages.v + h * HEAD,
      pages.position(b, row) + 1,
      scale,
      HEAD % PACK == 0 && pages.c % PACK == 0 && packed(k),
      [&](int s) { return pages.at(b, s); });
}
