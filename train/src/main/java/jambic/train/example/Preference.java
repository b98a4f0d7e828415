package jambic.train.example;

/**
 * Two answers, of which one is better.
 *
 * @param prompt what both answer
 * @param chosen the better one
 * @param rejected the other
 * @param margin by how much the better one's score should be ahead; 0 where nothing is said
 */
public record Preference(Prompt prompt, String chosen, String rejected, double margin) {
  /**
   * Two answers of which one is better by any amount.
   *
   * @param prompt what both answer
   * @param chosen the better one
   * @param rejected the other
   */
  public Preference(Prompt prompt, String chosen, String rejected) {
    this(prompt, chosen, rejected, 0);
  }
}
