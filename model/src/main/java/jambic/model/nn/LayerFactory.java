package jambic.model.nn;

import jambic.tensor.Tensor;
import java.util.Optional;

/**
 * Makes the layers of a model and their parameters, in the order in which it is asked, which is
 * also the order of their initial random numbers.
 *
 * @param parameters where weights are added
 * @param quantized whether matrices have 8 bits
 * @param lora which linear layers get adapters, if any
 * @param adapters where the adapters' weights are added
 */
public record LayerFactory(
    Parameters parameters, boolean quantized, Optional<LoraConfig> lora, Parameters adapters) {
  /**
   * Makes a linear layer, with an adapter where {@link #lora} says so.
   *
   * @param name as GPT-2 names it, without the end
   * @param out rows of its weight
   * @param in columns of its weight
   * @param biased whether it has a bias
   * @return the layer
   */
  public Linear linear(String name, int out, int in, boolean biased) {
    Tensor weight = matrix(name + ".weight", out, in);
    Optional<LoraAdapter> adapter =
        lora.filter(l -> l.layers().adapts(name))
            .map(l -> LoraAdapter.of(l, adapters, name, weight));
    return new Linear(weight, bias(name, out, biased), adapter);
  }

  /**
   * Makes a linear layer whose weight is that of another, such as the token embedding.
   *
   * @param weight (out, in)
   * @param name of its bias, without the end
   * @param biased whether it has one
   * @return the layer
   */
  public Linear tied(Tensor weight, String name, boolean biased) {
    return new Linear(weight, bias(name, weight.dim(0), biased), Optional.empty());
  }

  /**
   * Makes a layer normalization.
   *
   * @param name as GPT-2 names it, without the end
   * @param width C
   * @param biased whether it has a bias
   * @param eps what is added to the variance
   * @return the layer
   */
  public LayerNorm layerNorm(String name, int width, boolean biased, float eps) {
    return new LayerNorm(parameters.add(name + ".weight", width), bias(name, width, biased), eps);
  }

  /**
   * Makes a matrix that a linear layer may share.
   *
   * @param name of the parameter
   * @param rows its rows
   * @param columns its columns
   * @return the parameter
   */
  public Tensor matrix(String name, int rows, int columns) {
    return quantized
        ? parameters.addQuantized(name, rows, columns)
        : parameters.add(name, rows, columns);
  }

  private Tensor bias(String name, int size, boolean biased) {
    return biased ? parameters.add(name + ".bias", size) : Tensor.NONE;
  }
}
