/**
 * GPTs that judge texts: the model that gives a text one score for each label, or one in all as a
 * reward model does, how it is stored, and {@link jambic.model.classifier.TextClassifier}, which
 * goes from text to label.
 */
package jambic.model.classifier;
