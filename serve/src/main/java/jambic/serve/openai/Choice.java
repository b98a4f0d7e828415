package jambic.serve.openai;

import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
import jambic.model.generate.TokenLogProbs;
import jambic.model.text.TokenDecoder;
import jambic.model.text.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One text of an answer: which tokens its pieces are made of. Text comes later than its tokens
 * where it may be the beginning of a stop text; the tokens of a stop text are not told.
 */
final class Choice {
  /**
   * A token and where its text begins.
   *
   * @param id the token
   * @param logProbs its log-probabilities
   * @param offset in the text, in characters (code points)
   */
  record Placed(int id, Optional<TokenLogProbs> logProbs, int offset) {}

  private final TokenDecoder decoder;
  private final Set<Integer> endTokens;
  private final Deque<Placed> held = new ArrayDeque<>();
  private int decoded;
  private int told;
  private int tokens;
  private boolean atEndToken;

  Choice(Tokenizer tokenizer, Set<Integer> endTokens) {
    decoder = tokenizer.decoder();
    this.endTokens = endTokens;
  }

  /** How many tokens were chosen, one that ended it included. */
  int tokens() {
    return tokens;
  }

  void chosen(GeneratedToken token) {
    tokens++;
    atEndToken = endTokens.contains(token.id());
    if (!atEndToken) {
      held.add(new Placed(token.id(), token.logProbs(), decoded));
      decoded += characters(decoder.next(token.id()));
    }
  }

  /** The tokens whose text begins in what is told now. */
  List<Placed> said(String piece) {
    told += characters(piece);
    List<Placed> placed = new ArrayList<>();
    while (!held.isEmpty() && held.peek().offset() < told) {
      placed.add(held.remove());
    }
    return placed;
  }

  /** The rest: tokens without a text of their own; those of a stop text are left out. */
  List<Placed> ended(FinishReason reason) {
    boolean stopText = reason == FinishReason.STOP && !atEndToken;
    return stopText ? List.of() : List.copyOf(held);
  }

  static int characters(String text) {
    return text.codePointCount(0, text.length());
  }
}
