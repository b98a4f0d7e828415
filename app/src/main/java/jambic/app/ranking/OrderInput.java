package jambic.app.ranking;

import java.util.List;
import java.util.Optional;

/** Where the orders of a person come from. */
interface OrderInput {
  /** What to tell before the first. */
  List<String> help();

  /**
   * Asks for the order of some answers.
   *
   * @return their numbers, the best first, as {@code 2 1=3}; or s, u, q; empty at the end
   */
  Optional<String> order(List<String> answers);
}
