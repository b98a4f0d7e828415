package jambic.model.sentencepiece;

import jambic.model.sentencepiece.Segmentation.Part;
import jambic.tensor.JambicException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A SentencePiece model of the kind unigram (Kudo, 2018), with the results of Google's library: it
 * normalizes a text and cuts it into the pieces that make it likeliest. Immutable, for any number
 * of threads.
 */
public final class SentencePiece {
  private final Normalizer normalizer;
  private final Segmentation segmentation;
  private final boolean byteFallback;
  private final Decoder decoder;

  SentencePiece(
      Normalizer normalizer, Segmentation segmentation, boolean byteFallback, Decoder decoder) {
    this.normalizer = normalizer;
    this.segmentation = segmentation;
    this.byteFallback = byteFallback;
    this.decoder = decoder;
  }

  /**
   * Reads a model's file, {@code .spm} or {@code .model}.
   *
   * @param file the file
   * @return the model
   * @throws JambicException if it cannot be read, is damaged, or holds a model of another kind
   */
  public static SentencePiece read(Path file) {
    return ModelFile.read(file);
  }

  /**
   * Brings a text into the form in which pieces are looked for, by the rules that the file has.
   *
   * @param text any text
   * @return the text as its pieces make it up, mostly with U+2581 for a space
   */
  public String normalize(String text) {
    return normalizer.normalize(text);
  }

  /**
   * Cuts a text into pieces. Characters that no piece has stand there as they are, neighbours as
   * one; where the model falls back to bytes, each of their bytes is a piece such as {@code
   * <0xE2>}.
   *
   * @param text any text, which is normalized first
   * @return the pieces
   */
  public List<String> encode(String text) {
    List<String> pieces = new ArrayList<>();
    boolean afterUnknown = false;
    for (Part part : segmentation.parts(normalize(text))) {
      if (!part.known() && byteFallback) {
        for (byte b : part.text().getBytes(StandardCharsets.UTF_8)) {
          pieces.add(Piece.ofByte(b));
        }
      } else if (!part.known() && afterUnknown) {
        pieces.add(pieces.removeLast() + part.text());
      } else {
        pieces.add(part.text());
      }
      afterUnknown = !part.known();
    }
    return pieces;
  }

  /**
   * Joins pieces to a text.
   *
   * @param pieces pieces of the model, or unknown ones, which stay as they are
   * @return the text, without the space that the model puts before it
   */
  public String decode(List<String> pieces) {
    return decoder.decode(pieces);
  }
}
