package jambic.model;

import jambic.tensor.Tensor;
import java.util.Optional;

/**
 * Makes the layers of a model and their parameters, in the order in which it is asked, which is also
 * the order of their initial random numbers.
 *
 * @param parameters where weights are added
 * @param quantized whether matrices have 8 bits
 * @param lora which linear layers get adapters, if any
 * @param adapters where the adapters' weights are added
 */
record LayerFactory(
    Parameters parameters, boolean quantized, Optional<Lora> lora, Parameters adapters) {
  /** A linear layer with an adapter where {@link #lora} says so; {@code name} as in GPT-2. */
  Linear linear(String name, int out, int in, boolean biased) {
    Tensor weight = matrix(name + ".weight", out, in);
    Optional<LoraAdapter> adapter =
        lora.filter(l -> l.layers().adapts(name))
            .map(l -> LoraAdapter.of(l, adapters, name, weight));
    return new Linear(weight, bias(name, out, biased), adapter);
  }

  /** A linear layer whose weight is that of another, such as the token embedding. */
  Linear tied(Tensor weight, String name, boolean biased) {
    return new Linear(weight, bias(name, weight.dim(0), biased), Optional.empty());
  }

  LayerNorm layerNorm(String name, int width, boolean biased, float eps) {
    return new LayerNorm(
        parameters.add(name + ".weight", width), bias(name, width, biased), eps);
  }

  /** A table that a linear layer may share. */
  Tensor matrix(String name, int rows, int columns) {
    return quantized
        ? parameters.addQuantized(name, rows, columns)
        : parameters.add(name, rows, columns);
  }

  private Tensor bias(String name, int size, boolean biased) {
    return biased ? parameters.add(name + ".bias", size) : Tensor.NONE;
  }
}
