// Attention in 32 bits, tile by tile with the online softmax of FlashAttention (Dao et al., 2022). 256 threads are 16 x
// 16: thread (y, x) has of a tile the rows y, y + 16, ... and the columns x, x + 16, ....
#include "attention.cuh"

constexpr int TILE = HEAD <= 64 ? 64 : 32; // queries, and keys
constexpr int N = TILE / 16;
constexpr int D = (HEAD + 15) / 16;
constexpr int WIDTH = HEAD | 1;  // odd: a column of rows lies in 16 banks
constexpr int SQUARE = TILE + 1; // the same for scores

extern __shared__ float memory[];

// Rows [from, from + TILE) of a head; those at or past `end` are zeros.
__device__ inline void loadTile(float* tile, const float* x, index_t stride, int from, int end) {
  for (int i = threadIdx.x; i < TILE * HEAD; i += blockDim.x) {
    int r = i / HEAD;
    int d = i % HEAD;
    tile[r * WIDTH + d] = from + r < end ? x[(from + r) * stride + d] : 0;
  }
}

// to[i][j] = row y + 16 i of a · row x + 16 j of b
__device__ inline void dots(float (&to)[N][N], const float* a, const float* b, int y, int x) {
#pragma unroll
  for (int i = 0; i < N; i++) {
#pragma unroll
    for (int j = 0; j < N; j++) {
      to[i][j] = 0;
    }
  }
#pragma unroll 4
  for (int d = 0; d < HEAD; d++) {
    float as[N], bs[N];
#pragma unroll
    for (int i = 0; i < N; i++) {
      as[i] = a[(y + 16 * i) * WIDTH + d];
      bs[i] = b[(x + 16 * i) * WIDTH + d];
    }
#pragma unroll
    for (int i = 0; i < N; i++) {
#pragma unroll
      for (int j = 0; j < N; j++) {
        to[i][j] += as[i] * bs[j];
      }
    }
  }
}

// to[i][j] += sum over s of weights(y + 16 i, s) row s of x at x + 16 j; the weights of a row ROW apart, of a column
// COLUMN.
template <int ROW, int COLUMN>
__device__ inline void addWeighted(float (&to)[N][D], const float* weights, const float* rows, int y, int x) {
#pragma unroll 4
  for (int s = 0; s < TILE; s++) {
    float ws[N], vs[D];
#pragma unroll
    for (int i = 0; i < N; i++) {
      ws[i] = weights[(y + 16 * i) * ROW + s * COLUMN];
    }
#pragma unroll
    for (int j = 0; j < D; j++) {
      vs[j] = x + 16 * j < HEAD ? rows[s * WIDTH + x + 16 * j] : 0;
    }
#pragma unroll
    for (int i = 0; i < N; i++) {
#pragma unroll
      for (int j = 0; j < D; j++) {
        to[i][j] += ws[i] * vs[j];
      }
    }
  }
}

// Rows [from, end) of a head from what the threads have of them.
__device__ inline void storeTile(
    float* to, index_t stride, const float (&from)[N][D], const float (&factors)[N], int first, int end, int y, int x) {
#pragma unroll
  for (int i = 0; i < N; i++) {
#pragma unroll
    for (int j = 0; j < D; j++) {
      if (first + y + 16 * i < end && x + 16 * j < HEAD) {
        to[(first + y + 16 * i) * stride + x + 16 * j] = from[i][j] * factors[i];
      }
    }
  }
}

// The dropout factors of a query at keys x, x + 16, ... of a tile.
__device__ inline void maskOf(float (&to)[N], const Attention& a, unsigned step, index_t row, int firstKey, int x) {
  if (a.dropout.threshold == 0) {
#pragma unroll
    for (int j = 0; j < N; j++) {
      to[j] = 1;
    }
    return;
  }
  Words words = drawBlock(a.dropout, step, a.mask(row, firstKey) + x);
#pragma unroll
  for (int j = 0; j < N; j++) {
    unsigned word = N == 4 || firstKey % 64 == 0 ? words.at[j] : words.at[j + 2]; // a tile is all or half of 64 keys
    to[j] = factor(a.dropout, word);
  }
}

