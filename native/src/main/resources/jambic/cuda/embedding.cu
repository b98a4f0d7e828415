// Rows by their index: token and position embeddings, and rows of activations (EmbeddingKernels). Tables that are trained and their gradients are 32-bit floats.
#include "storage.cuh"

// A block for each token; v tokens and p positions are known.
extern "C" __global__ void embed(
    real* out, const int* ids, const float* wte, const float* wpe, const int* starts, int steps, int c, int v, int p, float scale) {
  int i = blockIdx.x;
  const float* token = wte + (index_t)inside(ids[i], v) * c;
  int position = (starts == nullptr ? 0 : starts[i / steps]) + i % steps;
  const float* place = wpe == nullptr ? nullptr : wpe + (index_t)inside(position, p) * c;
  for (int j = threadIdx.x; j < c; j += blockDim.x) {
    out[(index_t)i * c + j] = stored(fmaf(scale, token[j], place == nullptr ? 0 : place[j]));
  }
}

// A block for each index: rows of activations, v of them.
extern "C" __global__ void rows(real* out, const int* ids, const real* table, int c, int v) {
  const real* row = table + (index_t)inside(ids[blockIdx.x], v) * c;
  for (int j = threadIdx.x; j < c; j += blockDim.x) {
    out[(index_t)blockIdx.x * c + j] = row[j];
  }
}

constexpr int RANKED = 4; // tokens of a lane

// The places of the tokens sorted by token, then by place: order[rank] = place. A block of 1024 threads ranks 128 tokens
// by comparing each with all others, of which each warp has a stretch: quadratic, but one launch without scratch, and
// short beside a step (bench/results/gpu-notes.md).
extern "C" __global__ void __launch_bounds__(1024) sortTokens(int* order, const int* ids, int n) {
  __shared__ int ranks[32][32 * RANKED];
  int lane = threadIdx.x % 32;
  int warp = threadIdx.x / 32;
  int first = blockIdx.x * 32 * RANKED;
  int id[RANKED];
  int rank[RANKED] = {};
#pragma unroll
  for (int i = 0; i < RANKED; i++) {
    int place = first + i * 32 + lane;
    id[i] = place < n ? ids[place] : 0;
  }
  int each = (n + 31) / 32;
  int to = (warp + 1) * each < n ? (warp + 1) * each : n;
  auto compare = [&](int from, int end, auto before) {
#pragma unroll 8
    for (int j = from > warp * each ? from : warp * each; j < (end < to ? end : to); j++) {
      int other = ids[j];
#pragma unroll
      for (int i = 0; i < RANKED; i++) {
        rank[i] += before(other, j, i);
      }
    }
  };
  compare(0, first, [&](int other, int, int i) { return other <= id[i]; }); // equal ones come first
  compare(first, first + 32 * RANKED, [&](int other, int j, int i) {
    return other < id[i] || (other == id[i] && j < first + i * 32 + lane);
  });
  compare(first + 32 * RANKED, n, [&](int other, int, int i) { return other < id[i]; });
#pragma unroll
  for (int i = 0; i < RANKED; i++) {
    ranks[warp][i * 32 + lane] = rank[i];
  }
  __syncthreads();
  int place = first + threadIdx.x;
  if (threadIdx.x < 32 * RANKED && place < n) {
    int all = 0;
    for (int w = 0; w < 32; w++) {
      all += ranks[w][threadIdx.x];
    }
    order[all] = place;
  }
}

constexpr int PIECE = 32; // sorted tokens a block adds up

// Block (piece, 128 columns). A token whose places all lie in this piece is added to its row at once; what a token
// has in common with the piece before or after goes to borders (pieces, 2, c): first the sum of the token that came in,
// then that of the token which goes on.
extern "C" __global__ void embedBackward(
    float* dwte, float* borders, const real* dout, const int* ids, const int* order, int n, int c, int v, float scale) {
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
      float* row = dwte + (index_t)inside(id, v) * c + column;
      *row = fmaf(scale, sum, *row);
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
    float* dwte, const float* borders, const int* ids, const int* order, int n, int c, int v, float scale) {
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
  float* row = dwte + (index_t)inside(id, v) * c + column;
  *row = fmaf(scale, sum, *row);
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

// Block (row of dx, 128 columns) of v rows: the rows of dout whose index it is, which are neighbours in the order.
extern "C" __global__ void rowsBackward(
    real* dx, const real* dout, const int* index, const int* order, int n, int c, int v, int accumulate) {
  int column = blockIdx.y * blockDim.x + threadIdx.x;
  int row = blockIdx.x;
  if (column >= c) {
    return;
  }
  int p = 0; // the first whose row is this one, or a later one
  for (int to = n; p < to;) {
    int middle = p + (to - p) / 2;
    if (inside(index[order[middle]], v) < row) {
      p = middle + 1;
    } else {
      to = middle;
    }
  }
  real* d = dx + (index_t)row * c + column;
  float sum = 0;
  for (; p < n && inside(index[order[p]], v) == row; p++) {
    sum += value(dout[(index_t)order[p] * c + column]);
  }
  *d = stored(accumulate ? value(*d) + sum : sum);
}
