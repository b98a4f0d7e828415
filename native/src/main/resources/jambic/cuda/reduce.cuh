#pragma once
// Sums and maxima in a fixed order: the same bits on every run.

constexpr unsigned ALL = 0xffffffffu; // lanes

// The maximum of no numbers.
__device__ inline float minusInfinity() { return __int_as_float(0xff800000); }

// Of `width` neighbouring lanes, a power of two; every lane receives it.
template <int width = 32, typename T>
__device__ inline T warpSum(T x) {
#pragma unroll
  for (int d = width / 2; d > 0; d /= 2) {
    x += __shfl_xor_sync(ALL, x, d);
  }
  return x;
}

template <int width = 32>
__device__ inline float warpMax(float x) {
#pragma unroll
  for (int d = width / 2; d > 0; d /= 2) {
    x = fmaxf(x, __shfl_xor_sync(ALL, x, d));
  }
  return x;
}

// Of a block of whole warps; every thread receives it.
template <typename T>
__device__ inline T blockSum(T x) {
  __shared__ T sums[32];
  int warps = blockDim.x / 32;
  x = warpSum(x);
  __syncthreads(); // the sums of a previous call have been read
  if (threadIdx.x % 32 == 0) {
    sums[threadIdx.x / 32] = x;
  }
  __syncthreads();
  x = threadIdx.x % 32 < warps ? sums[threadIdx.x % 32] : T(0);
  return warpSum(x);
}

__device__ inline float blockMax(float x) {
  __shared__ float maxima[32];
  int warps = blockDim.x / 32;
  x = warpMax(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) {
    maxima[threadIdx.x / 32] = x;
  }
  __syncthreads();
  x = threadIdx.x % 32 < warps ? maxima[threadIdx.x % 32] : maxima[0];
  return warpMax(x);
}
