package jambic.model.translator;

import jambic.model.text.MarianTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Turns texts of two languages into token ids and back. Immutable, for any number of threads. */
public interface TranslationTokenizer {
  /**
   * Turns a text to translate into ids.
   *
   * @param text the text
   * @return its ids, with the end token
   * @throws JambicException if the vocabulary cannot express the text
   */
  int[] encodeSource(String text);

  /**
   * Turns the ids of a translation into text.
   *
   * @param ids the ids, perhaps with special tokens, which leave nothing
   * @return the text
   * @throws JambicException if the vocabulary lacks an id
   */
  String decode(int... ids);

  /**
   * Returns what a single token stands for; tokens may part amid a character.
   *
   * @param id the token's
   * @return its bytes in UTF-8; none for a special token
   * @throws JambicException if the vocabulary lacks the id
   */
  byte[] bytes(int id);

  /**
   * Reads the tokenizer of a folder: {@code tokenizer.json}, which both languages share, or
   * OPUS-MT's {@code source.spm}, {@code target.spm} and {@code vocab.json}.
   *
   * @param folder the checkpoint's
   * @return the tokenizer
   * @throws JambicException if the folder has none, or a damaged one
   */
  static TranslationTokenizer read(Path folder) {
    if (Files.exists(folder.resolve(MarianTokenizer.SOURCE))) {
      MarianTokenizer tokenizer = MarianTokenizer.read(folder);
      return new TranslationTokenizer() {
        @Override
        public int[] encodeSource(String text) {
          return tokenizer.encodeSource(text);
        }

        @Override
        public String decode(int... ids) {
          return tokenizer.decode(ids);
        }

        @Override
        public byte[] bytes(int id) {
          return tokenizer.piece(id).getBytes(StandardCharsets.UTF_8);
        }
      };
    }
    Optional<Tokenizer> joint = Tokenizer.find(folder);
    return of(
        joint.orElseThrow(() ->
            new JambicException(
                Text.format(
                    "%s has no tokenizer: neither tokenizer.json nor source.spm is there",
                    folder))));
  }

  /**
   * Wraps a tokenizer that both languages share.
   *
   * @param joint the tokenizer; {@link Tokenizer#encodePrompt} must add the end token to a text
   * @return the tokenizer
   */
  static TranslationTokenizer of(Tokenizer joint) {
    return new JointTokenizer(joint);
  }
}
