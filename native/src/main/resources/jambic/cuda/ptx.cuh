#pragma once
// Every instruction that CUDA C++ has no operator for. Nothing else in these files is PTX.

// The bfloat16 nearest to a float, ties to even.
__device__ inline unsigned short narrow(float x) {
  unsigned short bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}

// Two bfloat16 in one register, the first in the lower half.
__device__ inline unsigned narrow2(float low, float high) {
  unsigned bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

// 2^x within 2 ulp; 0 for -infinity.
__device__ inline float exp2Fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// 1 / x within 1 ulp; 0 for infinity.
__device__ inline float reciprocalFast(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// c += a b for a (16, 16), b (16, 8) and c (16, 8). Lane l has of c the rows l/4 and l/4 + 8 at the columns 2 (l%4)
// and 2 (l%4) + 1: c[0], c[1] of the upper row, c[2], c[3] of the lower one. Of a it has the pairs (l/4, 2 (l%4)),
// (l/4 + 8, 2 (l%4)), (l/4, 2 (l%4) + 8), (l/4 + 8, 2 (l%4) + 8); of b the pairs of rows 2 (l%4) and 2 (l%4) + 8 of
// column l/4.
__device__ inline void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four 8 x 8 matrices of bfloat16 from shared memory: lane l gives the address of row l%8 of matrix l/8 and receives
// of each matrix the pair at row l/4, columns 2 (l%4) and 2 (l%4) + 1.
__device__ inline void loadMatrices(unsigned (&r)[4], const void* row) {
  unsigned address = (unsigned)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

// The same, each matrix transposed.
__device__ inline void loadTransposed(unsigned (&r)[4], const void* row) {
  unsigned address = (unsigned)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

// Begins to copy 16 bytes into shared memory, or zeros when there is nothing to read.
__device__ inline void beginCopy(void* to, const void* from, bool there) {
  unsigned address = (unsigned)__cvta_generic_to_shared(to);
  int bytes = there ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
}

// The same for one float.
__device__ inline void beginWordCopy(float* to, const float* from, bool there) {
  unsigned address = (unsigned)__cvta_generic_to_shared(to);
  int bytes = there ? 4 : 0;
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
}

// Closes a group of copies.
__device__ inline void endCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most PENDING of the thread's youngest groups of copies are under way.
template <int PENDING>
__device__ inline void awaitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}
