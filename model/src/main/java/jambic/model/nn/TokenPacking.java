package jambic.model.nn;

import jambic.tensor.Tensor;

/**
 * Where the tokens of several sequences lie that are computed without padding between them. What a
 * token computes by itself is computed for R tokens side by side; attention sees the sequences
 * padded on the right, so that no token sees another sequence. Positions begin again with each
 * sequence.
 *
 * @param padded I32 (B, T): which of the R tokens stands there; any where there is padding
 * @param packed I32 (R): which of the B times T places each token has; any where R is more than
 *     there are tokens, and then nothing may be learned from what comes of it
 */
public record TokenPacking(Tensor padded, Tensor packed) {}
