#pragma once
// Rows of a matrix, columns shared out among the lanes of a warp, and sums down these columns: blocks write partial
// sums of stretches of rows, which addPartials adds up in order.
#include "storage.cuh"

__device__ inline unsigned bitsOf(float x) { return __float_as_uint(x); }
#ifdef STORAGE_BF16
__device__ inline unsigned bitsOf(real x) { return x.bits; }
#endif

constexpr int WARPS = 8;           // of a block that sums columns
constexpr int COLUMNS = 32 * PACK; // a group: what a warp reads of a row at a time
constexpr int FLYING = 4;          // loads of a thread that are under way before the first is added

// What a lane has of a group, in registers as it lies in memory.
template <typename T>
struct Share {
  unsigned words[PACK * sizeof(T) / 4];

  __device__ float operator[](int i) const {
    if constexpr (sizeof(T) == 4) {
      return __uint_as_float(words[i]);
    } else {
      return __uint_as_float(i % 2 == 0 ? words[i / 2] << 16 : words[i / 2] & 0xffff0000u);
    }
  }
};

// Which columns these are: neighbours where rows of c lie right for packs, else every 32nd. A warp reads all of a group
// at once either way.
template <bool inPacks>
struct Columns {
  int c;

  // The place in a group of number i of this lane.
  __device__ static int place(int i) {
    int lane = threadIdx.x % 32;
    return inPacks ? lane * PACK + i : i * 32 + lane;
  }

  __device__ bool has(int group, int i) const { return group * COLUMNS + place(inPacks ? 0 : i) < c; }

  // Zeros where the row has ended or is not wanted. It is read nevertheless, from its start: loads wait for each other at
  // branches.
  template <typename T>
  __device__ Share<T> read(const T* row, int group, bool wanted = true) const {
    Share<T> share = {};
    if constexpr (inPacks) {
      constexpr int EACH = 16 / sizeof(T);
      bool here = wanted && has(group, 0);
      const T* from = row + (here ? group * COLUMNS + place(0) : 0);
#pragma unroll
      for (int i = 0; i < PACK; i += EACH) {
        PackOf<unsigned> words = reinterpret_cast<const PackOf<unsigned>*>(from + i)[0];
#pragma unroll
        for (int j = 0; j < 4; j++) {
          share.words[i / EACH * 4 + j] = here ? words.at[j] : 0;
        }
      }
    } else {
      constexpr int EACH = 4 / sizeof(T); // numbers of a word
#pragma unroll
      for (int i = 0; i < PACK; i++) {
        bool here = wanted && has(group, i);
        T number = row[here ? group * COLUMNS + place(i) : 0];
        unsigned bits = here ? bitsOf(number) : 0;
        share.words[i / EACH] |= bits << (i % EACH * 16);
      }
    }
    return share;
  }

  __device__ void write(real* row, int group, const float (&numbers)[PACK]) const {
    if constexpr (inPacks) {
      if (has(group, 0)) {
        packAt(row + group * COLUMNS + place(0), 0) = packOf(numbers);
      }
    } else {
#pragma unroll
      for (int i = 0; i < PACK; i++) {
        if (has(group, i)) {
          row[group * COLUMNS + place(i)] = stored(numbers[i]);
        }
      }
    }
  }
};

// A row of partial sums gets what the warps of a block have of a group, in their order.
__device__ inline void writeSums(float* row, int c, int group, const float (&sum)[PACK], bool inPacks) {
  __shared__ float sums[WARPS][COLUMNS];
  __syncthreads(); // the sums of a previous call have been read
#pragma unroll
  for (int i = 0; i < PACK; i++) {
    int place = inPacks ? Columns<true>::place(i) : Columns<false>::place(i);
    sums[threadIdx.x / 32][place] = sum[i];
  }
  __syncthreads();
  int column = group * COLUMNS + threadIdx.x;
  if (threadIdx.x < COLUMNS && column < c) {
    float all = 0;
#pragma unroll
    for (int w = 0; w < WARPS; w++) {
      all += sums[w][threadIdx.x];
    }
    row[column] = all;
  }
}

// Writes a block's partial sums, of a stretch of rows: source.load reads a lane's share of one (nothing, if it is not
// there), source.add adds it up.
template <bool inPacks, typename Source>
__device__ inline void sumStretch(float* partials, int rows, int c, const Source& source) {
  int rowsEach = (rows + gridDim.y - 1) / gridDim.y;
  int from = blockIdx.y * rowsEach;
  int to = from + rowsEach < rows ? from + rowsEach : rows;
  float sum[PACK] = {};
  for (int r = from + threadIdx.x / 32; r < to; r += FLYING * WARPS) {
    typename Source::Loaded loaded[FLYING];
#pragma unroll
    for (int f = 0; f < FLYING; f++) {
      bool there = r + f * WARPS < to;
      loaded[f] = source.load(there ? r + f * WARPS : r, there);
    }
#pragma unroll
    for (int f = 0; f < FLYING; f++) {
      if (r + f * WARPS < to) {
        source.add(loaded[f], r + f * WARPS, sum);
      }
    }
  }
  writeSums(partials + (index_t)blockIdx.y * c, c, blockIdx.x, sum, inPacks);
}
