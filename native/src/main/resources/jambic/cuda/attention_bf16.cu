// Attention in bfloat16 on tensor cores, with the online softmax of FlashAttention-2 (Dao, 2023). 4 warps; a warp has
// 16 rows, or twice 16, of what its block owns: queries in `attention` and `attentionQueries`, keys in `attentionKeys`.
// Keys and queries pass by in tiles of 64. Sums of gradients stay with the block that owns them, so the scores are
// computed twice on the way back and nothing is added atomically.
#ifndef STORAGE_BF16
#define STORAGE_BF16
#endif
#include "attention.cuh"

constexpr int TILE = 64;
constexpr int WIDTH = (HEAD + 15) / 16 * 16; // of a row in shared memory: columns beyond HEAD are zeros
constexpr int PITCH = WIDTH + 8;             // an odd number of 16 bytes: eight rows lie in all banks
constexpr int STEPS = WIDTH / 16;            // of a product along a row
constexpr int PIECES = HEAD <= 64 ? 2 : 1;   // of 16 queries a warp has: each key read serves all of them
constexpr int QUERIES = 64 * PIECES;         // of a block

extern __shared__ uint4 memory[]; // 16 bytes aligned

// Rows [from, from + ROWS) of a head; those at or past `end` are zeros. Copies go on in the background.
template <int ROWS>
__device__ inline void loadTile(real* tile, const real* x, index_t stride, int from, int end) {
  bool aligned = HEAD % 8 == 0 && stride % 8 == 0 && packed(x);
  if (aligned) {
    for (int i = threadIdx.x; i < ROWS * (WIDTH / 8); i += blockDim.x) {
      int r = i / (WIDTH / 8);
      int d = i % (WIDTH / 8) * 8;
      bool there = from + r < end && d < HEAD;
      beginCopy(tile + r * PITCH + d, there ? x + (from + r) * stride + d : x, there);
    }
  } else {
    for (int i = threadIdx.x; i < ROWS * WIDTH; i += blockDim.x) {
      int r = i / WIDTH;
      int d = i % WIDTH;
      tile[r * PITCH + d] = from + r < end && d < HEAD ? x[(from + r) * stride + d] : real{0};
    }
  }
}

// The address that a lane gives for 16 x 16 numbers at (row, column) of a tile. ByRows: the second 8 x 8 matrix lies
// below the first and the third beside it; else the second lies beside and the third below.
template <bool BY_ROWS>
__device__ inline const real* square(const real* tile, int row, int column) {
  int lane = threadIdx.x % 32;
  int low = lane / 8 % 2 * 8;
  int high = lane / 16 * 8;
  return tile + (row + lane % 8 + (BY_ROWS ? low : high)) * PITCH + column + (BY_ROWS ? high : low);
}

// The left side of a product: 16 rows of a tile, all columns.
__device__ inline void loadLeft(unsigned (&to)[STEPS][4], const real* tile, int row) {
#pragma unroll
  for (int i = 0; i < STEPS; i++) {
    loadMatrices(to[i], square<true>(tile, row, i * 16));
  }
}

// to (16, 16) = left · rows [row, row + 16) of a tile, as two halves of 8 columns.
template <int LEFTS>
__device__ inline void dots(float (&to)[LEFTS][2][4], const unsigned (&left)[LEFTS][STEPS][4], const real* tile, int row) {
#pragma unroll
  for (int m = 0; m < LEFTS; m++) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
      to[m][i / 4][i % 4] = 0;
    }
  }
#pragma unroll
  for (int i = 0; i < STEPS; i++) {
    unsigned right[4];
    loadMatrices(right, square<false>(tile, row, i * 16));
#pragma unroll
    for (int m = 0; m < LEFTS; m++) {
      multiply(to[m][0], left[m][i], right[0], right[1]);
      multiply(to[m][1], left[m][i], right[2], right[3]);
    }
  }
}

// to (16, WIDTH) += weights (16, 16) rows [row, row + 16) of a tile.
template <int LEFTS>
__device__ inline void addWeighted(
    float (&to)[LEFTS][2 * STEPS][4], const unsigned (&weights)[LEFTS][4], const real* tile, int row) {
#pragma unroll
  for (int i = 0; i < STEPS; i++) {
    unsigned right[4];
    loadTransposed(right, square<true>(tile, row, i * 16));
#pragma unroll
    for (int m = 0; m < LEFTS; m++) {
      multiply(to[m][2 * i], weights[m], right[0], right[1]);
      multiply(to[m][2 * i + 1], weights[m], right[2], right[3]);
    }
  }
}

