package jambic.train.example;

/**
 * An answer that was found good or bad on its own.
 *
 * @param prompt what it answers
 * @param completion the answer
 * @param good whether it is good
 */
public record Judged(Prompt prompt, String completion, boolean good) {}
