#pragma once
// The instructions of ptx.cuh as the PTX manual defines them, for the emulator.
__device__ inline unsigned short narrow(float x) {
  unsigned bits;
  memcpy(&bits, &x, 4);
  if (x != x) {
    return 0x7fff;
  }
  return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

__device__ inline unsigned narrow2(float low, float high) { return narrow(low) | (unsigned)narrow(high) << 16; }

__device__ inline float exp2Fast(float x) { return exp2f(x); }
__device__ inline float reciprocalFast(float x) { return 1 / x; }

namespace emulator {
inline float half(unsigned pair, int i) { return __uint_as_float(i == 0 ? pair << 16 : pair & 0xffff0000u); }
}

__device__ inline void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  struct In {
    float c[4];
    unsigned a[4], b[2];
  };
  struct Out {
    float c[4];
  };
  In in;
  memcpy(in.c, c, 16);
  memcpy(in.a, a, 16);
  in.b[0] = b0;
  in.b[1] = b1;
  Out result;
  emulator::together(in, result, [](const void** ins, void** outs) {
    float left[16][16], right[16][8];
    for (int l = 0; l < 32; l++) {
      const In& x = *(const In*)ins[l];
      int g = l / 4, q = l % 4;
      for (int i = 0; i < 2; i++) {
        left[g][2 * q + i] = emulator::half(x.a[0], i);
        left[g + 8][2 * q + i] = emulator::half(x.a[1], i);
        left[g][2 * q + 8 + i] = emulator::half(x.a[2], i);
        left[g + 8][2 * q + 8 + i] = emulator::half(x.a[3], i);
        right[2 * q + i][g] = emulator::half(x.b[0], i);
        right[2 * q + 8 + i][g] = emulator::half(x.b[1], i);
      }
    }
    for (int l = 0; l < 32; l++) {
      const In& x = *(const In*)ins[l];
      Out& y = *(Out*)outs[l];
      for (int i = 0; i < 4; i++) {
        int row = l / 4 + i / 2 * 8, column = l % 4 * 2 + i % 2;
        float sum = x.c[i];
        for (int k = 0; k < 16; k++) {
          sum += left[row][k] * right[k][column];
        }
        y.c[i] = sum;
      }
    }
  });
  memcpy(c, result.c, 16);
}

namespace emulator {
inline void matrices(unsigned (&r)[4], const void* row, bool transposed) {
  struct Out {
    unsigned r[4];
  };
  Out result;
  if ((uintptr_t)row % 16 != 0) {
    fprintf(stderr, "ldmatrix: a row at %p is not 16 bytes aligned\n", row);
    abort();
  }
  together(row, result, [transposed](const void** ins, void** outs) {
    for (int l = 0; l < 32; l++) {
      for (int m = 0; m < 4; m++) {
        unsigned short pair[2];
        for (int i = 0; i < 2; i++) {
          int r = transposed ? l % 4 * 2 + i : l / 4;
          int c = transposed ? l / 4 : l % 4 * 2 + i;
          pair[i] = (*(const unsigned short* const*)ins[m * 8 + r])[c];
        }
        ((Out*)outs[l])->r[m] = pair[0] | (unsigned)pair[1] << 16;
      }
    }
  });
  memcpy(r, result.r, 16);
}
}

__device__ inline void loadMatrices(unsigned (&r)[4], const void* row) { emulator::matrices(r, row, false); }
__device__ inline void loadTransposed(unsigned (&r)[4], const void* row) { emulator::matrices(r, row, true); }

// Copies happen as late as they may: when they are waited for.
namespace emulator {
inline void begin(void* to, const void* from, bool there, size_t bytes) {
  if (((uintptr_t)to | (uintptr_t)from) % bytes != 0) {
    fprintf(stderr, "cp.async: not %zu bytes aligned\n", bytes);
    abort();
  }
  fibers[current].copies.push_back({to, from, there, bytes});
}
}

__device__ inline void beginCopy(void* to, const void* from, bool there) { emulator::begin(to, from, there, 16); }
__device__ inline void beginWordCopy(float* to, const float* from, bool there) { emulator::begin(to, from, there, 4); }
__device__ inline void endCopies() {}
template <int PENDING>
__device__ inline void awaitCopies() {
  static_assert(PENDING == 0, "the emulator keeps no groups");
  auto& copies = emulator::fibers[emulator::current].copies;
  for (auto& copy : copies) {
    if (copy.there) {
      memcpy(copy.to, copy.from, copy.bytes);
    } else {
      memset(copy.to, 0, copy.bytes);
    }
  }
  copies.clear();
}
