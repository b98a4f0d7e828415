package jambic.train.classify;

/**
 * A text of a known label.
 *
 * @param ids its tokens, at least one
 * @param label the label's number
 */
public record LabelledTokens(int[] ids, int label) {}
