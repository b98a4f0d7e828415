package jambic.train.policy;

import java.util.Optional;

/**
 * An answer to be scored.
 *
 * @param prompt the text that was answered
 * @param answer what was written, without the token that ends it
 * @param ended whether that token came, before the limit did
 * @param expected the right answer, where the prompt has one
 */
public record Completion(String prompt, String answer, boolean ended, Optional<String> expected) {}
