/** Memory of the backends that run on the CPU: tensors in Java arrays. */
package jambic.tensor.host;
