// Attention in bfloat16 on tensor cores, with the online softmax of FlashAttention-2 (Dao, 2023). A block owns queries
// in `attention` and `attentionQueries`, keys in `attentionKeys`; the others pass by in tiles of 64. Sums of gradients
// stay with the block that owns them, so the scores are computed twice on the way back and nothing is added atomically.
//
// Most tiles are seen whole by all rows of a warp: each loop has its body twice, and only the one for the others asks
// who sees what. With DROPOUT weights are dropped; without it no instruction is left of that.
#ifndef STORAGE_BF16
#define STORAGE_BF16
#endif
#include "fragments.cuh"

#ifdef DROPOUT
constexpr bool DROPS = true;
#else
constexpr bool DROPS = false;
#endif

extern __shared__ uint4 memory[]; // 16 bytes aligned

// For the bodies of loops: whether all rows see the whole tile.
template <bool B>
struct Known {
  static constexpr bool value = B;
};

__device__ inline int smaller(int a, int b) { return a < b ? a : b; }

// Which of a lane's 16 weights of a query and 64 keys are kept: bit 4 w + 2 odd + i is key 16 w + 8 odd + 2 (lane % 4)
// + i, for which word w of one block is drawn.
__device__ inline unsigned keptOf(const Attention& a, unsigned step, index_t row, int firstKey) {
  unsigned bits = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    Words words = drawBlock(a.dropout, step, a.mask(row, firstKey) + i / 2 * 8 + threadIdx.x % 4 * 2 + i % 2);
#pragma unroll
    for (int w = 0; w < 4; w++) {
      bits |= kept(a.dropout, words.at[w]) ? 1u << (4 * w + i) : 0;
    }
  }
  return bits;
}

