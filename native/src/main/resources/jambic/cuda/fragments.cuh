#pragma once
// Tiles of a head's rows in shared memory, and their products on tensor cores. Blocks of 4 warps; a warp has 16 rows,
// or twice 16, of what its block owns, so that what is read of a tile serves all of them.
#include "attention.cuh"

constexpr int THREADS = 128;
constexpr int TILE = 64;                     // rows that pass by at a time
constexpr int PIECES = HEAD <= 64 ? 2 : 1;   // of 16 rows each that a warp has
constexpr int OWN = 16 * PIECES;             // rows of a warp
constexpr int ROWS = 4 * OWN;                // rows of a block
constexpr int WIDTH = (HEAD + 15) / 16 * 16; // of a row in shared memory: columns beyond HEAD are zeros
constexpr int PITCH = WIDTH + 8;             // an odd number of 16 bytes: eight rows lie in all banks
constexpr int STEPS = WIDTH / 16;            // of a product along a row

// Rows [from, from + COUNT) of a head; those at or past `end` are zeros. Copies go on in the background.
template <int COUNT>
__device__ inline void loadTile(real* tile, const real* x, index_t stride, int from, int end) {
  constexpr int PACKS = WIDTH / 8;         // of a row
  constexpr int AT_ONCE = THREADS / PACKS; // rows; a thread has the same columns of each
  if (HEAD % 8 == 0 && stride % 8 == 0 && packed(x)) {
    int r = threadIdx.x / PACKS;
    int d = threadIdx.x % PACKS * 8;
    const real* at = x + (from + r) * stride + d;
    real* to = tile + r * PITCH + d;
#pragma unroll
    for (int i = 0; i < COUNT; i += AT_ONCE) {
      if ((THREADS % PACKS == 0 || r < AT_ONCE) && (COUNT % AT_ONCE == 0 || r + i < COUNT)) {
        beginCopy(to + i * PITCH, at, from + r + i < end && (HEAD == WIDTH || d < HEAD));
      }
      at += AT_ONCE * stride;
    }
  } else {
#pragma unroll 1
    for (int i = threadIdx.x; i < COUNT * WIDTH; i += THREADS) {
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

// The left sides of products: a warp's rows of a tile, from `row` on, all columns.
__device__ inline void loadLeft(unsigned (&to)[PIECES][STEPS][4], const real* tile, int row) {
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
      loadMatrices(to[m][i], square<true>(tile, row + 16 * m, i * 16));
    }
  }
}

// to (OWN, 16 GROUPS) = left · 16 GROUPS rows of a tile from square<false> `at` on; a group has two halves of 8 columns.
// Steps go outside, so that as many sums as there are grow side by side.
template <int GROUPS>
__device__ inline void dots(
    float (&to)[GROUPS][PIECES][2][4], const unsigned (&left)[PIECES][STEPS][4], const real* at) {
#pragma unroll
  for (int i = 0; i < GROUPS * PIECES * 8; i++) {
    to[i / (PIECES * 8)][i / 8 % PIECES][i / 4 % 2][i % 4] = 0;
  }
#pragma unroll
  for (int i = 0; i < STEPS; i++) {
#pragma unroll
    for (int j = 0; j < GROUPS; j++) {
      unsigned right[4];
      loadMatrices(right, at + 16 * j * PITCH + 16 * i);
#pragma unroll
      for (int m = 0; m < PIECES; m++) {
        multiply(to[j][m][0], left[m][i], right[0], right[1]);
        multiply(to[j][m][1], left[m][i], right[2], right[3]);
      }
    }
  }
}

// to (OWN, WIDTH) += weights (OWN, 16) 16 rows of a tile from square<true> `at` on.
__device__ inline void addWeighted(
    float (&to)[PIECES][2 * STEPS][4], const unsigned (&weights)[PIECES][4], const real* at) {
#pragma unroll
  for (int i = 0; i < STEPS; i++) {
    unsigned right[4];
    loadTransposed(right, at + 16 * i);
#pragma unroll
    for (int m = 0; m < PIECES; m++) {
      multiply(to[m][2 * i], weights[m], right[0], right[1]);
      multiply(to[m][2 * i + 1], weights[m], right[2], right[3]);
    }
  }
}

// A (OWN, 16) result as the left side of the next product.
__device__ inline void asLeft(unsigned (&to)[PIECES][4], const float (&from)[PIECES][2][4]) {
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      to[m][i] = narrow2(from[m][i / 2][i % 2 * 2], from[m][i / 2][i % 2 * 2 + 1]);
    }
  }
}

// The first of the two rows that a lane has of a piece; the other is 8 below.
__device__ inline int laneRow(int m) { return 16 * m + threadIdx.x % 32 / 4; }

// Whether pairs of numbers in columns 2 i and 2 i + 1 can be moved as one.
__device__ inline bool inPairs(const real* x, index_t stride) {
  return HEAD % 2 == 0 && stride % 2 == 0 && (unsigned long long)x % 4 == 0;
}

// A lane's numbers of (OWN, WIDTH), its rows times their factors, to rows [first, end) of a head.
__device__ inline void storeRows(real* to, index_t stride, const float (&from)[PIECES][2 * STEPS][4],
    const float (&factors)[PIECES][2], int first, int end) {
  bool pairs = inPairs(to, stride);
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int r = first + laneRow(m) + 8 * half;
      if (r < end) {
#pragma unroll
        for (int j = 0; j < 2 * STEPS; j++) {
          int d = j * 8 + threadIdx.x % 4 * 2;
          real* at = to + r * stride + d;
          float x0 = from[m][j][2 * half] * factors[m][half];
          float x1 = from[m][j][2 * half + 1] * factors[m][half];
          if (pairs && d < HEAD) {
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
}

// For each of a lane's rows, its product with the same row of another head: rows [first, end), those past it are zeros.
__device__ inline void dotRows(float (&to)[PIECES][2], const unsigned (&left)[PIECES][STEPS][4], const real* x,
    index_t stride, int first, int end) {
  bool pairs = inPairs(x, stride);
#pragma unroll
  for (int m = 0; m < PIECES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int r = first + laneRow(m) + 8 * half;
      float sum = 0;
      if (r < end) {
#pragma unroll
        for (int j = 0; j < 2 * STEPS; j++) {
          int d = j * 8 + threadIdx.x % 4 * 2;
          const real* at = x + r * stride + d;
          unsigned other = 0;
          if (pairs && d < HEAD) {
            other = *reinterpret_cast<const unsigned*>(at);
          } else {
            other = (d < HEAD ? at[0].bits : 0u) | (d + 1 < HEAD ? at[1].bits : 0u) << 16;
          }
          unsigned own = left[m][j / 2][half + j % 2 * 2];
          sum += __uint_as_float(own << 16) * __uint_as_float(other << 16);
          sum += __uint_as_float(own & 0xffff0000u) * __uint_as_float(other & 0xffff0000u);
        }
      }
      to[m][half] = warpSum<4>(sum);
    }
  }
}
