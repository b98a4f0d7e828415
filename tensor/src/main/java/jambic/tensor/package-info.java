/** Tensors and the operations on them. */
package jambic.tensor;