// Grid (blocks of queries, the last first: they have the most to do; heads; batch); shared memory for two tiles each of
// keys and values; the second ones take the place of the queries once these are in registers. Rows past the queries are
// zeros and see what they like: nobody stores them.
extern "C" __global__ void __launch_bounds__(THREADS) attention(const Attention a) {
  real* stages[2] = {(real*)memory, (real*)memory + 2 * TILE * PITCH};
  real* qs = stages[1];
  int h = blockIdx.y, b = blockIdx.z;
  int first = (gridDim.x - 1 - blockIdx.x) * ROWS;
  int past = smaller(first + ROWS, a.queries);
  int mine = first + threadIdx.x / 32 * OWN;
  const real* k = a.k.head(b, a.keys, h);
  const real* v = a.v.head(b, a.keys, h);
  unsigned step = DROPS ? *a.dropout.step : 0;
  int length = a.length(b);
  int end = a.seen(length, past - 1);
  int whole = a.seen(length, mine);          // all rows of the warp see the keys before this one
  int seen = a.seen(length, mine + OWN - 1); // and none sees one from here on
  float scale = a.scale * LOG2E;

  loadTile<ROWS>(qs, a.q.head(b, a.queries, h), a.q.stride, first, past);
  loadTile<TILE>(stages[0], k, a.k.stride, 0, end);
  loadTile<TILE>(stages[0] + TILE * PITCH, v, a.v.stride, 0, end);
  endCopies();
  awaitCopies<0>();
  __syncthreads();
  unsigned q[PIECES][STEPS][4];
  loadLeft(q, qs, mine - first);
  float o[PIECES][2 * STEPS][4] = {};
  float max[PIECES][2], sum[PIECES][2];
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
    max[m][0] = max[m][1] = minusInfinity();
    sum[m][0] = sum[m][1] = 0;
  }

  auto attend = [&](auto known, int from, const real* kTile, const real* vTile, const unsigned (&bits)[PIECES][2]) {
    constexpr bool WHOLE = decltype(known)::value;
    float s[4][PIECES][2][4];
    dots<4>(s, q, square<false>(kTile, 0, 0));
#pragma unroll
    for (int m = 0; m < PIECES; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        int t = mine + laneRow(m) + 8 * half;
        if (!WHOLE) {
          int keys = a.seen(length, t) - from - threadIdx.x % 4 * 2;
#pragma unroll
          for (int j = 0; j < 16; j++) {
            float& x = s[j / 4][m][j / 2 % 2][2 * half + j % 2];
            x = j / 2 * 8 + j % 2 < keys ? x : minusInfinity();
          }
        }
        float most = max[m][half];
#pragma unroll
        for (int j = 0; j < 16; j++) {
          most = fmaxf(most, s[j / 4][m][j / 2 % 2][2 * half + j % 2]);
        }
        most = fmaxf(most, __shfl_xor_sync(ALL, most, 1));
        most = fmaxf(most, __shfl_xor_sync(ALL, most, 2));
        float top = !WHOLE && most == minusInfinity() ? 0 : most;
        float base = top * scale;
        float shrink = exp2Fast((max[m][half] - top) * scale); // 1 to the bit where the maximum stays
        max[m][half] = most;
        float added = 0;
#pragma unroll
        for (int j = 0; j < 16; j++) {
          float& x = s[j / 4][m][j / 2 % 2][2 * half + j % 2];
          x = exp2Fast(x * scale - base);
          added += x;
          x = DROPS && !(bits[m][half] >> j & 1) ? 0 : x;
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
      asLeft(weights, s[j]);
      addWeighted(o, weights, square<true>(vTile, 16 * j, 0));
    }
  };

  for (int from = 0, stage = 0; from < end; from += TILE, stage ^= 1) {
    awaitCopies<0>();
    __syncthreads(); // this tile is there, the one before has been used
    const real* tile = stages[0] + stage * 2 * TILE * PITCH;
    if (from + TILE < end) {
      real* next = stages[1] - stage * 2 * TILE * PITCH;
      loadTile<TILE>(next, k, a.k.stride, from + TILE, end);
      loadTile<TILE>(next + TILE * PITCH, v, a.v.stride, from + TILE, end);
      endCopies();
    }
    unsigned bits[PIECES][2];
#pragma unroll
    for (int i = 0; DROPS && i < 2 * PIECES; i++) {
      bits[i / 2][i % 2] = keptOf(a, step, a.row(b, h, mine + laneRow(i / 2) + i % 2 * 8), from);
    }
    if (from + TILE <= whole) {
      attend(Known<true>{}, from, tile, tile + TILE * PITCH, bits);
    } else if (from < seen) {
      attend(Known<false>{}, from, tile, tile + TILE * PITCH, bits);
    }
  }

  float factors[PIECES][2];
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float total = warpSum<4>(sum[m][half]);
      int t = mine + laneRow(m) + 8 * half;
      factors[m][half] = (DROPS ? a.dropout.scale : 1) / total;
      if (threadIdx.x % 4 == 0 && t < past && a.lse != nullptr) {
        a.lse[a.row(b, h, t)] = max[m][half] * a.scale + logf(total);
      }
    }
  }
  storeRows(a.out.head(b, a.queries, h), a.out.stride, o, factors, mine, past);
}

