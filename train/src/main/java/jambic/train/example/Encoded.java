package jambic.train.example;

import java.util.List;

/**
 * What became of rows: the examples, and what is to be said of the others.
 *
 * @param <T> the kind of examples
 * @param examples in the order of their rows, at least one
 * @param dropped the rows that no example was made of, and odd ones of which one was
 */
public record Encoded<T>(List<T> examples, Dropped dropped) {
  /** Copies the list. */
  public Encoded {
    examples = List.copyOf(examples);
  }
}