// A (16, 16) result as the left side of the next product.
__device__ inline void asLeft(unsigned (&to)[4], const float (&from)[2][4]) {
  to[0] = narrow2(from[0][0], from[0][1]);
  to[1] = narrow2(from[0][2], from[0][3]);
  to[2] = narrow2(from[1][0], from[1][1]);
  to[3] = narrow2(from[1][2], from[1][3]);
}

// A lane's numbers of (16, WIDTH), its two rows times their factors, to rows [first, end) of a head.
__device__ inline void storeRows(
    real* to, index_t stride, const float (&from)[2 * STEPS][4], float upper, float lower, int first, int end) {
  int lane = threadIdx.x % 32;
  bool inPairs = HEAD % 2 == 0 && stride % 2 == 0 && (unsigned long long)to % 4 == 0;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    int r = first + lane / 4 + 8 * half;
    float factor = half == 0 ? upper : lower;
    if (r < end) {
#pragma unroll
      for (int j = 0; j < 2 * STEPS; j++) {
        int d = j * 8 + lane % 4 * 2;
        real* at = to + r * stride + d;
        float x0 = from[j][2 * half] * factor;
        float x1 = from[j][2 * half + 1] * factor;
        if (inPairs && d < HEAD) {
          *reinterpret_cast<unsigned*>(at) = narrow2(x0, x1);
        } else {
          if (d < HEAD) {
            at[0] = stored(x0);
          }
          if (d + 1 < HEAD) {
            at[1] = stored(x1);
          }
        }
      }
    }
  }
}

// Which of a lane's 16 weights of a query and 64 keys are kept: bit 2 j + i is key 8 j + 2 (lane % 4) + i.
__device__ inline unsigned keptOf(const Attention& a, unsigned step, index_t row, int firstKey) {
  unsigned long long first = a.mask(row, firstKey) + threadIdx.x % 4 * 2;
  unsigned bits = 0;
#pragma unroll
  for (int odd = 0; odd < 2; odd++) { // keys 8 to 15 of every 16
#pragma unroll
    for (int i = 0; i < 2; i++) {
      Words words = drawBlock(a.dropout, step, first + 8 * odd + i);
#pragma unroll
      for (int w = 0; w < 4; w++) {
        bits |= (unsigned)kept(a.dropout, words.at[w]) << (2 * (2 * w + odd) + i);
      }
    }
  }
  return bits;
}

