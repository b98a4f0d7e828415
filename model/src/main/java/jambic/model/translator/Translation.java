package jambic.model.translator;

/**
 * A translation of a text.
 *
 * @param text the translation
 * @param score its log-probability divided by the length penalty; of a text in several parts, the
 *     sum of theirs
 */
public record Translation(String text, double score) {}
