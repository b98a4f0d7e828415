// Token and position embeddings (EmbeddingKernels). Tables that are trained and their gradients are 32-bit floats.
#include "storage.cuh"

// A block for each token; v tokens and p positions are known.
extern "C" __global__ void embed(
    real* out, const int* ids, const float* wte, const float* wpe, const int* starts, int steps, int c, int v, int p) {
  int i = blockIdx.x;
  const float* token = wte + (index_t)inside(ids[i], v) * c;
  int position = (starts == nullptr ? 0 : starts[i / steps]) + i % steps;
  const float* place = wpe == nullptr ? nullptr : wpe + (index_t)inside(position, p) * c;
  for (int j = threadIdx.x; j < c; j += blockDim.x) {
    out[(index_t)i * c + j] = stored(token[j] + (place == nullptr ? 0 : place[j]));
  }
}

// A block for each row: of a table of activations, v of them.
extern "C" __global__ void embedActivations(real* out, const int* ids, const real* table, int c, int v) {
  const real* row = table + (index_t)inside(ids[blockIdx.x], v) * c;
  for (int j = threadIdx.x; j < c; j += blockDim.x) {
    out[(index_t)blockIdx.x * c + j] = row[j];
  }
}

// The places of the tokens sorted by token, then by place: order[rank] = place. A thread ranks one token by comparing
// it with all others: quadratic, but one launch without scratch, and short beside a step (bench/results/gpu-notes.md).
extern "C" __global__ void sortTokens(int* order, const int* ids, int n) {
  __shared__ int others[1024];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int id = i < n ? ids[i] : 0;
  int rank = 0;
  for (int from = 0; from < n; from += 1024) {
    __syncthreads();
    for (int j = threadIdx.x; j < 1024; j += blockDim.x) {
      others[j] = from + j < n ? ids[from + j] : 0x7fffffff;
    }
    __syncthreads();
    if (from + 1024 <= blockIdx.x * blockDim.x) { // all before: equal ones come first
#pragma unroll 16
      for (int j = 0; j < 1024; j++) {
        rank += others[j] <= id;
      }
    } else {
#pragma unroll 16
      for (int j = 0; j < 1024; j++) {
        rank += others[j] < id || (others[j] == id && from + j < i);
      }
    }
  }
  if (i < n) {
    order[rank] = i;
  }
}

constexpr int PIECE = 32; // sorted tokens a block adds up

// Block (piece, 128 columns). A token whose places all lie in this piece is added to its row at once; what a token
// has in common with the piece before or after goes to borders (pieces, 2, c): first the sum of the token that came in,
// then that of the token which goes on.
extern "C" __global__ void embedBackward(
    float* dwte, float* borders, const real* dout, const int* ids, const int* order, int n, int c, int v) {
  int column = blockIdx.y * blockDim.x + threadIdx.x;
  int from = blockIdx.x * PIECE;
  int to = from + PIECE < n ? from + PIECE : n;
  if (column >= c) {
    return;
  }
  bool entered = from > 0 && ids[order[from - 1]] == ids[order[from]];
  float sum = 0;
#pragma unroll 4
  for (int p = from; p < to; p++) {
    int id = ids[order[p]];
    sum += value(dout[(index_t)order[p] * c + column]);
    bool last = p + 1 == n || ids[order[p + 1]] != id;
    if (entered && (last || p + 1 == to)) {
      borders[(index_t)blockIdx.x * 2 * c + column] = sum;
    } else if (last) {
      dwte[(index_t)inside(id, v) * c + column] += sum;
    } else if (p + 1 == to) {
      borders[((index_t)blockIdx.x * 2 + 1) * c + column] = sum;
    }
    if (last) {
      entered = false;
      sum = 0;
    }
  }
}

// Block (piece, 128 columns), after embedBackward: the token which leaves a piece that it did not come into gets all
// its sums, in order.
extern "C" __global__ void embedBackwardBorders(
    float* dwte, const float* borders, const int* ids, const int* order, int n, int c, int v) {
  int column = blockIdx.y * blockDim.x + threadIdx.x;
  int from = blockIdx.x * PIECE;
  int to = from + PIECE;
  if (column >= c || to >= n) {
    return;
  }
  int id = ids[order[to - 1]];
  if (ids[order[to]] != id || (ids[order[from]] == id && from > 0 && ids[order[from - 1]] == id)) {
    return;
  }
  float sum = borders[((index_t)blockIdx.x * 2 + 1) * c + column];
  for (int p = to; p < n && ids[order[p]] == id; p += PIECE) {
    sum += borders[(index_t)(p / PIECE) * 2 * c + column];
  }
  dwte[(index_t)inside(id, v) * c + column] += sum;
}

// Block (position, 128 columns): the sequences of a batch in order.
extern "C" __global__ void embedPositionsBackward(float* dwpe, const real* dout, int batch, int steps, int c) {
  int column = blockIdx.y * blockDim.x + threadIdx.x;
  if (column >= c) {
    return;
  }
  float sum = 0;
#pragma unroll 4
  for (int b = 0; b < batch; b++) {
    sum += value(dout[((index_t)b * steps + blockIdx.x) * c + column]);
  }
  dwpe[(index_t)blockIdx.x * c + column] += sum;
}
