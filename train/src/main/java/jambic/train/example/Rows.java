package jambic.train.example;

import java.util.List;

/**
 * What a file holds.
 *
 * @param <T> the kind of rows
 * @param rows in the order of the file, at least one
 * @param notices what was passed over, a sentence each, for the user to know
 */
public record Rows<T>(List<T> rows, List<String> notices) {
  /** Copies the lists. */
  public Rows {
    rows = List.copyOf(rows);
    notices = List.copyOf(notices);
  }
}
