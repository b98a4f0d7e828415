package jambic.train.optim;

import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Something that an optimizer keeps of a parameter from one update to the next, wherever it lies.
 * Where ranks have a part each, all of them call the same methods in the same order.
 */
public interface Moment {
  /**
   * Its extents.
   *
   * @return the parameter's shape
   */
  Shape shape();

  /**
   * Copies it to the host.
   *
   * @return all elements, row-major; on ranks that write no checkpoint perhaps none
   */
  float[] values();

  /**
   * Sets it.
   *
   * @param values all elements, row-major
   */
  void set(float[] values);

  /**
   * Moments that lie in tensors.
   *
   * @param tensors by name
   * @return the same, in the same order
   */
  static SequencedMap<String, Moment> of(Map<String, Tensor> tensors) {
    SequencedMap<String, Moment> moments = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> moments.put(name, new OfTensor(tensor)));
    return moments;
  }

  /**
   * A moment that lies in a tensor.
   *
   * @param tensor all of it
   */
  record OfTensor(Tensor tensor) implements Moment {
    @Override
    public Shape shape() {
      return tensor.shape();
    }

    @Override
    public float[] values() {
      return tensor.toFloats();
    }

    @Override
    public void set(float[] values) {
      tensor.set(values);
    }
  }
}
