package jambic.serve.openai;

import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;

/** What an engine tells of one of the texts of a request. */
sealed interface GenerationEvent {
  /** Which text. */
  int choice();

  /** A token was chosen. */
  record Chosen(int choice, GeneratedToken token) implements GenerationEvent {}

  /** Some text is certain. */
  record Said(int choice, String piece) implements GenerationEvent {}

  /** Nothing more will come. */
  record Ended(int choice, FinishReason reason) implements GenerationEvent {}

  /** It failed. */
  record Failed(int choice, RuntimeException why) implements GenerationEvent {}
}
