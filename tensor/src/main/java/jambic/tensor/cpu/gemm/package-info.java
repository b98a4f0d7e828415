/** Matrix products: packing, register tiles, and few rows by many weights. */
package jambic.tensor.cpu.gemm;
