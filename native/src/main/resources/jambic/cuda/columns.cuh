#pragma once
// Rows of a matrix, columns shared out among the lanes of a warp, and sums down these columns: blocks write partial
// sums of stretches of rows, which addPartials adds up in order.
#include "storage.cuh"

constexpr int WARPS = 8;           // of a block that sums columns
constexpr int COLUMNS = 32 * PACK; // a group: what a warp reads of a row at a time

// What a lane has of a group.
template <typename T>
struct Share {
  T at[PACK];
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

  // Zeros where the row has ended.
  template <typename T>
  __device__ Share<T> read(const T* row, int group) const {
    constexpr int EACH = inPacks ? 16 / sizeof(T) : 1; // numbers of an instruction
    Share<T> share = {};
#pragma unroll
    for (int i = 0; i < PACK; i += EACH) {
      if (has(group, i)) {
        const T* from = row + group * COLUMNS + place(i);
        if constexpr (inPacks) {
          PackOf<T> pack = packAt(from, 0);
#pragma unroll
          for (int j = 0; j < EACH; j++) {
            share.at[i + j] = pack.at[j];
          }
        } else {
          share.at[i] = *from;
        }
      }
    }
    return share;
  }

  __device__ void write(real* row, int group, const float (&numbers)[PACK]) const {
    Pack pack;
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      pack.at[i] = stored(numbers[i]);
      if (!inPacks && has(group, i)) {
        row[group * COLUMNS + place(i)] = pack.at[i];
      }
    }
    if (inPacks && has(group, 0)) {
      packAt(row + group * COLUMNS + place(0), 0) = pack;
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
