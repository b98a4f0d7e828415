package jambic.model.chat;

import jambic.model.generate.FinishReason;

/**
 * What a model answered.
 *
 * @param text the answer, without what ends it
 * @param reason why it ended: {@link FinishReason#STOP} if the model ended it
 */
public record ChatAnswer(String text, FinishReason reason) {}
