package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.model.sentencepiece.SentencePiece;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The tokenizer of an OPUS-MT folder, with the ids of transformers' {@code MarianTokenizer}: {@code
 * source.spm} and {@code target.spm} cut texts of the two languages into pieces, {@code vocab.json}
 * has the ids of both. Immutable, for any number of threads.
 *
 * <p>A model for several target languages is told which one by a code before the text, such as
 * {@code >>fra<< }.
 */
public final class MarianTokenizer {
  /** The name of the file of the source language. */
  public static final String SOURCE = "source.spm";

  private static final String TARGET = "target.spm";

  /** The names of all files that belong to it. */
  public static final List<String> FILES =
      List.of(SOURCE, TARGET, "vocab.json", "tokenizer_config.json", "special_tokens_map.json");

  private static final String CODE_BEGIN = ">>";
  private static final String CODE_END = "<<";
  private static final int SHOWN = 20; // codes in a sentence

  private final SentencePiece source;
  private final SentencePiece target;
  private final MarianVocabulary vocabulary;
  private final Set<String> languageCodes;

  private MarianTokenizer(SentencePiece source, SentencePiece target, MarianVocabulary vocabulary) {
    this.source = source;
    this.target = target;
    this.vocabulary = vocabulary;
    this.languageCodes = vocabulary.languageCodes();
  }

  /**
   * Reads the tokenizer of a folder.
   *
   * @param folder a folder with {@code source.spm}, {@code target.spm} and {@code vocab.json}
   * @return the tokenizer
   * @throws JambicException if a file is missing, damaged, or asks for what is not supported
   */
  public static MarianTokenizer read(Path folder) {
    return new MarianTokenizer(
        SentencePiece.read(folder.resolve(SOURCE)),
        SentencePiece.read(folder.resolve(TARGET)),
        MarianVocabulary.read(folder));
  }

  /**
   * Turns a text of the source language into ids, {@code </s>} last. Texts of special tokens are
   * text like any other.
   *
   * @param text the text, which a language code may precede
   * @return its ids
   * @throws JambicException if the vocabulary has language codes, but not the one of the text
   */
  public int[] encodeSource(String text) {
    return encode(source, text, false);
  }

  /**
   * The same, where the texts of special tokens may be these tokens, as in transformers.
   *
   * @param text the text, which a language code may precede
   * @param special whether special tokens count
   * @return its ids
   * @throws JambicException if the vocabulary has language codes, but not the one of the text
   */
  public int[] encodeSource(String text, boolean special) {
    return encode(source, text, special);
  }

  /**
   * Turns a text of the target language into ids, {@code </s>} last: what a model is to learn.
   *
   * @param text the text
   * @return its ids
   */
  public int[] encodeTarget(String text) {
    return encode(target, text, false);
  }

  /**
   * The same, where the texts of special tokens may be these tokens, as in transformers.
   *
   * @param text the text
   * @param special whether special tokens count
   * @return its ids
   */
  public int[] encodeTarget(String text, boolean special) {
    return encode(target, text, special);
  }

  /**
   * Turns ids of the target language into text. The end, the padding and the unknown leave nothing.
   *
   * @param ids the ids
   * @return the text
   * @throws JambicException if the vocabulary lacks an id
   */
  public String decode(int... ids) {
    List<String> pieces = new ArrayList<>();
    for (int id : ids) {
      String token = vocabulary.token(id);
      if (!vocabulary.isSpecial(id)) {
        pieces.add(token);
      }
    }
    String text = target.decode(pieces).replace('\u2581', ' ').strip();
    return vocabulary.cleansUp() ? cleaned(text) : text;
  }

  /**
   * Returns the text of one token, a blank in front where it begins a word.
   *
   * @param id the token's
   * @return its text; none for the end, the padding and the unknown
   * @throws JambicException if the vocabulary lacks the id
   */
  public String piece(int id) {
    String token = vocabulary.token(id);
    return vocabulary.isSpecial(id) ? "" : token.replace('\u2581', ' ');
  }

  /** As transformers' {@code clean_up_tokenization}. */
  private static String cleaned(String text) {
    return text.replace(" .", ".")
        .replace(" ?", "?")
        .replace(" !", "!")
        .replace(" ,", ",")
        .replace(" ' ", "'")
        .replace(" n't", "n't")
        .replace(" 'm", "'m")
        .replace(" 's", "'s")
        .replace(" 've", "'ve")
        .replace(" 're", "'re");
  }

  /**
   * Number of tokens.
   *
   * @return one more than the largest id
   */
  public int vocabSize() {
    return vocabulary.size();
  }

  /**
   * The token that ends a text.
   *
   * @return its id
   */
  public int endId() {
    return vocabulary.end();
  }

  /**
   * The token that short texts are filled up with, and that starts the decoder of OPUS-MT's models.
   *
   * @return its id
   */
  public int paddingId() {
    return vocabulary.padding();
  }

  /**
   * The token for what no piece has.
   *
   * @return its id
   */
  public int unknownId() {
    return vocabulary.unknown();
  }

  /**
   * The codes that say which language to translate to.
   *
   * @return such as {@code >>fra<<}; none if there is one target language only
   */
  public Set<String> languageCodes() {
    return languageCodes;
  }

  private int[] encode(SentencePiece model, String text, boolean special) {
    List<Integer> encoded = new ArrayList<>();
    TextPieces pieces =
        new TextPieces() {
          private final StringBuilder open = new StringBuilder();

          @Override
          public void text(String part) {
            open.append(part);
          }

          @Override
          public void token(int id) {
            end();
            encoded.add(id);
          }

          @Override
          public void end() {
            appendText(model, open.toString(), encoded);
            open.setLength(0);
          }
        };
    AddedTokenFinder finder = new AddedTokenFinder(vocabulary.added(), special, pieces);
    finder.text(text);
    finder.end();
    encoded.add(vocabulary.end());
    return encoded.stream().mapToInt(Integer::intValue).toArray();
  }

  private void appendText(SentencePiece model, String text, List<Integer> encoded) {
    int codeEnd = text.startsWith(CODE_BEGIN) ? text.indexOf(CODE_END) : -1;
    String rest = text;
    if (codeEnd >= 0) {
      String code = text.substring(0, codeEnd + CODE_END.length());
      rest = text.substring(code.length());
      encoded.add(codeId(model, code));
    }
    model.encode(rest).forEach(piece -> encoded.add(vocabulary.id(piece)));
  }

  /** Without languages to choose from, transformers takes a code for something unknown. */
  private int codeId(SentencePiece model, String code) {
    if (model == source && !languageCodes.isEmpty() && !vocabulary.has(code)) {
      throw new JambicException(
          Text.format(
              "the model has no language %s; it has %s%s",
              ErrorText.quote(code),
              languageCodes.stream().sorted().limit(SHOWN).collect(Collectors.joining(" ")),
              languageCodes.size() > SHOWN ? " and others" : ""));
    }
    return vocabulary.id(code);
  }
}
