package jambic.train.example;

import java.util.Optional;

/**
 * A prompt to have answered.
 *
 * @param prompt the prompt
 * @param answer the right answer, if it can be checked
 * @param kind the group to count it in, if there are groups
 */
public record PromptRow(Prompt prompt, Optional<String> answer, Optional<String> kind) {}
