package jambic.train.example;

/**
 * Two answers to a prompt as tokens.
 *
 * @param prompt the prompt's tokens, at least one
 * @param chosen the tokens of the better answer, which end it
 * @param rejected the tokens of the other, which end it
 */
public record TokenPair(int[] prompt, int[] chosen, int[] rejected) {}
