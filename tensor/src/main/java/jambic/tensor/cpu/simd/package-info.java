/** Vectors and threads, and the functions that are computed with them. */
package jambic.tensor.cpu.simd;
