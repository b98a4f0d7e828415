package jambic.train.example;

/**
 * Two answers, of which one is better.
 *
 * @param prompt what both answer
 * @param chosen the better one
 * @param rejected the other
 */
public record Preference(Prompt prompt, String chosen, String rejected) {}
