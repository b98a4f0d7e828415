package jambic.tensor.spi;

/**
 * All kernels that every backend has, one family an idea.
 *
 * @param linear linear layers
 * @param embedding rows by their index
 * @param norm normalization
 * @param activation nonlinearities
 * @param attention attention
 * @param elementwise sums, products and dropout
 * @param loss losses
 * @param optimizer the update
 */
public record KernelFamilies(
    LinearKernels linear,
    EmbeddingKernels embedding,
    NormKernels norm,
    ActivationKernels activation,
    AttentionKernels attention,
    ElementwiseKernels elementwise,
    LossKernels loss,
    OptimizerKernels optimizer) {}
