package jambic.train.example;

/**
 * A text of a known class.
 *
 * @param text the text, not blank
 * @param label the name of its class
 */
public record LabelledText(String text, String label) {}
