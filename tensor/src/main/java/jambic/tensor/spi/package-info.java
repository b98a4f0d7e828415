/**
 * What a backend implements: memory and kernels. Kernels write into given outputs: outputs come first, saved statistics
 * next, inputs then, scalars last; a forward kernel and its backward stand side by side. Gradients of parameters are
 * added to; gradients of activations are overwritten unless a kernel says otherwise. All numbers are F32 unless said.
 */
package jambic.tensor.spi;
