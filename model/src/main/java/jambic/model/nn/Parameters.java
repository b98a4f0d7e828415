package jambic.model.nn;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Predicate;

/** The named weights of a model, in the order in which the model lists them. */
public final class Parameters {
  private final SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
  private final Region region;
  private final Optional<Parameters> shared;

  /**
   * No weights yet.
   *
   * @param region where they will live
   */
  public Parameters(Region region) {
    this(region, Optional.empty());
  }

  /**
   * No weights yet.
   *
   * @param region where they will live
   * @param shared a model of the same shape whose weights are taken instead of new ones, if any
   */
  public Parameters(Region region, Optional<Parameters> shared) {
    this.region = region;
    this.shared = shared;
  }

  /**
   * Adds a weight; its content is undefined until it is set.
   *
   * @param name unique in the model, as GPT-2's checkpoints spell it: {@code
   *     h.0.attn.c_attn.weight}
   * @param dims its extents
   * @return the F32 tensor
   */
  public Tensor add(String name, int... dims) {
    return add(
        name,
        shared
            .map(own -> own.get(name))
            .orElseGet(() -> region.allocate(DType.F32, Shape.of(dims))));
  }

  /**
   * Adds a matrix of 8 bits a weight; its content is undefined until it is set.
   *
   * @param name unique in the model
   * @param rows how many rows, each of which has a scale
   * @param columns how many columns
   * @return the I8 tensor, with its scales
   */
  public Tensor addQuantized(String name, int rows, int columns) {
    if (shared.isPresent()) {
      return add(name, shared.get().get(name));
    }
    Tensor scales = region.allocate(DType.F32, Shape.of(rows));
    return add(name, region.allocate(DType.I8, Shape.of(rows, columns)).scaledBy(scales));
  }

  private Tensor add(String name, Tensor tensor) {
    if (tensors.put(name, tensor) != null) {
      throw new IllegalStateException("two weights are called " + name);
    }
    return tensor;
  }

  /**
   * All weights by name, in order.
   *
   * @return an unmodifiable view
   */
  public SequencedMap<String, Tensor> byName() {
    return Collections.unmodifiableSequencedMap(tensors);
  }

  /**
   * One weight.
   *
   * @param name its name
   * @return the tensor
   * @throws JambicException if the model has none of that name
   */
  public Tensor get(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new JambicException("the model has no weight " + name);
    }
    return tensor;
  }

  /**
   * All weights, in order.
   *
   * @return the tensors
   */
  public List<Tensor> tensors() {
    return List.copyOf(tensors.values());
  }

  /**
   * The number of scalars.
   *
   * @return the sum of all sizes
   */
  public long count() {
    return tensors.values().stream().mapToLong(Tensor::size).sum();
  }

  /**
   * The number of scalars that have a gradient.
   *
   * @return the sum of the sizes of what is trained
   */
  public long trainedCount() {
    return tensors.values().stream().filter(t -> !t.grad().isNone()).mapToLong(Tensor::size).sum();
  }

  /**
   * Gives every weight a gradient to train into.
   *
   * @param gradients where the gradients live
   */
  public void train(Region gradients) {
    train(gradients, name -> true);
  }

  /**
   * Gives some weights a gradient to train into; the others are frozen.
   *
   * @param gradients where the gradients live
   * @param trained which weights, by name
   */
  public void train(Region gradients, Predicate<String> trained) {
    tensors.forEach((name, tensor) ->
        tensor.setGrad(
            trained.test(name) ? gradients.allocate(DType.F32, tensor.shape()) : Tensor.NONE));
  }
}
