/** Attention in blocks that stay in the cache, without a matrix of all scores. */
package jambic.tensor.cpu.attention;