// Grid (blocks of queries, the last first: they have the most to do; heads; batch); shared memory for two
// tiles each of keys and values; the second ones take the place of the queries once these are in registers.
extern "C" __global__ void __launch_bounds__(128) attention(const Attention a) {
  real* stages[2] = {(real*)memory, (real*)memory + 2 * TILE * PITCH};
  real* qs = stages[1];
  int lane = threadIdx.x % 32;
  int h = blockIdx.y, b = blockIdx.z;
  int first = (gridDim.x - 1 - blockIdx.x) * QUERIES;
  int past = first + QUERIES < a.queries ? first + QUERIES : a.queries;
  int mine = first + threadIdx.x / 32 * 16 * PIECES;
  const real* k = a.k.head(b, a.keys, h);
  const real* v = a.v.head(b, a.keys, h);
  bool drops = a.dropout.threshold != 0;
  unsigned step = drops ? *a.dropout.step : 0;
  int end = a.seen(b, past - 1);
  int whole = a.seen(b, first); // tiles before this key are seen by all queries of the block
  float scale = a.scale * LOG2E;

  loadTile<QUERIES>(qs, a.q.head(b, a.queries, h), a.q.stride, first, past);
  loadTile<TILE>(stages[0], k, a.k.stride, 0, end);
  loadTile<TILE>(stages[0] + TILE * PITCH, v, a.v.stride, 0, end);
  endCopies();
  awaitCopies<0>();
  __syncthreads();
  unsigned q[PIECES][STEPS][4];
  float o[PIECES][2 * STEPS][4] = {};
  float max[PIECES][2], sum[PIECES][2];
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
    loadLeft(q[m], qs, mine - first + 16 * m);
    max[m][0] = max[m][1] = minusInfinity();
    sum[m][0] = sum[m][1] = 0;
  }

  for (int from = 0, stage = 0; from < end; from += TILE, stage ^= 1) {
    awaitCopies<0>();
    __syncthreads(); // this tile is there, the one before has been used
    if (from + TILE < end) {
      real* next = stage == 0 ? stages[1] : stages[0];
      loadTile<TILE>(next, k, a.k.stride, from + TILE, end);
      loadTile<TILE>(next + TILE * PITCH, v, a.v.stride, from + TILE, end);
      endCopies();
    }
    const real* kTile = stage == 0 ? stages[0] : stages[1];
    const real* vTile = kTile + TILE * PITCH;
    float s[4][PIECES][2][4];
#pragma unroll
    for (int j = 0; j < 4; j++) {
      dots(s[j], q, kTile, 16 * j);
    }
#pragma unroll
    for (int m = 0; m < PIECES; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        int t = mine + 16 * m + lane / 4 + 8 * half;
        if (from + TILE > whole) {
          int seen = t < past ? a.seen(b, t) : 0;
#pragma unroll
          for (int j = 0; j < 16; j++) {
            int key = from + j / 2 * 8 + lane % 4 * 2 + j % 2;
            float& x = s[j / 4][m][j / 2 % 2][2 * half + j % 2];
            x = key < seen ? x : minusInfinity();
          }
        }
        float most = max[m][half];
#pragma unroll
        for (int j = 0; j < 16; j++) {
          most = fmaxf(most, s[j / 4][m][j / 2 % 2][2 * half + j % 2]);
        }
        most = fmaxf(most, __shfl_xor_sync(ALL, most, 1));
        most = fmaxf(most, __shfl_xor_sync(ALL, most, 2));
        float base = most == minusInfinity() ? 0 : most * scale;
        float shrink = exp2Fast(max[m][half] * scale - base);
        max[m][half] = most;
        unsigned bits = drops ? keptOf(a, step, a.row(b, h, t), from) : 0xffff;
        float added = 0;
#pragma unroll
        for (int j = 0; j < 16; j++) {
          float& x = s[j / 4][m][j / 2 % 2][2 * half + j % 2];
          x = exp2Fast(x * scale - base);
          added += x;
          x = bits >> j & 1 ? x : 0;
        }
        sum[m][half] = sum[m][half] * shrink + added;
#pragma unroll
        for (int j = 0; j < 2 * STEPS; j++) {
          o[m][j][2 * half] *= shrink;
          o[m][j][2 * half + 1] *= shrink;
        }
      }
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      unsigned weights[PIECES][4];
#pragma unroll
      for (int m = 0; m < PIECES; m++) {
        asLeft(weights[m], s[j][m]);
      }
      addWeighted(o, weights, vTile, 16 * j);
    }
  }

#pragma unroll
  for (int m = 0; m < PIECES; m++) {
    float factors[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float total = warpSum<4>(sum[m][half]);
      int t = mine + 16 * m + lane / 4 + 8 * half;
      factors[half] = (drops ? a.dropout.scale : 1) / total;
      if (lane % 4 == 0 && t < past && a.lse != nullptr) {
        a.lse[a.row(b, h, t)] = max[m][half] * a.scale + logf(total);
      }
    }
    storeRows(a.out.head(b, a.queries, h), a.out.stride, o[m], factors[0], factors[1], mine + 16 * m, past);
  }
}

