#pragma once
// The masks of dropout, as jambic.tensor.spi.Dropout defines them: equal on every backend.

struct Dropout {
  unsigned long long seed;
  const int* step;    // on the device: a captured step draws afresh
  unsigned site;
  unsigned threshold; // what a word's upper 24 bits must reach; 0 drops nothing
  float scale;
};

struct Words {
  unsigned at[4];
};

// Philox4x32-10 (Salmon et al., 2011) of block n of a mask.
__device__ inline Words drawBlock(const Dropout& dropout, unsigned step, unsigned long long n) {
  unsigned c0 = (unsigned)n, c1 = (unsigned)(n >> 32), c2 = step, c3 = dropout.site;
  unsigned k0 = (unsigned)dropout.seed, k1 = (unsigned)(dropout.seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    unsigned h0 = __umulhi(0xD2511F53u, c0), l0 = 0xD2511F53u * c0;
    unsigned h1 = __umulhi(0xCD9E8D57u, c2), l1 = 0xCD9E8D57u * c2;
    c0 = h1 ^ c1 ^ k0;
    c1 = l1;
    c2 = h0 ^ c3 ^ k1;
    c3 = l0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return Words{{c0, c1, c2, c3}};
}

__device__ inline bool kept(const Dropout& dropout, unsigned word) { return word >= dropout.threshold << 8; }

__device__ inline float factor(const Dropout& dropout, unsigned word) {
  return kept(dropout, word) ? dropout.scale : 0.0f;
}
