package jambic.model.nn;

import jambic.tensor.Tensor;

/**
 * The next tokens of B sequences, R in all, row after row in one matrix, so that every linear layer
 * is one product.
 *
 * @param ids I32 (R, 1): the tokens
 * @param positions I32 (R): where each stands in its sequence
 * @param rows I32 (B + 1): the row at which each sequence starts, and R
 * @param starts I32 (B): how many tokens of each sequence are cached
 * @param pages I32 (B, N): where
 */
public record PackedBatch(Tensor ids, Tensor positions, Tensor rows, Tensor starts, Tensor pages) {}
