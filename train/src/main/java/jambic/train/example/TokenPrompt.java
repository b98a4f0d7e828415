package jambic.train.example;

/**
 * A prompt as tokens.
 *
 * @param ids the tokens, at least one
 * @param row what it was read from
 */
public record TokenPrompt(int[] ids, PromptRow row) {}
