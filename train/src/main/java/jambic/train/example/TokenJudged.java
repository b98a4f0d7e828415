package jambic.train.example;

/**
 * A judged answer as tokens.
 *
 * @param prompt the prompt's tokens, at least one
 * @param answer the tokens of the answer, which end it
 * @param good whether it is good
 */
public record TokenJudged(int[] prompt, int[] answer, boolean good) {}