// dq = ds k. Grid and shared memory as for `attention`, with dout beside the queries.
extern "C" __global__ void __launch_bounds__(128) attentionQueries(const Attention a, const AttentionGradients g) {
  real* stages[2] = {(real*)memory, (real*)memory + 2 * TILE * PITCH};
  real* qs = stages[1];
  real* ds = qs + QUERIES * PITCH; // of out
  int lane = threadIdx.x % 32;
  int h = blockIdx.y, b = blockIdx.z;
  int first = (gridDim.x - 1 - blockIdx.x) * QUERIES;
  int past = first + QUERIES < a.queries ? first + QUERIES : a.queries;
  int mine = first + threadIdx.x / 32 * 16 * PIECES;
  const real* k = a.k.head(b, a.keys, h);
  const real* v = a.v.head(b, a.keys, h);
  bool drops = a.dropout.threshold != 0;
  unsigned step = drops ? *a.dropout.step : 0;
  int end = a.seen(b, past - 1);
  int whole = a.seen(b, first);
  float scale = a.scale * LOG2E;

  loadTile<QUERIES>(qs, a.q.head(b, a.queries, h), a.q.stride, first, past);
  loadTile<QUERIES>(ds, g.dout.head(b, a.queries, h), g.dout.stride, first, past);
  loadTile<TILE>(stages[0], k, a.k.stride, 0, end);
  loadTile<TILE>(stages[0] + TILE * PITCH, v, a.v.stride, 0, end);
  endCopies();
  awaitCopies<0>();
  __syncthreads();
  unsigned q[PIECES][STEPS][4], dout[PIECES][STEPS][4];
  float dq[PIECES][2 * STEPS][4] = {};
  float lse[PIECES][2], delta[PIECES][2];
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
    loadLeft(q[m], qs, mine - first + 16 * m);
    loadLeft(dout[m], ds, mine - first + 16 * m);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int t = mine + 16 * m + lane / 4 + 8 * half;
      lse[m][half] = t < past ? a.lse[a.row(b, h, t)] * LOG2E : 0;
      delta[m][half] = t < past ? g.delta[a.row(b, h, t)] : 0;
    }
  }

  for (int from = 0, stage = 0; from < end; from += TILE, stage ^= 1) {
    awaitCopies<0>();
    __syncthreads();
    if (from + TILE < end) {
      real* next = stage == 0 ? stages[1] : stages[0];
      loadTile<TILE>(next, k, a.k.stride, from + TILE, end);
      loadTile<TILE>(next + TILE * PITCH, v, a.v.stride, from + TILE, end);
      endCopies();
    }
    const real* kTile = stage == 0 ? stages[0] : stages[1];
    const real* vTile = kTile + TILE * PITCH;
    unsigned bits[PIECES][2];
#pragma unroll
    for (int m = 0; m < PIECES; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        index_t row = a.row(b, h, mine + 16 * m + lane / 4 + 8 * half);
        bits[m][half] = drops ? keptOf(a, step, row, from) : 0xffff;
      }
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      float s[PIECES][2][4], dp[PIECES][2][4];
      unsigned left[PIECES][4];
      dots(s, q, kTile, 16 * j);
      dots(dp, dout, vTile, 16 * j);
#pragma unroll
      for (int m = 0; m < PIECES; m++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
          int half = i / 2 % 2;
          int bit = 4 * j + i / 4 * 2 + i % 2;
          int key = from + 16 * j + i / 4 * 8 + lane % 4 * 2 + i % 2;
          int t = mine + 16 * m + lane / 4 + 8 * half;
          bool sees = from + TILE <= whole || key < (t < past ? a.seen(b, t) : 0);
          float p = sees ? exp2Fast(s[m][i / 4][i % 4] * scale - lse[m][half]) : 0;
          float dw = bits[m][half] >> bit & 1 ? dp[m][i / 4][i % 4] * (drops ? a.dropout.scale : 1) : 0;
          s[m][i / 4][i % 4] = p * (dw - delta[m][half]);
        }
        asLeft(left[m], s[m]);
      }
      addWeighted(dq, left, kTile, 16 * j);
    }
  }

#pragma unroll
  for (int m = 0; m < PIECES; m++) {
    storeRows(g.dq.head(b, a.queries, h), g.dq.stride, dq[m], a.scale, a.scale, mine + 16 * m, past);
  }
}

