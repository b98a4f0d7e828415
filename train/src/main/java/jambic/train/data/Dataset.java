package jambic.train.data;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * The tokens to train on and those held back to measure with.
 *
 * @param train the tokens to train on
 * @param val the validation tokens, never trained on
 */
public record Dataset(TokenSource train, TokenSource val) {
  /** The two parts of a dataset. */
  public enum Split {
    /** What is trained on. */
    TRAIN,
    /** What is held back. */
    VAL
  }

  /**
   * Splits a text as the lecture and nanoGPT do: the first nine tenths to train on, the rest to
   * validate with.
   *
   * @param tokens the whole text
   * @param blockSize the context length; both parts must hold one context and the token after it
   * @param name what error messages call the text, usually its file
   * @return views of the two parts
   * @throws JambicException if the text is too short, saying how many tokens it needs
   */
  public static Dataset split(TokenSource tokens, int blockSize, String name) {
    long n = tokens.length();
    long needed = 10L * blockSize + 1; // the least n whose last tenth, rounded up, is blockSize + 1
    if (n < needed) {
      throw new JambicException(
          Text.format(
              "%s has %s, but a context of %d needs at least %d (its last tenth must hold one"
                  + " context and the token after it); give a longer text or a smaller context",
              name, ErrorText.count(n, "token"), blockSize, needed));
    }
    long boundary = n * 9 / 10;
    return new Dataset(tokens.slice(0, boundary), tokens.slice(boundary, n));
  }

  /**
   * Returns one of the two parts.
   *
   * @param split which
   * @return its tokens
   */
  public TokenSource of(Split split) {
    return split == Split.TRAIN ? train : val;
  }

  /**
   * Refuses ids that a vocabulary lacks.
   *
   * @param vocabSize one more than its largest id
   * @throws JambicException if a token is not in [0, vocabSize)
   */
  public void requireIds(int vocabSize) {
    int[] ids = new int[1 << 14];
    for (Split split : Split.values()) {
      TokenSource tokens = of(split);
      for (long from = 0; from < tokens.length(); from += ids.length) {
        int count = (int) Math.min(ids.length, tokens.length() - from);
        tokens.copy(from, ids, 0, count);
        for (int i = 0; i < count; i++) {
          if (ids[i] < 0 || ids[i] >= vocabSize) {
            throw new JambicException(
                Text.format(
                    "token %d of the %s part has the id %d, but the vocabulary has ids up to %d; encode the text with the model's tokenizer",
                    from + i, split.name().toLowerCase(Locale.ROOT), ids[i], vocabSize - 1));
          }
        }
      }
    }
  }

  /**
   * Tells datasets apart: the SHA-256 of all token ids, training part first.
   *
   * @return 64 hexadecimal digits
   */
  public String fingerprint() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      int[] ids = new int[1 << 14];
      ByteBuffer bytes = ByteBuffer.allocate(ids.length * Integer.BYTES);
      for (TokenSource tokens : new TokenSource[] {train, val}) {
        for (long from = 0; from < tokens.length(); from += ids.length) {
          int count = (int) Math.min(ids.length, tokens.length() - from);
          tokens.copy(from, ids, 0, count);
          bytes.asIntBuffer().put(ids, 0, count);
          digest.update(bytes.array(), 0, count * Integer.BYTES);
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
