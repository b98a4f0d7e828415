package jambic.model.chat;

/**
 * A conversation as a model reads it.
 *
 * @param ids its tokens
 * @param learned which of them the model is to learn: the assistant's answers, and the token that
 *     ends each
 */
public record Rendered(int[] ids, boolean[] learned) {}
