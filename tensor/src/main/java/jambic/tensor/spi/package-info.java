/**
 * What a backend implements: memory and kernels. Kernels write into given outputs: outputs come
 * first, saved statistics next, inputs then, scalars last; a forward kernel and its backward stand
 * side by side. Gradients of parameters are added to; gradients of activations are overwritten
 * unless a kernel says otherwise; what is overwritten may hold anything before, NaN too. All
 * numbers are F32 unless said; where {@link jambic.tensor.spi.Backend#activationType} is another
 * type, activations and their gradients have that one. Tensors are contiguous and outputs overlap
 * nothing but where a kernel allows it.
 *
 * <p>Apart from backends, a {@link jambic.tensor.spi.Communicator} joins processes.
 */
package jambic.tensor.spi;
