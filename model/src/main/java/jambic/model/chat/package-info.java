/**
 * Conversations as tokens: a {@link jambic.model.chat.Message} says who says what, a {@link
 * jambic.model.chat.ChatTemplate} puts messages into the one text that a model reads.
 */
package jambic.model.chat;
