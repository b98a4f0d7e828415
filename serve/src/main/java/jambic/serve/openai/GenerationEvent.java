package jambic.serve.openai;

import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
import java.util.List;

/**
 * What an engine tells of one of the texts of a request. Tokens come with the text that they make
 * certain: one event, and one waking of who waits for it.
 */
sealed interface GenerationEvent {
  /** Which text. */
  int choice();

  /** Some text is certain. */
  record Said(int choice, List<GeneratedToken> tokens, String piece) implements GenerationEvent {}

  /** Nothing more will come. */
  record Ended(int choice, List<GeneratedToken> tokens, FinishReason reason)
      implements GenerationEvent {}

  /** It failed. */
  record Failed(int choice, RuntimeException why) implements GenerationEvent {}
}
