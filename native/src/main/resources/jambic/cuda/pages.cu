// Whole pages of keys and values, from place to place (AttentionKernels.copyPages).
#include "storage.cuh"

// Grid (pairs, 2): a block copies a page of keys or of values, n numbers; count pages are known.
extern "C" __global__ void copyPages(real* k, real* v, const int* from, const int* to, int n, int count) {
  real* pool = blockIdx.y == 0 ? k : v;
  int source = inside(from[blockIdx.x], count);
  int target = inside(to[blockIdx.x], count);
  if (source == target) {
    return;
  }
  const real* x = pool + (index_t)source * n;
  real* out = pool + (index_t)target * n;
  int packs = packed(x, out) ? n / PACK : 0;
  for (int i = threadIdx.x; i < packs; i += blockDim.x) {
    packAt(out, i) = packAt(x, i);
  }
  for (int i = packs * PACK + threadIdx.x; i < n; i += blockDim.x) {
    out[i] = x[i];
  }
}