// Grid (tiles of queries, heads, batch); shared memory for 3 tiles and the scores.
extern "C" __global__ void __launch_bounds__(256) attention(const Attention a) {
  float* qs = memory;
  float* ks = qs + TILE * WIDTH;
  float* vs = ks + TILE * WIDTH;
  float* ps = vs + TILE * WIDTH;
  int x = threadIdx.x % 16, y = threadIdx.x / 16;
  int h = blockIdx.y, b = blockIdx.z;
  int first = blockIdx.x * TILE;
  int past = first + TILE < a.queries ? first + TILE : a.queries;
  unsigned step = a.dropout.threshold == 0 ? 0 : *a.dropout.step;
  loadTile(qs, a.q.head(b, a.queries, h), a.q.stride, first, past);
  float o[N][D] = {};
  float max[N], sum[N];
#pragma unroll
  for (int i = 0; i < N; i++) {
    max[i] = minusInfinity();
    sum[i] = 0;
  }
  int end = a.seen(a.length(b), past - 1);
  for (int from = 0; from < end; from += TILE) {
    __syncthreads();
    loadTile(ks, a.k.head(b, a.keys, h), a.k.stride, from, end);
    loadTile(vs, a.v.head(b, a.keys, h), a.v.stride, from, end);
    __syncthreads();
    float p[N][N];
    dots(p, qs, ks, y, x);
#pragma unroll
    for (int i = 0; i < N; i++) {
      int t = first + y + 16 * i;
      int seen = t < past ? a.seen(a.length(b), t) : 0;
      float most = max[i];
#pragma unroll
      for (int j = 0; j < N; j++) {
        p[i][j] = from + x + 16 * j < seen ? p[i][j] * a.scale : minusInfinity();
        most = fmaxf(most, p[i][j]);
      }
      most = warpMax<16>(most);
      float base = most == minusInfinity() ? 0 : most; // a row of none: exponentials of -infinity are 0
      float shrink = exp2Fast((max[i] - base) * LOG2E);
      max[i] = most;
      float mask[N];
      maskOf(mask, a, step, a.row(b, h, t), from, x);
      float added = 0;
#pragma unroll
      for (int j = 0; j < N; j++) {
        float weight = exp2Fast((p[i][j] - base) * LOG2E);
        added += weight;
        ps[(y + 16 * i) * SQUARE + x + 16 * j] = weight * mask[j];
      }
      sum[i] = sum[i] * shrink + warpSum<16>(added);
#pragma unroll
      for (int j = 0; j < D; j++) {
        o[i][j] *= shrink;
      }
    }
    __syncthreads();
    addWeighted<SQUARE, 1>(o, ps, vs, y, x);
  }
  float factors[N];
#pragma unroll
  for (int i = 0; i < N; i++) {
    int t = first + y + 16 * i;
    factors[i] = 1 / sum[i];
    if (x == 0 && t < past && a.lse != nullptr) {
      a.lse[a.row(b, h, t)] = max[i] + logf(sum[i]);
    }
  }
  storeTile(a.out.head(b, a.queries, h), a.out.stride, o, factors, first, past, y, x);
}

// Of a tile of queries (y) and keys (x): the weights p with their mask, and ds, the gradient of the scores but for
// their scale.
__device__ inline void weigh(
    float (&weights)[N][N],
    float (&ds)[N][N],
    const Attention& a,
    const AttentionGradients& g,
    unsigned step,
    int b,
    int h,
    int firstQuery,
    int firstKey,
    int y,
    int x) {
#pragma unroll
  for (int i = 0; i < N; i++) {
    int t = firstQuery + y + 16 * i;
    bool there = t < a.queries;
    index_t row = a.row(b, h, t);
    int seen = there ? a.seen(a.length(b), t) : 0;
    float lse = there ? a.lse[row] : 0;
    float delta = there ? g.delta[row] : 0;
    float mask[N];
    maskOf(mask, a, step, row, firstKey, x);
#pragma unroll
    for (int j = 0; j < N; j++) {
      float p = firstKey + x + 16 * j < seen ? exp2Fast((weights[i][j] * a.scale - lse) * LOG2E) : 0;
      ds[i][j] = p * (mask[j] * ds[i][j] - delta);
      weights[i][j] = p * mask[j];
    }
  }
}

__device__ inline void storeSquare(float* square, const float (&from)[N][N], int y, int x) {
#pragma unroll
  for (int i = 0; i < N; i++) {
#pragma unroll
    for (int j = 0; j < N; j++) {
      square[(y + 16 * i) * SQUARE + x + 16 * j] = from[i][j];
    }
  }
}

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