// dq = ds k, and delta = dout · out for `attentionKeys`. Grid and shared memory as for `attention`, with dout beside
// the queries.
extern "C" __global__ void __launch_bounds__(THREADS) attentionQueries(const Attention a, const AttentionGradients g) {
  real* stages[2] = {(real*)memory, (real*)memory + 2 * TILE * PITCH};
  real* qs = stages[1];
  real* ds = qs + ROWS * PITCH; // of out
  int h = blockIdx.y, b = blockIdx.z;
  int first = (gridDim.x - 1 - blockIdx.x) * ROWS;
  int past = smaller(first + ROWS, a.queries);
  int mine = first + threadIdx.x / 32 * OWN;
  const real* k = a.k.head(b, a.keys, h);
  const real* v = a.v.head(b, a.keys, h);
  unsigned step = DROPS ? *a.dropout.step : 0;
  int length = a.length(b);
  int end = a.seen(length, past - 1);
  int whole = a.seen(length, mine);
  int seen = a.seen(length, mine + OWN - 1);
  float scale = a.scale * LOG2E;

  loadTile<ROWS>(qs, a.q.head(b, a.queries, h), a.q.stride, first, past);
  loadTile<ROWS>(ds, g.dout.head(b, a.queries, h), g.dout.stride, first, past);
  loadTile<TILE>(stages[0], k, a.k.stride, 0, end);
  loadTile<TILE>(stages[0] + TILE * PITCH, v, a.v.stride, 0, end);
  endCopies();
  awaitCopies<0>();
  __syncthreads();
  unsigned q[PIECES][STEPS][4], dout[PIECES][STEPS][4];
  loadLeft(q, qs, mine - first);
  loadLeft(dout, ds, mine - first);
  float dq[PIECES][2 * STEPS][4] = {};
  float lse[PIECES][2], delta[PIECES][2];
  dotRows(delta, dout, a.out.head(b, a.queries, h), a.out.stride, mine, past);
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int t = mine + laneRow(m) + 8 * half;
      lse[m][half] = t < past ? a.lse[a.row(b, h, t)] * LOG2E : 0;
      if (threadIdx.x % 4 == 0 && t < past) {
        g.delta[a.row(b, h, t)] = delta[m][half];
      }
    }
  }

  auto attend = [&](auto known, int from, const real* kTile, const real* vTile, const unsigned (&bits)[PIECES][2]) {
    constexpr bool WHOLE = decltype(known)::value;
    int groups = WHOLE ? 4 : smaller(4, (seen - from + 15) / 16);
#pragma unroll (DROPS || !WHOLE ? 1 : 2) // more of them would not fit into registers
    for (int j = 0; j < groups; j++) {
      float s[1][PIECES][2][4], dp[1][PIECES][2][4];
      dots<1>(s, q, square<false>(kTile, 16 * j, 0));
      dots<1>(dp, dout, square<false>(kTile + TILE * PITCH, 16 * j, 0));
#pragma unroll
      for (int m = 0; m < PIECES; m++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
          int half = i / 2 % 2;
          float& x = s[0][m][i / 4][i % 4];
          float dw = dp[0][m][i / 4][i % 4];
          float p = exp2Fast(x * scale - lse[m][half]);
          if (!WHOLE) {
            int key = from + 16 * j + i / 4 * 8 + threadIdx.x % 4 * 2 + i % 2;
            p = key < a.seen(length, mine + laneRow(m) + 8 * half) ? p : 0;
          }
          if (DROPS) {
            dw = (bits[m][half] >> (4 * j + i / 4 * 2 + i % 2) & 1 ? dw : 0) * a.dropout.scale;
          }
          x = p * (dw - delta[m][half]);
        }
      }
      unsigned left[PIECES][4];
      asLeft(left, s[0]);
      addWeighted(dq, left, square<true>(kTile, 16 * j, 0));
    }
  };

  // The loop of `attention` once more: as a function for both it has that one spill twice as much with DROPOUT.
  for (int from = 0, stage = 0; from < end; from += TILE, stage ^= 1) {
    awaitCopies<0>();
    __syncthreads();
    const real* tile = stages[0] + stage * 2 * TILE * PITCH;
    if (from + TILE < end) {
      real* next = stages[1] - stage * 2 * TILE * PITCH;
      loadTile<TILE>(next, k, a.k.stride, from + TILE, end);
      loadTile<TILE>(next + TILE * PITCH, v, a.v.stride, from + TILE, end);
      endCopies();
    }
    unsigned bits[PIECES][2];
#pragma unroll
    for (int i = 0; DROPS && i < 2 * PIECES; i++) {
      bits[i / 2][i % 2] = keptOf(a, step, a.row(b, h, mine + laneRow(i / 2) + i % 2 * 8), from);
    }
    if (from + TILE <= whole) {
      attend(Known<true>{}, from, tile, tile + TILE * PITCH, bits);
    } else if (from < seen) {
      attend(Known<false>{}, from, tile, tile + TILE * PITCH, bits);
    }
  }

  float factors[PIECES][2];