// dv = weightsᵀ dout, dk = dsᵀ q: scores are computed transposed, keys by queries, so that they are the left side of
// these products as they are. Grid (tiles of keys, heads, batch); shared memory for two tiles each of queries and dout
// (the second ones take the place of keys and values), the statistics of their rows, and which weights are kept.
extern "C" __global__ void __launch_bounds__(128) attentionKeys(const Attention a, const AttentionGradients g) {
  real* stages[2] = {(real*)memory, (real*)memory + 2 * TILE * PITCH};
  real* ks = stages[1];
  real* vs = ks + TILE * PITCH;
  float* lses = (float*)((real*)memory + 4 * TILE * PITCH);
  float* deltas = lses + 2 * TILE;
  unsigned short* masks = (unsigned short*)(deltas + 2 * TILE); // (64 queries, 4 warps): a bit for each of 16 keys
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int h = blockIdx.y, b = blockIdx.z;
  int first = blockIdx.x * TILE;
  int past = first + TILE < a.keys ? first + TILE : a.keys;
  const real* q = a.q.head(b, a.queries, h);
  const real* dout = g.dout.head(b, a.queries, h);
  bool drops = a.dropout.threshold != 0;
  unsigned step = drops ? *a.dropout.step : 0;
  float scale = a.scale * LOG2E;
  int begin = a.causal ? first : 0; // earlier queries see none of these keys
  int end = first < a.length(b) ? a.queries : 0;

  auto load = [&](int from, int stage) {
    real* tile = stage == 0 ? stages[0] : stages[1];
    loadTile<TILE>(tile, q, a.q.stride, from, a.queries);
    loadTile<TILE>(tile + TILE * PITCH, dout, g.dout.stride, from, a.queries);
    endCopies();
    if (threadIdx.x < TILE) {
      int t = from + threadIdx.x;
      lses[stage * TILE + threadIdx.x] = t < a.queries ? a.lse[a.row(b, h, t)] * LOG2E : 0;
      deltas[stage * TILE + threadIdx.x] = t < a.queries ? g.delta[a.row(b, h, t)] : 0;
    }
  };

  loadTile<TILE>(ks, a.k.head(b, a.keys, h), a.k.stride, first, past);
  loadTile<TILE>(vs, a.v.head(b, a.keys, h), a.v.stride, first, past);
  load(begin, 0);
  awaitCopies<0>();
  __syncthreads();
  unsigned k[1][STEPS][4], v[1][STEPS][4];
  loadLeft(k[0], ks, 16 * warp);
  loadLeft(v[0], vs, 16 * warp);
  float dk[1][2 * STEPS][4] = {};
  float dv[1][2 * STEPS][4] = {};

  for (int from = begin, stage = 0; from < end; from += TILE, stage ^= 1) {
    awaitCopies<0>();
    __syncthreads();
    if (from + TILE < end) {
      load(from + TILE, stage ^ 1);
    }
    if (drops) {
      // A Philox block has a key of every warp: each warp draws for 16 of the queries and shares the bits.
      for (int i = 0; i < 16; i += 2) {
        int t = warp * 16 + i + lane / 16;
        Words words = drawBlock(a.dropout, step, a.mask(a.row(b, h, from + t), first) + lane % 16);
#pragma unroll
        for (int w = 0; w < 4; w++) {
          unsigned both = __ballot_sync(ALL, kept(a.dropout, words.at[w]));
          if (lane % 16 == w) {
            masks[t * 4 + w] = (unsigned short)(both >> lane / 16 * 16);
          }
        }
      }
      __syncthreads();
    }
    const real* qTile = stage == 0 ? stages[0] : stages[1];
    const real* dTile = qTile + TILE * PITCH;
    bool whole = past == first + TILE && past <= a.seen(b, from) && from + TILE <= a.queries;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      float s[1][2][4], dp[1][2][4]; // (16 keys, 16 queries)
      unsigned weights[1][4], dscores[1][4];
      dots(s, k, qTile, 16 * j);
      dots(dp, v, dTile, 16 * j);
#pragma unroll
      for (int i = 0; i < 8; i++) {
        int r = lane / 4 + i / 2 % 2 * 8;
        int column = 16 * j + i / 4 * 8 + lane % 4 * 2 + i % 2;
        int t = from + column;
        bool sees = whole || first + 16 * warp + r < (t < a.queries ? a.seen(b, t) : 0);
        float p = sees ? exp2Fast(s[0][i / 4][i % 4] * scale - lses[stage * TILE + column]) : 0;
        float mask = !drops ? 1 : masks[column * 4 + warp] >> r & 1 ? a.dropout.scale : 0;
        s[0][i / 4][i % 4] = p * mask;
        dp[0][i / 4][i % 4] = p * (dp[0][i / 4][i % 4] * mask - deltas[stage * TILE + column]);
      }
      asLeft(weights[0], s[0]);
      asLeft(dscores[0], dp[0]);
      addWeighted(dv, weights, dTile, 16 * j);
      addWeighted(dk, dscores, qTile, 16 * j);
    }
  }

  storeRows(g.dk.head(b, a.keys, h), g.dk.stride, dk[0], a.scale, a.scale, first + 16 * warp, past);
  storeRows(g.dv.head(b, a.keys, h), g.dv.stride, dv[0], 1, 1, first + 16 * warp, past);
}