// dq = ds k. Grid (tiles of queries, heads, batch); shared memory for 4 tiles and one square.
extern "C" __global__ void __launch_bounds__(256) attentionQueries(const Attention a, const AttentionGradients g) {
  float* qs = memory;
  float* ds = qs + TILE * WIDTH; // of out
  float* ks = ds + TILE * WIDTH;
  float* vs = ks + TILE * WIDTH;
  float* square = vs + TILE * WIDTH;
  int x = threadIdx.x % 16, y = threadIdx.x / 16;
  int h = blockIdx.y, b = blockIdx.z;
  int first = blockIdx.x * TILE;
  int past = first + TILE < a.queries ? first + TILE : a.queries;
  unsigned step = a.dropout.threshold == 0 ? 0 : *a.dropout.step;
  loadTile(qs, a.q.head(b, a.queries, h), a.q.stride, first, past);
  loadTile(ds, g.dout.head(b, a.queries, h), g.dout.stride, first, past);
  float dq[N][D] = {};
  int end = a.seen(a.length(b), past - 1);
  for (int from = 0; from < end; from += TILE) {
    __syncthreads();
    loadTile(ks, a.k.head(b, a.keys, h), a.k.stride, from, end);
    loadTile(vs, a.v.head(b, a.keys, h), a.v.stride, from, end);
    __syncthreads();
    float weights[N][N], dscores[N][N];
    dots(weights, qs, ks, y, x);
    dots(dscores, ds, vs, y, x);
    weigh(weights, dscores, a, g, step, b, h, first, from, y, x);
    storeSquare(square, dscores, y, x);
    __syncthreads();
    addWeighted<SQUARE, 1>(dq, square, ks, y, x);
  }
  float factors[N];
#pragma unroll
  for (int i = 0; i < N; i++) {
    factors[i] = a.scale;
  }
  storeTile(g.dq.head(b, a.queries, h), g.dq.stride, dq, factors, first, past, y, x);
}

// dv = weightsᵀ dout, dk = dsᵀ q. Grid (tiles of keys, heads, batch); shared memory for 4 tiles and two squares.
extern "C" __global__ void __launch_bounds__(256) attentionKeys(const Attention a, const AttentionGradients g) {
  float* ks = memory;
  float* vs = ks + TILE * WIDTH;
  float* qs = vs + TILE * WIDTH;
  float* ds = qs + TILE * WIDTH; // of out
  float* square = ds + TILE * WIDTH;
  float* dsquare = square + TILE * SQUARE;
  int x = threadIdx.x % 16, y = threadIdx.x / 16;
  int h = blockIdx.y, b = blockIdx.z;
  int first = blockIdx.x * TILE;
  int past = first + TILE < a.keys ? first + TILE : a.keys;
  unsigned step = a.dropout.threshold == 0 ? 0 : *a.dropout.step;
  loadTile(ks, a.k.head(b, a.keys, h), a.k.stride, first, past);
  loadTile(vs, a.v.head(b, a.keys, h), a.v.stride, first, past);
  float dk[N][D] = {};
  float dv[N][D] = {};
  int begin = a.causal ? first : 0; // earlier queries see none of these keys
  for (int from = begin; from < a.queries && first < a.length(b); from += TILE) {
    __syncthreads();
    loadTile(qs, a.q.head(b, a.queries, h), a.q.stride, from, a.queries);
    loadTile(ds, g.dout.head(b, a.queries, h), g.dout.stride, from, a.queries);
    __syncthreads();
    float weights[N][N], dscores[N][N];
    dots(weights, qs, ks, y, x);
    dots(dscores, ds, vs, y, x);
    weigh(weights, dscores, a, g, step, b, h, from, first, y, x);
    storeSquare(square, weights, y, x);
    storeSquare(dsquare, dscores, y, x);
    __syncthreads();
    addWeighted<1, SQUARE>(dv, square, ds, y, x);
    addWeighted<1, SQUARE>(dk, dsquare, qs, y, x);
  }
  float ones[N], factors[N];
#pragma unroll
  for (int i = 0; i < N; i++) {
    ones[i] = 1;
    factors[i] = a.scale;
  }
  storeTile(g.dk.head(b, a.keys, h), g.dk.stride, dk, factors, first, past, y, x);
  storeTile(g.dv.head(b, a.keys, h), g.dv.stride, dv, ones, first, past, y, x);
}
