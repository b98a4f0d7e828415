package jambic.train.example;

/**
 * Two answers to a prompt as tokens.
 *
 * @param prompt the prompt's tokens, at least one
 * @param chosen the tokens of the better answer, which end it
 * @param rejected the tokens of the other, which end it
 * @param margin by how much the better one's score should be ahead; 0 where nothing is said
 */
public record TokenPair(int[] prompt, int[] chosen, int[] rejected, double margin) {}
