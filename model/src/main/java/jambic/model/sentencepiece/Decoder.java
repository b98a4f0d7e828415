package jambic.model.sentencepiece;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Optional;

/** Joins pieces to the text that they are of, as SentencePiece does. */
final class Decoder {
  private final Vocabulary vocabulary;
  private final String unknownSurface;
  private final boolean dropsFirstSpace;
  private final boolean dropsAllFirstSpaces;
  private final Optional<Normalizer> denormalizer;

  /**
   * Makes a decoder.
   *
   * @param vocabulary what pieces are
   * @param unknownSurface what the piece for the unknown becomes
   * @param addsSpace whether the model puts a space before a text, which goes again
   * @param removesSpaces whether the model has no space at the start of a text
   * @param denormalizer what the text is at last put through
   */
  Decoder(
      Vocabulary vocabulary,
      String unknownSurface,
      boolean addsSpace,
      boolean removesSpaces,
      Optional<Normalizer> denormalizer) {
    this.vocabulary = vocabulary;
    this.unknownSurface = unknownSurface;
    this.dropsFirstSpace = addsSpace || removesSpaces;
    this.dropsAllFirstSpaces = removesSpaces;
    this.denormalizer = denormalizer;
  }

  String decode(List<String> pieces) {
    StringBuilder text = new StringBuilder();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(); // of a character that is open
    boolean atStart = true;
    boolean spaceDropped = false;
    for (String written : pieces) {
      Piece piece = vocabulary.find(written);
      if (piece.type() == Piece.Type.BYTE) {
        bytes.write(piece.toByte().orElseThrow());
        continue;
      }
      text.append(Utf8.decode(bytes.toByteArray()));
      bytes.reset();
      atStart &= !spaceDropped && text.isEmpty();
      spaceDropped = false;
      switch (piece.type()) {
        case CONTROL -> {}
        case UNKNOWN -> text.append(written.equals(piece.text()) ? unknownSurface : written);
        default -> {
          boolean drops = atStart && dropsFirstSpace && written.startsWith(Normalizer.SPACE);
          spaceDropped = drops && !dropsAllFirstSpaces;
          text.append(
              (drops ? written.substring(Normalizer.SPACE.length()) : written)
                  .replace(Normalizer.SPACE, " "));
        }
      }
    }
    text.append(Utf8.decode(bytes.toByteArray()));
    return denormalizer.map(last -> last.normalize(text.toString())).orElseGet(text::toString);
  }
}
