#pragma once
// Lists of tensors in one launch, from a table on the device: of each tensor its first block and its size, then for
// each list the tensors' addresses.
#include "storage.cuh"

constexpr int CHUNK = 16384; // elements a block works on; the blocks of a tensor follow each other

struct Chunk {
  int tensor;
  index_t from;
  index_t to;
};

struct Lists {
  const index_t* table;
  int count;

  template <typename T>
  __device__ T* data(int list, int tensor) const {
    return (T*)table[(2 + list) * (index_t)count + tensor];
  }

  __device__ Chunk chunk(int block) const {
    int low = 0;
    int high = count - 1;
    while (low < high) { // the last tensor that starts at or before the block
      int middle = (low + high + 1) / 2;
      if (table[middle] <= block) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    index_t size = table[count + low];
    index_t from = (block - table[low]) * CHUNK;
    return Chunk{low, from, from + CHUNK < size ? from + CHUNK : size};
  }
};
