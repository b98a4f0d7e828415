package jambic.model.translator;

import jambic.model.text.Tokenizer;
import java.util.Set;
import java.util.stream.IntStream;

/** A vocabulary that both languages share. */
record JointTokenizer(Tokenizer tokenizer) implements TranslationTokenizer {
  @Override
  public int[] encodeSource(String text) {
    return tokenizer.encodePrompt(text, false);
  }

  @Override
  public String decode(int... ids) {
    Set<Integer> special = Set.copyOf(tokenizer.specialTokens().values());
    return tokenizer.decode(IntStream.of(ids).filter(id -> !special.contains(id)).toArray());
  }

  @Override
  public byte[] bytes(int id) {
    return tokenizer.specialTokens().containsValue(id) ? new byte[0] : tokenizer.decodeBytes(id);
  }
}