#pragma unroll
  for (int i = 0; i < 2 * PIECES; i++) {
    factors[i / 2][i % 2] = a.scale;
  }
  storeRows(g.dq.head(b, a.queries, h), g.dq.stride, dq, factors, mine, past);
}

// dv = weightsᵀ dout, dk = dsᵀ q: scores are computed transposed, keys by queries, so that they are the left side of
// these products as they are. Grid (blocks of keys, the first have the most to do; heads; batch); shared memory for two
// tiles each of queries and dout (the second ones take the place of keys and values), lse and delta of their rows, and
// which weights are kept.
extern "C" __global__ void __launch_bounds__(THREADS) attentionKeys(const Attention a, const AttentionGradients g) {
  constexpr int STAGE = 2 * TILE * PITCH;
  real* stages[2] = {(real*)memory, (real*)memory + STAGE};
  real* ks = stages[1];
  real* vs = ks + ROWS * PITCH;
  float* statistics = (float*)(vs + ROWS * PITCH);                  // (2 stages, lse and delta, 64 queries)
  unsigned short* masks = (unsigned short*)(statistics + 4 * TILE); // (2 stages, 64 queries, a bit for each key)
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int h = blockIdx.y, b = blockIdx.z;
  int first = blockIdx.x * ROWS;
  int past = smaller(first + ROWS, a.keys);
  int mine = first + warp * OWN;
  const real* q = a.q.head(b, a.queries, h);
  const real* dout = g.dout.head(b, a.queries, h);
  unsigned step = DROPS ? *a.dropout.step : 0;
  float scale = a.scale * LOG2E;
  int length = a.length(b);
  int begin = a.causal ? first : 0; // earlier queries see none of these keys
  int end = first < length ? a.queries : 0;

  auto load = [&](int from, int stage) {
    real* tile = stages[0] + stage * STAGE;
    loadTile<TILE>(tile, q, a.q.stride, from, a.queries);
    loadTile<TILE>(tile + TILE * PITCH, dout, g.dout.stride, from, a.queries);
    int t = from + threadIdx.x % TILE;
    const float* of = threadIdx.x < TILE ? a.lse : g.delta;
    beginWordCopy(statistics + stage * 2 * TILE + threadIdx.x, of + a.row(b, h, t), t < a.queries);
    endCopies();
    if (DROPS) {
      // A Philox block has a key of each 16: every warp draws for 16 of the queries and shares the bits.
      int n = warp * 16 * PIECES + lane / 16; // (64 queries, 64 keys each)
      unsigned long long block = a.mask(a.row(b, h, from + n / PIECES), first) + n % PIECES * 16 + lane % 16;
      unsigned short* to = masks + (stage * TILE * PIECES + n) * 4 + lane % 16;
#pragma unroll 1
      for (int i = 0; i < 16 * PIECES; i += 2) {
        Words words = drawBlock(a.dropout, step, block);
        unsigned bits = 0;
#pragma unroll
        for (int w = 0; w < 4; w++) {
          unsigned both = __ballot_sync(ALL, kept(a.dropout, words.at[w]));
          bits = lane % 16 == w ? both : bits;
        }
        if (lane % 16 < 4) {
          *to = (unsigned short)(bits >> lane / 16 * 16);
        }
        block += 2 / PIECES * a.masks();
        to += 8;
      }
    }
  };

  loadTile<ROWS>(ks, a.k.head(b, a.keys, h), a.k.stride, first, past);
  loadTile<ROWS>(vs, a.v.head(b, a.keys, h), a.v.stride, first, past);
  load(begin, 0);
  awaitCopies<0>();
  __syncthreads();
  unsigned k[PIECES][STEPS][4], v[PIECES][STEPS][4];
  loadLeft(k, ks, mine - first);
  loadLeft(v, vs, mine - first);
  float dk[PIECES][2 * STEPS][4] = {};
  float dv[PIECES][2 * STEPS][4] = {};

  auto attend = [&](auto known, int from, int stage) {
    constexpr bool WHOLE = decltype(known)::value;
    int unseen = WHOLE || !a.causal || from >= mine ? 0 : mine - from; // queries before the keys
    // Where a lane reads, moved along: to compute it again from the lane costs more.
    const real* beside = square<false>(stages[0] + stage * STAGE, unseen, 0);
    const real* below = square<true>(stages[0] + stage * STAGE, unseen, 0);
    const float* lses = statistics + stage * 2 * TILE + unseen + lane % 4 * 2;
#pragma unroll 1
    for (int j = unseen; j < TILE; j += 16) {
      float s[1][PIECES][2][4], dp[1][PIECES][2][4];
      dots<1>(s, k, beside);
      dots<1>(dp, v, beside + TILE * PITCH);
#pragma unroll
      for (int c = 0; c < 4; c++) { // of a lane's queries
        int column = c / 2 * 8 + c % 2;
        float lse = lses[column] * LOG2E;
        float delta = lses[TILE + column];
        unsigned bits = 0;
        if (DROPS) {
          int group = (stage * TILE + j + lane % 4 * 2 + column) * 4 + warp;
          bits = (PIECES == 2 ? ((const unsigned*)masks)[group] : masks[group]) >> lane / 4;
        }
#pragma unroll
        for (int m = 0; m < PIECES; m++) {
#pragma unroll
          for (int half = 0; half < 2; half++) {
            float& x = s[0][m][c / 2][2 * half + c % 2];
            float& y = dp[0][m][c / 2][2 * half + c % 2];
            float p = exp2Fast(x * scale - lse);
            if (!WHOLE) {
              p = mine + laneRow(m) + 8 * half < a.seen(length, from + j + lane % 4 * 2 + column) ? p : 0;
            }
            if (DROPS) {
              bool keeps = bits >> (16 * m + 8 * half) & 1;
              x = keeps ? p : 0; // dv is scaled when it is stored
              y = p * ((keeps ? y : 0) * a.dropout.scale - delta);
            } else {
              x = p;
              y = p * (y - delta);
            }
          }
        }
      }
      unsigned weights[PIECES][4], dscores[PIECES][4];
      asLeft(weights, s[0]);
      asLeft(dscores, dp[0]);
      addWeighted(dv, weights, below + TILE * PITCH);
      addWeighted(dk, dscores, below);
      beside += 16 * PITCH;
      below += 16 * PITCH;
      lses += 16;
    }
  };

  for (int from = begin, stage = 0; from < end; from += TILE, stage ^= 1) {
    awaitCopies<0>();
    __syncthreads();
    if (from + TILE < end) {
      load(from + TILE, stage ^ 1);
    }
    if (smaller(mine + OWN, past) <= a.seen(length, from)) {
      attend(Known<true>{}, from, stage);
    } else if (mine < a.seen(length, from + TILE - 1)) {
      attend(Known<false>{}, from, stage);
    }
  }

  float factors[PIECES][2];
#pragma unroll
  for (int i = 0; i < 2 * PIECES; i++) {
    factors[i / 2][i % 2] = a.scale;
  }
  storeRows(g.dk.head(b, a.keys, h), g.dk.stride, dk, factors, mine, past);
#pragma unroll
  for (int i = 0; i < 2 * PIECES; i++) {
    factors[i / 2][i % 2] = DROPS ? a.dropout.scale : 1;
  }
  storeRows(g.dv.head(b, a.keys, h), g.dv.stride, dv, factors, mine, past);
}
