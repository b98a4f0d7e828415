// Attention over keys and values in pages (AttentionKernels.paged): the new rows of what is remembered, then what each
// new token sees.
#include "attention.cuh"

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

constexpr int KEYS = 1024; // scored before their values are added up
constexpr int LANES = HEAD <= 32 ? 32 : HEAD <= 64 ? 64 : 128; // threads that have one number of a value row each
constexpr int TEAMS = 256 / LANES;

// Grid (new tokens, heads), 256 threads: a thread scores a key at a time, then teams of threads add up values.
extern "C" __global__ void __launch_bounds__(256) attentionPaged(
    real* out, const Pages pages, const Rows<const real> queries, float scale) {
  __shared__ float q[HEAD];
  __shared__ float weights[KEYS];
  __shared__ float parts[TEAMS][LANES];
  int row = blockIdx.x, h = blockIdx.y;
  int b = pages.sequence(row);
  int seen = pages.position(b, row) + 1;
  const real* k = pages.k + h * HEAD;
  const real* v = pages.v + h * HEAD;
  bool inPacks = HEAD % PACK == 0 && pages.c % PACK == 0 && packed(k);
  int team = threadIdx.x / LANES, d = threadIdx.x % LANES;
  if (threadIdx.x < HEAD) {
    q[threadIdx.x] = value(queries.data[row * queries.stride + h * HEAD + threadIdx.x]) * scale;
  }
  float max = minusInfinity(), sum = 0, o = 0;
  for (int from = 0; from < seen; from += KEYS) {
    int count = seen - from < KEYS ? seen - from : KEYS;
    __syncthreads(); // q is there, the weights before have been used
    float most = minusInfinity();
    for (int s = threadIdx.x; s < count; s += blockDim.x) {
      const real* key = k + pages.at(b, from + s);
      float score = 0;
      if (inPacks) {
#pragma unroll
        for (int i = 0; i < HEAD / PACK; i++) {
          Pack p = packAt(key, i);
#pragma unroll
          for (int j = 0; j < PACK; j++) {
            score += value(p.at[j]) * q[i * PACK + j];
          }
        }
      } else {
        for (int i = 0; i < HEAD; i++) {
          score += value(key[i]) * q[i];
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
        o += weights[s] * value(v[pages.at(b, from + s) + d]);
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
    out[(index_t)row * pages.c + h * HEAD + threadIdx.x] = stored(total / sum);
  }
}
