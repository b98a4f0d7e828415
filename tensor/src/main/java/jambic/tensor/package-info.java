/**
 * Tensors and the operations on them.
 *
 * <p>{@link jambic.tensor.Backends} opens what computes, a {@link jambic.tensor.spi.Region} of it
 * holds {@link jambic.tensor.Tensor}s, and {@link jambic.tensor.Ops} makes new ones of them: {@link
 * jambic.tensor.InferenceOps} computes and forgets.
 *
 * {@snippet file="jambic/tensor/OverviewTest.java" region=product}
 *
 * <p>{@link jambic.tensor.Tape} also records their derivatives. Gradients of trained tensors are
 * added to those that they were given:
 *
 * {@snippet file="jambic/tensor/OverviewTest.java" region=gradient}
 *
 * <p>What goes wrong is a {@link jambic.tensor.JambicException}, whose message is one sentence for
 * the user; shapes that do not fit are a {@link jambic.tensor.ShapeException}. Nothing is printed;
 * loggers are called {@code jambic.*}. A flight recording shows every {@link jambic.tensor.Launch}.
 */
package jambic.tensor;
