package jambic.model.translator;

/**
 * A translation of a text.
 *
 * @param text the translation
 * @param score its log-probability divided by the length penalty; of a text in several parts, the
 *     sum of theirs
 * @param tokens how many tokens it has, with the end token
 * @param whole whether it ended before its greatest length
 */
public record Translation(String text, double score, int tokens, boolean whole) {}
