package jambic.model.text;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Learns a byte-pair vocabulary from texts: again and again the pair of neighboring tokens that
 * occurs most often within words becomes a token (Sennrich et al., "Neural Machine Translation of
 * Rare Words with Subword Units", 2016). Of pairs that occur equally often the one with the smaller
 * ids wins, so that the same texts give the same vocabulary, which is also that of Hugging Face's
 * {@code ByteLevelBPETokenizer}.
 */
public final class BpeTrainer {
  /** The least vocabulary: every byte and the end of a text. */
  public static final int LEAST_VOCAB_SIZE = 257;

  /** The least vocabulary of a translator: its special tokens and every byte. */
  public static final int LEAST_TRANSLATION_VOCAB_SIZE = TranslationTokens.ALL.size() + 256;

  private static final int LEAST_COUNT = 2; // a pair that occurs once would be learned by heart

  /** How often a word occurs. */
  private static final class Count {
    private long value;
  }

  private final Map<String, Count> counts = new HashMap<>();
  private String open = "";

  /** A trainer that has seen no text. */
  public BpeTrainer() {}

  /**
   * Takes the next part of a text.
   *
   * @param text any part, perhaps one that ends amid a word
   */
  public void add(String text) {
    String all = open + text;
    open = all.substring(count(all, all.length() - Gpt2PreTokenizer.LOOK_AHEAD));
  }

  /** Ends a text: no word goes on in what is added next. */
  public void endText() {
    count(open, open.length());
    open = "";
  }

  private int count(String text, int to) {
    int begin = 0;
    while (begin < to) {
      int end = Gpt2PreTokenizer.end(text, begin);
      if (end > to) {
        break;
      }
      counts.computeIfAbsent(text.substring(begin, end), word -> new Count()).value++;
      begin = end;
    }
    return begin;
  }

  /**
   * Learns from all that was added.
   *
   * @param vocabSize tokens, the 256 bytes and {@code <|endoftext|>} among them
   * @return a tokenizer of that many tokens, or of fewer if no pair is left that occurs twice
   * @throws JambicException if {@code vocabSize} is below {@link #LEAST_VOCAB_SIZE}, or a text has
   *     half of a surrogate pair
   */
  public BpeTokenizer train(int vocabSize) {
    return train(vocabSize, tokens -> {});
  }

  /**
   * Learns from all that was added, and tells how far it is.
   *
   * @param vocabSize tokens, the 256 bytes and {@code <|endoftext|>} among them
   * @param progress hears after each new token how many there are
   * @return as {@link #train(int)}
   * @throws JambicException as {@link #train(int)}
   */
  public BpeTokenizer train(int vocabSize, IntConsumer progress) {
    requireRoom(vocabSize, LEAST_VOCAB_SIZE, "the end of a text");
    List<byte[]> tokens = new ArrayList<>();
    List<BpeMerges.Merge> merges =
        learn(tokens, vocabSize - 1, count -> progress.accept(count + 1));
    int end = tokens.size();
    tokens.add(BpeFiles.END_OF_TEXT.getBytes(StandardCharsets.UTF_8));
    return new BpeTokenizer(
        tokens.toArray(byte[][]::new),
        merges,
        List.of(BpeFiles.endOfText(end)),
        BpeOptions.GPT2,
        TokenizerSettings.NONE);
  }

  /**
   * Learns the vocabulary of a translator from all that was added: the sentences of both languages,
   * each ended by {@link #endText}. The {@link TranslationTokens} have the first ids, and {@link
   * Tokenizer#encodePrompt} puts the end behind a text.
   *
   * @param vocabSize tokens, the special ones and the 256 bytes among them
   * @param progress hears after each new token how many there are
   * @return a tokenizer of that many tokens, or of fewer if no pair is left that occurs twice
   * @throws JambicException if {@code vocabSize} is below {@link #LEAST_TRANSLATION_VOCAB_SIZE}, or
   *     a text has half of a surrogate pair
   */
  public BpeTokenizer trainForTranslation(int vocabSize, IntConsumer progress) {
    requireRoom(vocabSize, LEAST_TRANSLATION_VOCAB_SIZE, String.join(", ", TranslationTokens.ALL));
    List<byte[]> tokens = new ArrayList<>();
    List<AddedToken> special = new ArrayList<>();
    for (String token : TranslationTokens.ALL) {
      special.add(AddedToken.of(tokens.size(), token, true));
      tokens.add(token.getBytes(StandardCharsets.UTF_8));
    }
    List<BpeMerges.Merge> merges = learn(tokens, vocabSize, progress);
    List<Integer> end = List.of(TranslationTokens.ALL.indexOf(TranslationTokens.END));
    return new BpeTokenizer(
        tokens.toArray(byte[][]::new),
        merges,
        special,
        new BpeOptions(false, false, new PromptTemplate(List.of(), end)),
        TokenizerSettings.ofTranslation());
  }

  private static void requireRoom(int vocabSize, int least, String special) {
    if (vocabSize < least) {
      throw new JambicException(
          Text.format(
              "a byte-pair vocabulary has at least %d tokens (the bytes and %s), not %d",
              least, special, vocabSize));
    }
  }

  /** Adds the bytes, and then what merges make until there are so many tokens. */
  private List<BpeMerges.Merge> learn(List<byte[]> tokens, int size, IntConsumer progress) {
    endText();
    int[] byteIds = new int[256];
    ByteEncoding alphabet = new ByteEncoding();
    for (String character : alphabet.inOrder()) {
      byte[] token = alphabet.bytes(character);
      byteIds[token[0] & 0xFF] = tokens.size();
      tokens.add(token);
    }
    List<BpeMerges.Merge> merges = new ArrayList<>();
    BpePairs pairs = new BpePairs(words(byteIds));
    while (tokens.size() < size) {
      Optional<BpePairs.Pair> frequent = pairs.mostFrequent(LEAST_COUNT);
      if (frequent.isEmpty()) {
        break;
      }
      BpePairs.Pair best = frequent.get();
      int merged = tokens.size();
      byte[] left = tokens.get(best.left());
      byte[] right = tokens.get(best.right());
      byte[] both = Arrays.copyOf(left, left.length + right.length);
      System.arraycopy(right, 0, both, left.length, right.length);
      tokens.add(both);
      merges.add(new BpeMerges.Merge(best.left(), best.right(), merged));
      pairs.merge(best, merged);
      progress.accept(tokens.size());
    }
    return merges;
  }

  /** The words as ids of their bytes; of one byte alone there is nothing to merge. */
  private List<BpePairs.Word> words(int[] byteIds) {
    CharsetEncoder encoder = StandardCharsets.UTF_8.newEncoder();
    List<BpePairs.Word> words = new ArrayList<>(counts.size());
    counts.forEach((text, count) -> {
      ByteBuffer bytes;
      try {
        bytes = encoder.encode(CharBuffer.wrap(text));
      } catch (CharacterCodingException e) {
        throw new JambicException(
            "a text has half of a surrogate pair, which is no character; leave it out", e);
      }
      int[] ids = new int[bytes.remaining()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = byteIds[bytes.get(i) & 0xFF];
      }
      if (ids.length > 1) {
        words.add(new BpePairs.Word(ids, count.value));
      }
    });
    return words;
  }
}
