// Softmax cross-entropy and log-probabilities (LossKernels). A row of logits belongs to one block of whole warps: 32 threads for a small
// vocabulary, up to 1024 for a large one.
#include "reduce.cuh"
#include "storage.cuh"

// Visits a row: a head until 16 bytes are aligned (rows of an odd vocabulary start anywhere), packs, and a tail.
template <typename One, typename Many>
__device__ inline void eachLogit(const real* row, int n, const One& one, const Many& many) {
  int head = (int)((16 - (unsigned long long)row % 16) % 16 / sizeof(real));
  head = head < n ? head : n;
  int packs = (n - head) / PACK;
  for (int j = threadIdx.x; j < head; j += blockDim.x) {
    one(j);
  }
  for (int i = threadIdx.x; i < packs; i += blockDim.x) {
    many(head + i * PACK);
  }
  for (int j = head + packs * PACK + threadIdx.x; j < n; j += blockDim.x) {
    one(j);
  }
}

// What a block knows of a row of numbers; its first thread does.
struct RowSums {
  float lse; // the logarithm of the sum of exponentials
  float sum;
};

// Numbers are what read makes of logits.
template <typename Read>
__device__ inline RowSums sumRow(const real* row, int v, const Read& read) {
  float max = minusInfinity();
  float exponentials = 0; // of the numbers seen, relative to their maximum
  float sum = 0;
  auto raise = [&](float most) {
    if (most > max) {
      exponentials *= exponential(max - most);
      max = most;
    }
  };
  auto count = [&](float x) {
    exponentials += exponential(x - (max == minusInfinity() ? 0 : max));
    sum += x;
  };
  auto one = [&](int j) {
    float x = read(row[j]);
    raise(x);
    count(x);
  };
  auto many = [&](int j) {
    Pack p = *reinterpret_cast<const Pack*>(row + j);
    float most = max;
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      most = fmaxf(most, read(p.at[i]));
    }
    raise(most);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      count(read(p.at[i]));
    }
  };
  eachLogit(row, v, one, many);
  float most = blockMax(max);
  exponentials *= max == minusInfinity() ? 0 : exponential(max - most);
  exponentials = blockSum(exponentials);
  sum = blockSum(sum);
  return RowSums{most + logf(exponentials), sum};
}

// Each row's logarithm of the sum of exponentials and its part of the loss.
extern "C" __global__ void crossEntropyRows(
    float* rowLoss, float* lse, const real* logits, const int* targets, float smoothing, int v, int stride) {
  index_t r = blockIdx.x;
  const real* row = logits + r * stride;
  RowSums sums = sumRow(row, v, [](real x) { return value(x); });
  if (threadIdx.x == 0) {
    int target = targets[r];
    lse[r] = sums.lse;
    rowLoss[r] =
        target == -1
            ? 0
            : sums.lse - (1 - smoothing) * value(row[inside(target, v)]) - smoothing * (sums.sum / v);
  }
}

// Each row's log-probability of its target.
extern "C" __global__ void logProbs(
    float* out, float* lse, const real* logits, const int* targets, float temperature, int v, int stride) {
  index_t r = blockIdx.x;
  const real* row = logits + r * stride;
  RowSums sums = sumRow(row, v, [&](real x) { return value(x) / temperature; });
  if (threadIdx.x == 0) {
    int target = targets[r];
    lse[r] = sums.lse;
    out[r] = target == -1 ? 0 : value(row[inside(target, v)]) / temperature - sums.lse;
  }
}

// How many rows count; a block of any whole number of warps.
__device__ inline int countTargets(const int* targets, int n) {
  int count = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    count += targets[i] != -1;
  }
  return blockSum(count);
}

// One block: the mean over the rows that count.
extern "C" __global__ void __launch_bounds__(1024) crossEntropyMean(
    float* loss, const float* rowLoss, const int* targets, int n) {
  double sum = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    sum += rowLoss[i];
  }
  sum = blockSum(sum);
  int count = countTargets(targets, n);
  if (threadIdx.x == 0) {
    *loss = (float)(sum / (count > 0 ? count : 1));
  }
}

// One block: what each row's gradient is multiplied by.
extern "C" __global__ void __launch_bounds__(1024) crossEntropyScale(
    float* scale, const float* dloss, const int* targets, int n) {
  int count = countTargets(targets, n);
  if (threadIdx.x == 0) {
    *scale = *dloss / (count > 0 ? count : 1);
  }
}

// Writes slope(j, logit) of every logit, and zeros between rows. May write over the logits: every thread reads what it
// overwrites first.
template <typename Slope>
__device__ inline void writeRow(real* dRow, const real* row, int v, int dStride, const Slope& slope) {
  bool together = (unsigned long long)row % 16 == (unsigned long long)dRow % 16;
  auto one = [&](int j) { dRow[j] = stored(slope(j, value(row[j]))); };
  auto many = [&](int j) {
    Pack p = *reinterpret_cast<const Pack*>(row + j);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
      p.at[i] = stored(slope(j + i, value(p.at[i])));
    }
    if (together) {
      *reinterpret_cast<Pack*>(dRow + j) = p;
    } else {
#pragma unroll
      for (int i = 0; i < PACK; i++) {
        dRow[j + i] = p.at[i];
      }
    }
  };
  eachLogit(row, v, one, many);
  for (int j = v + threadIdx.x; j < dStride; j += blockDim.x) {
    dRow[j] = stored(0);
  }
}

extern "C" __global__ void crossEntropyBackward(
    real* dlogits,
    const float* scale,
    const float* lse,
    const real* logits,
    const int* targets,
    float smoothing,
    int v,
    int dStride,
    int stride) {
  index_t r = blockIdx.x;
  int target = targets[r];
  float factor = target == -1 ? 0 : *scale;
  float rowLse = lse[r];
  float uniform = smoothing / v;
  writeRow(dlogits + r * dStride, logits + r * stride, v, dStride, [&](int j, float x) {
    float wanted = uniform + (j == target ? 1 - smoothing : 0);
    return target == -1 ? 0.0f : (exponential(x - rowLse) - wanted) * factor;
  });
}

extern "C" __global__ void logProbsBackward(
    real* dlogits,
    const float* dout,
    const float* lse,
    const real* logits,
    const int* targets,
    float temperature,
    int v,
    int dStride,
    int stride) {
  index_t r = blockIdx.x;
  int target = targets[r];
  float factor = dout[r] / temperature;
  float rowLse = lse[r];
  writeRow(dlogits + r * dStride, logits + r * stride, v, dStride, [&](int j, float x) {
    float wanted = j == target ? 1 : 0;
    return target == -1 ? 0.0f : (wanted - exponential(x / temperature - rowLse)) * factor;
  });
}
