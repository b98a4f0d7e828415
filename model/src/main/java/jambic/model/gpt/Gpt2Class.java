package jambic.model.gpt;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The classes of transformers that GPT-2's weights are stored for: what head they have. */
enum Gpt2Class {
  LANGUAGE_MODEL(
      "GPT2LMHeadModel",
      "a language model, which gives a text no label and no score; name a classifier or a reward"
          + " model",
      "GPT2Model",
      "TFGPT2LMHeadModel",
      "TFGPT2Model",
      "FlaxGPT2LMHeadModel",
      "FlaxGPT2Model"),
  CLASSIFIER(
      "GPT2ForSequenceClassification",
      "a classifier or a reward model, which writes no text; name a language model, such as the one"
          + " that it was trained from",
      "TFGPT2ForSequenceClassification");

  private final String className;
  private final String instead;
  private final List<String> otherNames;

  Gpt2Class(String className, String instead, String... otherNames) {
    this.className = className;
    this.instead = instead;
    this.otherNames = List.of(otherNames);
  }

  /** The class that all names of a file's {@code architectures} are of, if there is one. */
  static Optional<Gpt2Class> of(List<?> names) {
    return Arrays.stream(values())
        .filter(one ->
            names.stream()
                .allMatch(name -> one.className.equals(name) || one.otherNames.contains(name)))
        .findFirst();
  }

  /** What a file is written with. */
  String className() {
    return className;
  }

  /** What it is and what to do where another one is wanted. */
  String instead() {
    return instead;
  }
}
