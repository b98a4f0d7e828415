package jambic.model.sentencepiece;

import jambic.model.io.ErrorText;
import jambic.model.sentencepiece.ProtobufReader.DamagedException;
import jambic.tensor.text.Text;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The pieces of a model by their texts, checked as SentencePiece checks them. */
final class Vocabulary {
  private static final int BYTES = 256;

  private final Map<String, Piece> texts = new HashMap<>();
  private final Map<String, Piece> reserved = new HashMap<>();
  private final Piece unknown;

  /** Makes it of a file's pieces. */
  Vocabulary(List<Piece> pieces, boolean byteFallback) throws DamagedException {
    for (Piece piece : pieces) {
      if (piece.text().isEmpty()) {
        throw new DamagedException("it has a piece without text");
      }
      if (!Float.isFinite(piece.score())) {
        throw new DamagedException(
            Text.format(
                "the score of its piece %s is %s", ErrorText.quote(piece.text()), piece.score()));
      }
      if (piece.type() == Piece.Type.BYTE && piece.toByte().isEmpty()) {
        throw new DamagedException(
            Text.format("its piece %s is no byte", ErrorText.quote(piece.text())));
      }
      if ((piece.isText() ? texts : reserved).put(piece.text(), piece) != null) {
        throw new DamagedException(
            Text.format("it has the piece %s twice", ErrorText.quote(piece.text())));
      }
    }
    if (count(pieces, Piece.Type.NORMAL) == 0) {
      throw new DamagedException("it has no pieces to cut a text into");
    }
    if (count(pieces, Piece.Type.UNKNOWN) != 1) {
      throw new DamagedException(
          Text.format(
              "it has %s for what is unknown, not one",
              ErrorText.count(count(pieces, Piece.Type.UNKNOWN), "piece")));
    }
    if (count(pieces, Piece.Type.BYTE) != (byteFallback ? BYTES : 0)) {
      throw new DamagedException(
          Text.format(
              "it has %s for bytes, not %d",
              ErrorText.count(count(pieces, Piece.Type.BYTE), "piece"), byteFallback ? BYTES : 0));
    }
    unknown =
        pieces.stream()
            .filter(piece -> piece.type() == Piece.Type.UNKNOWN)
            .findFirst()
            .orElseThrow();
  }

  private static long count(List<Piece> pieces, Piece.Type type) {
    return pieces.stream().filter(piece -> piece.type() == type).count();
  }

  /** The piece of a text, the one for the unknown if there is none; reserved names go first. */
  Piece find(String text) {
    return reserved.getOrDefault(text, texts.getOrDefault(text, unknown));
  }
}
